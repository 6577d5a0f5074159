/*
 * A tool's web server for the tests, or a thousand of them: it listens on
 * ports of its own, says which, and signs each answer with its port.  It ends
 * when its standard input does, so it never outlives the test.
 *
 *	backend [-a address] [-n count] [-d ms] [-t text] [port ...]
 *
 *	/             text, or "backend <port>"; ms later
 *	/head         the request's head as it came
 *	/echo         the request's body, after the whole of it has come
 *	/discard      how many bytes that were
 *	/stream       the same, but at once, piece by piece
 *	/bytes/N      N bytes with Content-Length
 *	/chunked/N    N bytes in chunks, with a trailer
 *	/close/N      N bytes up to the end of the connection
 *	/cut/N        N bytes of the twice as many that it promises
 *	/slow/MS      as /, MS milliseconds later
 *	/nonsense     no HTTP
 */
#include <arpa/inet.h>
#include <bsd/stdlib.h>
#include <err.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <unistd.h>

#define HEAD_MAX 65536
#define PIECE 16384 /* bytes written at a time */
#define PORTS_MAX 4096

static const char *text;
static int delay_ms;

struct client {
	int fd;
	unsigned port; /* it came to */
	size_t have;   /* bytes in `in` */
	char in[HEAD_MAX];
};

static bool
put(const struct client *c, const void *bytes, size_t n)
{
	const char *p = bytes;
	ssize_t done;

	for (; n > 0; p += done, n -= done) {
		done = send(c->fd, p, n, MSG_NOSIGNAL);
		if (done <= 0)
			return false;
	}
	return true;
}

static void
wait_ms(int ms)
{
	if (ms > 0)
		poll(NULL, 0, ms);
}

/* The head of an answer; how its body ends is said in `framing`. */
static bool
put_head(const struct client *c, const char *framing)
{
	char head[256];
	int n = snprintf(head, sizeof(head),
	    "HTTP/1.1 200 OK\r\nX-Backend: %u\r\nContent-Type: text/plain\r\n"
	    "%s\r\n",
	    c->port, framing);

	return put(c, head, n);
}

static bool
put_length(const struct client *c, unsigned long long length)
{
	char framing[64];

	snprintf(framing, sizeof(framing), "Content-Length: %llu\r\n", length);
	return put_head(c, framing);
}

static bool
answer_text(const struct client *c, bool body, const char *s, size_t n)
{
	return put_length(c, n) && (!body || put(c, s, n));
}

/* The k-th byte of a generated body is the same wherever it is made. */
static void
fill(char piece[PIECE], uint64_t at)
{
	for (size_t i = 0; i < PIECE; i++)
		piece[i] = "0123456789abcdefghijklmnopqrstu"[(at + i) % 31];
}

static bool
put_bytes(const struct client *c, uint64_t n, bool chunked)
{
	static const char last[] = "0\r\nX-Trailer: yes\r\n\r\n";
	char piece[PIECE], line[32];

	for (uint64_t at = 0; at < n; at += PIECE) {
		size_t len = n - at < PIECE ? n - at : PIECE;

		fill(piece, at);
		if (chunked &&
		    !put(c, line, snprintf(line, sizeof(line), "%zx\r\n", len)))
			return false;
		if (!put(c, piece, len) || (chunked && !put(c, "\r\n", 2)))
			return false;
	}
	return !chunked || put(c, last, sizeof(last) - 1);
}

/* Read until there are n bytes at hand. */
static bool
need(struct client *c, size_t n)
{
	ssize_t got;

	while (c->have < n) {
		if (n > sizeof(c->in))
			return false;
		got = recv(c->fd, c->in + c->have, sizeof(c->in) - c->have, 0);
		if (got <= 0)
			return false;
		c->have += got;
	}
	return true;
}

static void
drop(struct client *c, size_t n)
{
	c->have -= n;
	memmove(c->in, c->in + n, c->have);
}

