/* Serves HTTP/1.1: every state has a deadline, every buffer a bound. */
#include "tools/domains_http.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "http/fields.h"
#include "http/framing.h"
#include "http/parse.h"
#include "lib/array.h"
#include "lib/clock.h"
#include "lib/sock.h"

#define THREADS 32
#define BACKLOG 256
#define HEAD_MAX 16384
#define ANSWER_MAX (64 * 1024 * 1024) /* bytes; all domains of a project */
#define IDLE_MS 5000		      /* until a request begins */
#define HEAD_MS 5000	   /* until its head is there, then its body */
#define SEND_MS 10000	   /* until the answer is taken */
#define REQUESTS_MAX 10000 /* of one connection */
#define REST_MS 100	   /* where there is no descriptor for a client */

static const struct http_limits limits = {
	.line = 4096, .head = HEAD_MAX, .field = 8192, .fields = 64
};

struct serving {
	const struct http_server *server; /* borrowed */
	int listener, stop;		  /* stop: an eventfd; readable: end */
};

struct conn {
	const struct serving *s;
	int fd;
	struct buf in, out;
	struct http_msg msg;
	bool keep; /* it may have another request */
};

/* Wait for one of ours.  False: too late, or the end of all. */
static bool
wait_for(const struct conn *c, short events, uint64_t deadline_ms, bool idle)
{
	struct pollfd p[2] = { { c->fd, events, 0 },
		{ c->s->stop, POLLIN, 0 } };
	uint64_t now_ms = clock_mono_ms();
	int n;

	if (now_ms >= deadline_ms)
		return false;
	n = poll(p, idle ? 2 : 1, (int)(deadline_ms - now_ms));
	return n > 0 && p[0].revents != 0;
}

/* Some bytes more.  False: the end, an error, or too late. */
static bool
receive(struct conn *c, uint64_t deadline_ms, bool idle)
{
	ssize_t n;

	do {
		if (!wait_for(c, POLLIN, deadline_ms, idle))
			return false;
		n = buf_recv(&c->in, c->fd, 16384);
	} while (n == -1 && errno == EAGAIN);
	return n > 0;
}

static bool
send_all(struct conn *c)
{
	uint64_t deadline_ms = clock_mono_ms() + SEND_MS;

	while (buf_len(&c->out) > 0)
		if (!wait_for(c, POLLOUT, deadline_ms, false) ||
		    (buf_send(&c->out, c->fd) == -1 && errno != EAGAIN))
			return false;
	return true;
}

static const char *
phrase(unsigned status)
{
	static const struct {
		unsigned status;
		const char *phrase;
	} phrases[] = {
		{ 200, "OK" },
		{ 400, "Bad Request" },
		{ 401, "Unauthorized" },
		{ 403, "Forbidden" },
		{ 404, "Not Found" },
		{ 405, "Method Not Allowed" },
		{ 411, "Length Required" },
		{ 413, "Content Too Large" },
		{ 414, "URI Too Long" },
		{ 415, "Unsupported Media Type" },
		{ 431, "Request Header Fields Too Large" },
		{ 503, "Service Unavailable" },
	};

	for (size_t i = 0; i < nitems(phrases); i++)
		if (phrases[i].status == status)
			return phrases[i].phrase;
	return "";
}

/* Put an answer, whose body is released. */
static bool
put_answer(struct conn *c, struct http_answer *a, bool head_only)
{
	char *text =
	    a->body != NULL ? json_dumps(a->body, JSON_COMPACT) : strdup("{}");
	bool put = text != NULL &&
		   buf_printf(&c->out,
		       "HTTP/1.1 %u %s\r\nContent-Type: application/json\r\n"
		       "Content-Length: %zu\r\n%s%s%s\r\n",
		       a->status, phrase(a->status), strlen(text) + 1,
		       a->header != NULL ? a->header : "",
		       a->header != NULL ? "\r\n" : "",
		       c->keep ? "" : "Connection: close\r\n") &&
		   (head_only || buf_printf(&c->out, "%s\n", text));

	free(text);
	json_decref(a->body);
	return put;
}

/* A head that is none, or too large: one last answer. */
static void
refuse(struct conn *c, enum http_fault fault)
{
	struct http_answer a = {
		.status = fault == HTTP_TARGET_TOO_LONG	 ? 414
			  : fault == HTTP_HEAD_TOO_LARGE ? 431
							 : 400,
		.body = json_pack("{s:s}", "error", "This is no HTTP request"),
	};

	c->keep = false;
	if (put_answer(c, &a, false))
		send_all(c);
}

/* A head into c->msg.  False: there is none, and the connection ends. */
static bool
read_head(struct conn *c)
{
	uint64_t deadline_ms = clock_mono_ms() + IDLE_MS;
	enum http_fault fault;
	size_t scanned = 0;

	while (buf_len(&c->in) == 0)
		if (!receive(c, deadline_ms, true))
			return false;
	deadline_ms = clock_mono_ms() + HEAD_MS;
	while ((fault = http_parse_request(buf_span(&c->in).ptr,
		    buf_len(&c->in), &scanned, &limits, &c->msg)) == HTTP_MORE)
		if (!receive(c, deadline_ms, false))
			return false;
	if (fault == HTTP_FINE && c->msg.count[FIELD_HOST] == 1)
		return true;
	refuse(c, fault);
	return false;
}

