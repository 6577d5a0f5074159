/*
 * The load of the bench: an HTTP/1.1 client, one thread, as fast as it can, for
 * many hosts in turn.  What came of it is one line of JSON.
 *
 *	load [options] PORT
 *
 *	-c N     connections (64)          -d SEC   how long (5)
 *	-n N     so many requests          -u PATH  of them (/s/1024)
 *	-H N     hosts (1000)              -b N     POST a body of N bytes
 *	-s       TLS 1.3                   -x       a connection for each
 *request -i       one request a connection, a line "held N", then hold them all
 *	         until standard input ends
 */
#include <bsd/stdlib.h>
#include <err.h>
#include <openssl/ssl.h>
#include <stdbool.h>

#include "bench/net.h"

#define PIECE (256 * 1024)
#define AT_ONCE 64 /* connections that -i makes at a time */

enum state { CLOSED, CONNECTING, HANDSHAKE, IDLE, SENDING, HEAD, BODY };

struct conn {
	int fd;
	enum state state;
	SSL *ssl;
	size_t sent, total; /* of the request, without its body */
	uint64_t left;	    /* of the answer's body */
	size_t have;	    /* of the answer's head */
	bool last, wants_out;
	char request[192];
	char head[4096];
};

static int loop, port;
static long long nconns = 64, hosts = 1000, seconds = 5;
static uint64_t requests_max = UINT64_MAX, body_bytes;
static bool fresh, hold, over;
static const char *path = "/s/1024";
static SSL_CTX *tls;
static char piece[PIECE];

static uint64_t done, errors, bytes, issued;

static void advance(struct conn *c);

static void
drop(struct conn *c)
{
	if (c->ssl != NULL) {
		SSL_set_quiet_shutdown(c->ssl, 1);
		SSL_shutdown(c->ssl);
		SSL_free(c->ssl);
	}
	c->ssl = NULL;
	close(c->fd);
	c->state = CLOSED;
}

static void
want(struct conn *c, bool out)
{
	if (c->wants_out != out)
		watch(loop, EPOLL_CTL_MOD, c->fd,
		    out ? EPOLLIN | EPOLLOUT : EPOLLIN, c);
	c->wants_out = out;
}

/* From many addresses: one has not so many ports. */
static void
connect_to(struct conn *c)
{
	static uint32_t octet;
	struct sockaddr_in from = loopback(2 + octet++ % 32, 0),
			   to = loopback(1, port);
	int one = 1;

	c->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	setsockopt(
	    c->fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof(one));
	setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	if (c->fd == -1 ||
	    bind(c->fd, (struct sockaddr *)&from, sizeof(from)) == -1 ||
	    (connect(c->fd, (struct sockaddr *)&to, sizeof(to)) == -1 &&
		errno != EINPROGRESS))
		err(1, "connect");
	c->state = CONNECTING;
	c->wants_out = true;
	c->have = 0;
	if (tls != NULL) {
		c->ssl = SSL_new(tls);
		SSL_set_fd(c->ssl, c->fd);
		SSL_set_connect_state(c->ssl);
		SSL_set_tlsext_host_name(c->ssl, "t0000000.bench.test");
	}
	watch(loop, EPOLL_CTL_ADD, c->fd, EPOLLIN | EPOLLOUT, c);
}

/* As a system call would say it. */
static ssize_t
tls_result(struct conn *c, int n)
{
	int error;

	if (n > 0)
		return n;
	error = SSL_get_error(c->ssl, n);
	if (error == SSL_ERROR_ZERO_RETURN)
		return 0;
	errno = error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE
		    ? EAGAIN
		    : EIO;
	return -1;
}

static ssize_t
get(struct conn *c, void *to, size_t n)
{
	return c->ssl != NULL ? tls_result(c, SSL_read(c->ssl, to, (int)n))
			      : recv(c->fd, to, n, 0);
}

/* Of a body: nobody reads it. */
static ssize_t
waste(struct conn *c, uint64_t n)
{
	if (c->ssl != NULL)
		return get(c, piece, sizeof(piece));
	return recv(c->fd, NULL, n, MSG_TRUNC);
}

