/*
 * The backends of the bench: an HTTP/1.1 server, one thread, many ports.
 *
 *	origin FIRST_PORT COUNT
 *
 *	GET /s/N    N bytes, at most 16 MiB
 *	POST        a body with Content-Length is read and dropped: two bytes
 */
#include <bsd/stdlib.h>
#include <err.h>
#include <stdbool.h>
#include <sys/uio.h>

#include "bench/net.h"

#define IN_MAX 16384
#define BODY_MAX (16 << 20)
#define PORTS_MAX 64

struct conn {
	int fd;
	bool listens, wants_out;
	size_t have;   /* of a request's head */
	uint64_t skip; /* of its body */
	char head[256];
	size_t head_len, head_sent;
	uint64_t left; /* of the answer's body */
	char in[IN_MAX];
};

static int loop;
static char *body;

/* Nobody looks at it any more: all events of this turn are of others. */
static void
drop(struct conn *c)
{
	close(c->fd);
	free(c);
}

static void
want(struct conn *c, bool out)
{
	if (c->wants_out != out)
		watch(loop, EPOLL_CTL_MOD, c->fd, out ? EPOLLOUT : EPOLLIN, c);
	c->wants_out = out;
}

/* Send what is left of the answer.  False: the connection is gone. */
static bool
answer(struct conn *c)
{
	while (c->head_sent < c->head_len || c->left > 0) {
		struct iovec iov[] = { { c->head + c->head_sent,
					   c->head_len - c->head_sent },
			{ body, c->left } };
		struct msghdr m = { .msg_iov = iov, .msg_iovlen = 2 };
		ssize_t n = sendmsg(c->fd, &m, MSG_NOSIGNAL);
		size_t of_head;

		if (n == -1 && errno == EAGAIN) {
			want(c, true);
			return true;
		}
		if (n == -1) {
			drop(c);
			return false;
		}
		of_head =
		    (size_t)n < iov[0].iov_len ? (size_t)n : iov[0].iov_len;
		c->head_sent += of_head;
		c->left -= (size_t)n - of_head;
	}
	want(c, false);
	return true;
}

static void
begin(struct conn *c)
{
	const char *length = strcasestr(c->in, "\ncontent-length:");
	unsigned long long size = 2;

	if (strncmp(c->in, "GET /s/", 7) == 0)
		size = strtoull(c->in + 7, NULL, 10);
	c->left = size < BODY_MAX ? size : BODY_MAX;
	c->head_sent = 0;
	c->head_len = (size_t)snprintf(c->head, sizeof(c->head),
	    "HTTP/1.1 200 OK\r\nServer: bench\r\n"
	    "Content-Type: application/octet-stream\r\n"
	    "Content-Length: %llu\r\n\r\n",
	    (unsigned long long)c->left);
	if (length != NULL)
		c->skip = strtoull(
		    length + sizeof("\ncontent-length:") - 1, NULL, 10);
}

/* Answer what has come.  False: the connection is gone. */
static bool
requests(struct conn *c)
{
	char *end;
	size_t used;

	for (;;) {
		used = c->have < c->skip ? c->have : (size_t)c->skip;
		c->skip -= used;
		memmove(c->in, c->in + used, c->have - used);
		c->have -= used;
		if (c->skip > 0)
			return true;
		if (c->head_sent < c->head_len && !answer(c))
			return false;
		if (c->wants_out)
			return true;
		end = memmem(c->in, c->have, "\r\n\r\n", 4);
		if (end == NULL)
			return true;
		*end = '\0';
		begin(c);
		used = (size_t)(end + 4 - c->in);
		memmove(c->in, c->in + used, c->have - used);
		c->have -= used;
	}
}

static void
receive(struct conn *c)
{
	ssize_t n;

	if (c->skip > 0) /* without a copy of it */
		n = recv(c->fd, NULL, c->skip < 1 << 20 ? c->skip : 1 << 20,
		    MSG_TRUNC);
	else
		n = recv(c->fd, c->in + c->have, IN_MAX - 1 - c->have, 0);
	if (n <= 0) {
		if (n == 0 || errno != EAGAIN)
			drop(c);
		return;
	}
	if (c->skip > 0)
		c->skip -= (uint64_t)n;
	else
		c->have += (size_t)n;
	c->in[c->have] = '\0';
	requests(c);
}

static void
accept_all(const struct conn *listener)
{
	int fd, one = 1;
	struct conn *c;

	while ((fd = accept4(listener->fd, NULL, NULL,
		    SOCK_NONBLOCK | SOCK_CLOEXEC)) != -1) {
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
		c = calloc(1, sizeof(*c));
		if (c == NULL)
			err(1, "calloc");
		c->fd = fd;
		watch(loop, EPOLL_CTL_ADD, fd, EPOLLIN, c);
	}
}

static void
listen_on(struct conn *c, int port)
{
	struct sockaddr_in at = loopback(1, port);
	int one = 1;

	c->listens = true;
	c->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	setsockopt(c->fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (c->fd == -1 ||
	    bind(c->fd, (struct sockaddr *)&at, sizeof(at)) == -1 ||
	    listen(c->fd, 4096) == -1)
		err(1, "port %d", port);
	watch(loop, EPOLL_CTL_ADD, c->fd, EPOLLIN, c);
}

static void
ready(struct conn *c)
{
	if (c->listens)
		accept_all(c);
	else if (!c->wants_out)
		receive(c);
	else if (answer(c) && !c->wants_out)
		requests(c);
}

int
main(int argc, char **argv)
{
	static struct conn listeners[PORTS_MAX];
	struct epoll_event events[256];
	int n, first, count;

	if (argc != 3)
		errx(2, "usage: origin FIRST_PORT COUNT");
	first = (int)strtonum(argv[1], 1, 65535, NULL);
	count = (int)strtonum(argv[2], 1, PORTS_MAX, NULL);
	raise_files();
	loop = epoll_create1(EPOLL_CLOEXEC);
	body = malloc(BODY_MAX);
	if (loop == -1 || body == NULL)
		err(1, "start");
	memset(body, 'x', BODY_MAX);
	for (int i = 0; i < count; i++)
		listen_on(&listeners[i], first + i);
	for (;;) {
		n = epoll_wait(loop, events, 256, -1);
		for (int i = 0; i < n; i++)
			ready(events[i].data.ptr);
	}
}