/* Its body, behind the head in c->in.  False: the connection ends. */
static bool
read_body(struct conn *c, struct http_request *r)
{
	uint64_t deadline_ms = clock_mono_ms() + HEAD_MS, length = 0;
	enum body_end end = http_request_body(&c->msg, &length);
	const char *at = buf_span(&c->in).ptr;
	size_t scanned = 0;

	if (end == BODY_REFUSE) {
		refuse(c, HTTP_BAD);
		return false;
	}
	r->too_large = end == BODY_LENGTH && length > HTTP_BODY_MAX;
	r->no_length = end == BODY_CHUNKED;
	if (r->too_large || r->no_length) {
		c->keep = false;
		return true;
	}
	if (http_list_has(&c->msg, FIELD_EXPECT, SPAN("100-continue")) &&
	    (!buf_printf(&c->out, "HTTP/1.1 100 Continue\r\n\r\n") ||
		!send_all(c)))
		return false;
	while (buf_len(&c->in) - c->msg.head_len < length)
		if (!receive(c, deadline_ms, false))
			return false;
	if (buf_span(&c->in).ptr != at) /* the head has moved */
		http_parse_request(buf_span(&c->in).ptr, buf_len(&c->in),
		    &scanned, &limits, &c->msg);
	r->body = (struct span){ buf_span(&c->in).ptr + c->msg.head_len,
		(size_t)length };
	return true;
}

/* One request.  False: the connection ends. */
static bool
serve_one(struct conn *c)
{
	struct http_request r = { .head = &c->msg };
	struct http_answer a = { .status = 200 };
	const char *query;

	if (!read_head(c))
		return false;
	c->keep = c->keep && http_keep_alive(&c->msg);
	if (!read_body(c, &r))
		return false;
	r.path = c->msg.target;
	query = memchr(r.path.ptr, '?', r.path.len);
	if (query != NULL)
		r.path.len = (size_t)(query - r.path.ptr);
	c->s->server->serve(c->s->server->arg, &r, &a);
	buf_consume(&c->in, r.body.len + c->msg.head_len);
	return put_answer(c, &a, c->msg.method == HTTP_HEAD) && send_all(c) &&
	       c->keep;
}

/* What was refused unread would reset the connection, and our answer with it.
 */
static void
linger(struct conn *c)
{
	uint64_t deadline_ms = clock_mono_ms() + 1000;

	shutdown(c->fd, SHUT_WR);
	buf_consume(&c->in, buf_len(&c->in));
	while (receive(c, deadline_ms, true))
		buf_consume(&c->in, buf_len(&c->in));
}

static void
serve_connection(struct conn *c)
{
	buf_init(&c->in, HEAD_MAX + HTTP_BODY_MAX);
	buf_init(&c->out, ANSWER_MAX);
	c->keep = true;
	for (unsigned n = 1; serve_one(c); n++)
		c->keep = n < REQUESTS_MAX;
	linger(c);
	buf_release(&c->in);
	buf_release(&c->out);
	close(c->fd);
}

static void *
work(void *arg)
{
	const struct serving *s = arg;
	struct conn *c = calloc(1, sizeof(*c));
	struct pollfd p[2] = { { s->listener, POLLIN, 0 },
		{ s->stop, POLLIN, 0 } };
	struct addr peer;

	while (c != NULL && poll(p, 2, -1) >= 0 && p[1].revents == 0) {
		c->s = s;
		c->fd = sock_accept(s->listener, &peer);
		if (c->fd != -1)
			serve_connection(c);
		else if (errno != EAGAIN) /* others of us may be faster */
			poll(NULL, 0, REST_MS);
	}
	free(c);
	return NULL;
}

int
http_serve(const struct http_server *server, const struct addr *listen)
{
	struct serving s = { .server = server, .stop = -1 };
	pthread_t threads[THREADS];
	bool served;
	size_t n = 0;
	sigset_t ends;
	int sig, error;

	/* it listens last: who can connect is served */
	s.stop = eventfd(0, EFD_CLOEXEC);
	if (s.stop == -1)
		return -1;
	s.listener = sock_listen(listen, BACKLOG, false, 0660);
	error = s.listener == -1 ? errno : 0;
	while (error == 0 && n < THREADS) {
		error = pthread_create(&threads[n], NULL, work, &s);
		n += error == 0;
	}
	served = n > 0;
	sigemptyset(&ends);
	sigaddset(&ends, SIGTERM);
	sigaddset(&ends, SIGINT);
	if (served)
		sigwait(&ends, &sig);
	eventfd_write(s.stop, 1);
	while (n > 0)
		pthread_join(threads[--n], NULL);
	close(s.stop);
	if (s.listener != -1)
		close(s.listener);
	errno = error;
	return served ? 0 : -1;
}