static ssize_t
put(struct conn *c, const void *from, size_t n)
{
	return c->ssl != NULL ? tls_result(c, SSL_write(c->ssl, from, (int)n))
			      : send(c->fd, from, n, MSG_NOSIGNAL);
}

/* Begin the next request, if there is to be one. */
static void
next(struct conn *c)
{
	char length[48] = "";

	if (over || issued >= requests_max)
		return;
	if (body_bytes > 0)
		snprintf(length, sizeof(length), "Content-Length: %llu\r\n",
		    (unsigned long long)body_bytes);
	c->total = (size_t)snprintf(c->request, sizeof(c->request),
	    "%s %s HTTP/1.1\r\nHost: t%07llu.bench.test\r\n%s\r\n",
	    body_bytes > 0 ? "POST" : "GET", path,
	    (unsigned long long)(issued * 7919 % (uint64_t)hosts), length);
	c->sent = 0;
	issued++;
	if (c->state == CLOSED) {
		connect_to(c);
		return;
	}
	c->state = SENDING;
	advance(c);
}

static void
failed(struct conn *c)
{
	bool idle = c->state == IDLE;

	drop(c);
	if (idle)
		return;
	if (++errors > 1000)
		over = true;
	if (!hold)
		next(c);
}

static void
finished(struct conn *c)
{
	done++;
	c->have = 0;
	if (fresh || c->last)
		drop(c);
	else
		c->state = IDLE;
	if (!hold)
		next(c);
}

/* 1: the head is there; 0: wait; -1: this is no good answer. */
static int
read_head(struct conn *c)
{
	ssize_t n = get(c, c->head + c->have, sizeof(c->head) - 1 - c->have);
	char *end, *length;
	size_t rest;

	if (n <= 0)
		return n == -1 && errno == EAGAIN ? 0 : -1;
	bytes += (uint64_t)n;
	c->have += (size_t)n;
	c->head[c->have] = '\0';
	end = memmem(c->head, c->have, "\r\n\r\n", 4);
	if (end == NULL)
		return c->have == sizeof(c->head) - 1 ? -1 : 0;
	*end = '\0';
	length = strcasestr(c->head, "\ncontent-length:");
	c->last = strcasestr(c->head, "\nconnection: close") != NULL;
	if (length == NULL || strncmp(c->head + 9, "200", 3) != 0)
		return -1;
	c->left = strtoull(length + sizeof("\ncontent-length:") - 1, NULL, 10);
	rest = c->have - (size_t)(end + 4 - c->head);
	c->left -= rest < c->left ? rest : c->left;
	return 1;
}

/* False: wait for the socket. */
static bool
send_request(struct conn *c)
{
	uint64_t left;
	ssize_t n;

	while (c->sent < c->total + body_bytes) {
		left = c->total + body_bytes - c->sent;
		if (c->sent < c->total)
			n = put(c, c->request + c->sent, c->total - c->sent);
		else
			n = put(c, piece, left < PIECE ? left : PIECE);
		if (n <= 0) {
			if (n == -1 && errno == EAGAIN)
				want(c, true);
			else
				failed(c);
			return false;
		}
		c->sent += (size_t)n;
	}
	want(c, false);
	return true;
}

static void
read_body(struct conn *c)
{
	ssize_t n;

	while (c->left > 0) {
		n = waste(c, c->left);
		if (n <= 0) {
			if (n == 0 || errno != EAGAIN)
				failed(c);
			return;
		}
		bytes += (uint64_t)n;
		c->left -= (uint64_t)n;
	}
	finished(c);
}

static void
shake_hands(struct conn *c)
{
	int n = SSL_do_handshake(c->ssl);

	if (n == 1)
		c->state = SENDING;
	else if (tls_result(c, n) == -1 && errno == EAGAIN)
		want(c, SSL_want_write(c->ssl));
	else
		failed(c);
}

