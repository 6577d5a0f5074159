/* Reads and writes sockets, keeping track of their readiness. */
#include "worker/stream.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#define STREAM_EVENTS (EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET)
#define STREAM_GONE (EPOLLHUP | EPOLLERR)

int
stream_open(struct ev_loop *loop, struct stream *s, int fd,
    void (*ready)(struct ev_io *io, uint32_t events))
{
	*s = (struct stream){ .io = { .fd = fd, .ready = ready },
		.writable = true };
	return ev_add(loop, &s->io, STREAM_EVENTS);
}

void
stream_close(struct ev_loop *loop, struct stream *s)
{
	ev_del(loop, &s->io);
	close(s->io.fd);
	s->io.fd = -1;
}

int
stream_shut(struct stream *s)
{
	return shutdown(s->io.fd, SHUT_WR);
}

void
stream_cut(struct stream *s)
{
	struct linger reset = { .l_onoff = 1, .l_linger = 0 };

	setsockopt(s->io.fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
}

void
stream_note(struct stream *s, uint32_t events)
{
	if (events & STREAM_GONE)
		s->hup = true;
	if (events & (EPOLLRDHUP | STREAM_GONE))
		s->ended = true;
	if (events & (EPOLLIN | EPOLLRDHUP | STREAM_GONE))
		s->readable = true;
	if (events & (EPOLLOUT | STREAM_GONE))
		s->writable = true;
}

ssize_t
stream_recv(struct stream *s, struct buf *b, size_t want)
{
	size_t room = b->max - buf_len(b);
	ssize_t n;

	if (!s->readable) {
		errno = EAGAIN;
		return -1;
	}
	if (room == 0) {
		errno = ENOBUFS;
		return -1;
	}
	if (want > room)
		want = room;
	n = buf_recv(b, s->io.fd, want);
	if (n == -1 && errno == EAGAIN)
		s->readable = false;
	/* less than asked for: there is no more, and an event if more comes;
	 * the end of the stream has had its event */
	if (n > 0 && (size_t)n < want && !s->ended)
		s->readable = false;
	return n;
}

ssize_t
stream_send(struct stream *s, struct iovec *iov, int count)
{
	struct msghdr m = { .msg_iov = iov, .msg_iovlen = (size_t)count };
	size_t total = 0;
	ssize_t n;

	if (!s->writable) {
		errno = EAGAIN;
		return -1;
	}
	for (int i = 0; i < count; i++)
		total += iov[i].iov_len;
	n = sendmsg(s->io.fd, &m, MSG_NOSIGNAL);
	if ((n == -1 && errno == EAGAIN) || (n >= 0 && (size_t)n < total))
		s->writable = false;
	return n;
}