/* A line's length with its LF; 0 at the end of the connection. */
static size_t
need_line(struct client *c)
{
	const char *lf;

	while ((lf = memchr(c->in, '\n', c->have)) == NULL)
		if (!need(c, c->have + 1))
			return 0;
	return lf - c->in + 1;
}

/* A body being read: into memory, piece by piece to the client, or counted. */
struct sink {
	bool stream, discard;
	char *all; /* owned */
	size_t len;
};

static bool
take(struct client *c, struct sink *s, uint64_t n)
{
	char line[32];

	while (n > 0) {
		size_t len;

		if (!need(c, 1))
			return false;
		len = c->have < n ? c->have : n;
		if (s->stream) {
			if (!put(c, line,
				snprintf(line, sizeof(line), "%zx\r\n", len)) ||
			    !put(c, c->in, len) || !put(c, "\r\n", 2))
				return false;
		} else if (s->discard) {
			s->len += len;
		} else {
			s->all = realloc(s->all, s->len + len);
			if (s->all == NULL)
				err(1, "memory");
			memcpy(s->all + s->len, c->in, len);
			s->len += len;
		}
		drop(c, len);
		n -= len;
	}
	return true;
}

static bool
take_chunks(struct client *c, struct sink *s)
{
	unsigned long long size;
	size_t line;

	do {
		line = need_line(c);
		if (line == 0)
			return false;
		size = strtoull(c->in, NULL, 16);
		drop(c, line);
		if (!take(c, s, size))
			return false;
		if (size > 0)
			drop(c, need_line(c));
	} while (size > 0);
	do { /* trailers */
		line = need_line(c);
		drop(c, line);
	} while (line > 2);
	return line > 0;
}

static bool
take_body(struct client *c, const char *head, struct sink *s)
{
	const char *length = strcasestr(head, "\ncontent-length:");

	if (strcasestr(head, "\ntransfer-encoding: chunked") != NULL)
		return take_chunks(c, s);
	return length == NULL || take(c, s, strtoull(length + 16, NULL, 10));
}

static bool
answer_body(struct client *c, const char *head, bool stream)
{
	struct sink s = { .stream = stream };
	bool alive;

	if (stream && !put_head(c, "Transfer-Encoding: chunked\r\n"))
		return false;
	alive = take_body(c, head, &s);
	if (alive)
		alive = stream ? put(c, "0\r\n\r\n", 5)
			       : answer_text(c, true, s.all, s.len);
	free(s.all);
	return alive;
}

static bool
answer_count(struct client *c, const char *head)
{
	struct sink s = { .discard = true };
	char digits[32];

	return take_body(c, head, &s) &&
	       answer_text(c, true, digits,
		   (size_t)snprintf(digits, sizeof(digits), "%zu\n", s.len));
}

static bool
is(const char *path, const char *prefix)
{
	return strncmp(path, prefix, strlen(prefix)) == 0;
}

/* One request; false: that was the connection's last. */
static bool
answer(struct client *c, const char *head)
{
	const char *path = strchr(head, ' ');
	const char *number;
	bool body = strncmp(head, "HEAD ", 5) != 0;
	char own[64];
	uint64_t n;

	if (path == NULL)
		return false;
	path++;
	number = strchr(path + 1, '/');
	n = number != NULL ? strtoull(number + 1, NULL, 10) : 0;
	if (is(path, "/echo") || is(path, "/stream"))
		return answer_body(c, head, is(path, "/stream"));
	if (is(path, "/discard"))
		return answer_count(c, head);
	if (is(path, "/head"))
		return answer_text(c, body, head, strlen(head));
	if (is(path, "/bytes/"))
		return put_length(c, n) && (!body || put_bytes(c, n, false));
	if (is(path, "/chunked/"))
		return put_head(c, "Transfer-Encoding: chunked\r\n") &&
		       (!body || put_bytes(c, n, true));
	if (is(path, "/close/"))
		return put_head(c, "Connection: close\r\n") && body &&
		       put_bytes(c, n, false) && false;
	if (is(path, "/cut/"))
		return put_length(c, 2 * n) && put_bytes(c, n, false) && false;
	if (is(path, "/nonsense"))
		return put(c, "what?\r\n\r\n", 9) && false;
	wait_ms(is(path, "/slow/") ? (int)n : delay_ms);
	snprintf(own, sizeof(own), "backend %u\n", c->port);
	return answer_text(c, body, text != NULL ? text : own,
	    strlen(text != NULL ? text : own));
}