static void
advance(struct conn *c)
{
	int head;

	if (c->state == CONNECTING)
		c->state = tls != NULL ? HANDSHAKE : SENDING;
	if (c->state == HANDSHAKE)
		shake_hands(c);
	if (c->state == IDLE && (get(c, piece, 1) != -1 || errno != EAGAIN))
		failed(c);
	if (c->state == SENDING) {
		if (send_request(c))
			c->state = HEAD;
		return; /* the answer cannot be there yet */
	}
	if (c->state == HEAD) {
		head = read_head(c);
		if (head == -1)
			failed(c);
		if (head == 1)
			c->state = BODY;
	}
	if (c->state == BODY)
		read_body(c);
}

/* Until that time, or until all is done; false: it is late. */
static bool
turn(uint64_t until_ns)
{
	struct epoll_event events[256];
	int n = epoll_wait(loop, events, 256, 100);

	for (int i = 0; i < n; i++)
		advance(events[i].data.ptr);
	return now_ns() < until_ns;
}

static void
run_idle(struct conn *conns)
{
	uint64_t until = now_ns() + 60 * SECOND;
	long long opened = 0;
	char c;

	do
		while (opened < nconns &&
		       (uint64_t)opened < done + errors + AT_ONCE)
			next(&conns[opened++]);
	while (done + errors < (uint64_t)nconns && turn(until));
	printf("held %llu\n", (unsigned long long)done);
	fflush(stdout);
	while (read(STDIN_FILENO, &c, 1) > 0)
		;
}

static void
run(struct conn *conns)
{
	uint64_t begun = now_ns(), end = begun + (uint64_t)seconds * SECOND;

	for (long long i = 0; i < nconns; i++)
		next(&conns[i]);
	while (done + errors < requests_max && turn(end))
		;
	over = true; /* what is under way may end */
	while (done + errors < issued && turn(end + 2 * SECOND))
		;
	printf("{\"requests\": %llu, \"seconds\": %.4f, \"bytes\": %llu, "
	       "\"errors\": %llu}\n",
	    (unsigned long long)done, (double)(now_ns() - begun) / SECOND,
	    (unsigned long long)bytes, (unsigned long long)errors);
}

static long long
number(const char *text)
{
	const char *wrong;
	long long n = strtonum(text, 1, 1LL << 40, &wrong);

	if (wrong != NULL)
		errx(2, "%s: %s", text, wrong);
	return n;
}

static void
begin_tls(void)
{
	tls = SSL_CTX_new(TLS_client_method());
	SSL_CTX_set_min_proto_version(tls, TLS1_3_VERSION);
	SSL_CTX_set_read_ahead(tls, 1);
	SSL_CTX_set_mode(tls, SSL_MODE_ENABLE_PARTIAL_WRITE |
				  SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
				  SSL_MODE_RELEASE_BUFFERS);
	SSL_CTX_set_alpn_protos(tls, (const unsigned char *)"\x08http/1.1", 9);
}

static void
option(int o)
{
	switch (o) {
	case 'c':
		nconns = number(optarg);
		break;
	case 'd':
		seconds = number(optarg);
		break;
	case 'n':
		requests_max = (uint64_t)number(optarg);
		break;
	case 'u':
		path = optarg;
		break;
	case 'H':
		hosts = number(optarg);
		break;
	case 'b':
		body_bytes = (uint64_t)number(optarg);
		break;
	case 'x':
		fresh = true;
		break;
	case 's':
		begin_tls();
		break;
	case 'i':
		hold = true;
		break;
	default:
		errx(2, "see the head of bench/load.c");
	}
}

int
main(int argc, char **argv)
{
	struct conn *conns;
	int o;

	while ((o = getopt(argc, argv, "c:d:n:u:H:b:xsi")) != -1)
		option(o);
	if (optind != argc - 1)
		errx(2, "which port?");
	port = (int)number(argv[optind]);
	raise_files();
	loop = epoll_create1(EPOLL_CLOEXEC);
	conns = calloc((size_t)nconns, sizeof(*conns));
	if (loop == -1 || conns == NULL)
		err(1, "start");
	if (hold)
		run_idle(conns);
	else
		run(conns);
	return 0;
}