static void *
serve(void *arg)
{
	struct client *c = arg;
	char *end, *head;
	bool alive = true;

	while (alive) {
		while ((end = memmem(c->in, c->have, "\r\n\r\n", 4)) == NULL &&
		       need(c, c->have + 1))
			;
		if (end == NULL)
			break;
		head = strndup(c->in, end + 4 - c->in);
		drop(c, end + 4 - c->in);
		alive = answer(c, head);
		free(head);
	}
	close(c->fd);
	free(c);
	return NULL;
}

static void
accept_one(int listener, unsigned port, const pthread_attr_t *attr)
{
	struct client *c = calloc(1, sizeof(*c));
	pthread_t thread;
	int on = 1;

	if (c == NULL)
		err(1, "memory");
	c->port = port;
	c->fd = accept(listener, NULL, NULL);
	if (c->fd == -1) { /* out of descriptors: until a client leaves */
		free(c);
		wait_ms(10);
		return;
	}
	/* a head and a body are two writes: neither waits for the other */
	setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	if (pthread_create(&thread, attr, serve, c) != 0) {
		warn("port %u", port);
		close(c->fd);
		free(c);
	}
}

static int
listen_at(const char *address, unsigned *port)
{
	struct sockaddr_in a = { .sin_family = AF_INET,
		.sin_port = htons((uint16_t)*port) };
	socklen_t len = sizeof(a);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	if (inet_pton(AF_INET, address, &a.sin_addr) != 1)
		errx(1, "%s: not an IPv4 address", address);
	if (fd == -1 || bind(fd, (struct sockaddr *)&a, sizeof(a)) == -1 ||
	    listen(fd, 512) == -1 ||
	    getsockname(fd, (struct sockaddr *)&a, &len) == -1)
		err(1, "%s", address);
	*port = ntohs(a.sin_port);
	return fd;
}

int
main(int argc, char **argv)
{
	static struct pollfd p[PORTS_MAX + 1];
	static unsigned port[PORTS_MAX];
	const char *address = "127.0.0.1";
	pthread_attr_t attr;
	int c, count = 1;

	while ((c = getopt(argc, argv, "a:d:n:t:")) != -1) {
		switch (c) {
		case 'a':
			address = optarg;
			break;
		case 'd':
			delay_ms = (int)strtonum(optarg, 0, 60000, NULL);
			break;
		case 'n':
			count = (int)strtonum(optarg, 1, PORTS_MAX, NULL);
			break;
		case 't':
			text = optarg;
			break;
		default:
			return 2;
		}
	}
	pthread_attr_init(&attr);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	pthread_attr_setstacksize(&attr, 128 * 1024);
	signal(SIGPIPE, SIG_IGN);
	for (int i = 0; i < count; i++) {
		if (optind < argc)
			port[i] = (unsigned)strtonum(
			    argv[optind++], 1, UINT16_MAX, NULL);
		p[i] =
		    (struct pollfd){ listen_at(address, &port[i]), POLLIN, 0 };
		printf("%u\n", port[i]);
	}
	fflush(stdout);
	p[count] = (struct pollfd){ STDIN_FILENO, POLLIN, 0 };
	while (poll(p, count + 1, -1) > 0 && p[count].revents == 0)
		for (int i = 0; i < count; i++)
			if (p[i].revents != 0)
				accept_one(p[i].fd, port[i], &attr);
	return 0;
}
