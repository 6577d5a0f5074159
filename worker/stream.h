/*
 * A connected socket under edge-triggered epoll, of a client or a backend, and
 * the TLS on it.
 * It is registered once; readiness is remembered, so that everybody tries
 * first and waits only when the kernel has said so.
 */
#ifndef WORKER_STREAM_H
#define WORKER_STREAM_H

#include <stdbool.h>
#include <sys/types.h>
#include <sys/uio.h>

#include "lib/buf.h"
#include "lib/ev.h"
#include "lib/span.h"

struct ssl_ctx_st;
struct ssl_st;

struct stream {
	struct ev_io io; /* owns the descriptor */
	struct ssl_st *ssl; /* owned; NULL: cleartext */
	bool readable;   /* false: wait for the event before reading */
	bool writable;   /* the same */
	bool ended;      /* the peer sends nothing more */
	bool hup;        /* the connection is gone, both ways */
	/* with TLS the first two are of what is in it, and these of the socket
	 */
	bool socket_readable, socket_writable;
	unsigned asides; /* steps of TLS for itself, its handshake's, too */
};

/*
 * Take a connected, or connecting, non-blocking socket.  It counts as
 * writable: connecting is found out by writing.  -1 with errno: not taken.
 */
int stream_open(struct ev_loop *loop, struct stream *s, int fd,
    void (*ready)(struct ev_io *io, uint32_t events));
void stream_close(struct ev_loop *loop, struct stream *s);

/* What every context has that is used here. */
void stream_tls_modes(struct ssl_ctx_st *ctx);

/*
 * Speak TLS from now on; the side and all else is set.  Takes ssl in any case.
 * A client's side begins with what is sent first; a server's goes through
 * stream_handshake() first of all.  -1 with errno.
 */
int stream_secure_take(struct stream *s, struct ssl_st *ssl);

enum stream_handshake {
	HANDSHAKE_WAIT,  /* for an event */
	HANDSHAKE_DONE,
	HANDSHAKE_PLAIN, /* it is no TLS, but HTTP: the stream is cleartext */
	HANDSHAKE_FAILED,
};
enum stream_handshake stream_handshake(struct stream *s);

/* "http" or "https": how a client comes in here. */
static inline struct span
stream_scheme(const struct stream *s)
{
	return s->ssl != NULL ? SPAN("https") : SPAN("http");
}

/* Tell the peer that nothing more comes; it may go on.  -1 with errno. */
int stream_shut(struct stream *s);

/* Have the kernel tell the peer that this was cut: a reset, not an end. */
void stream_cut(struct stream *s);

/* Remember what an event said; the first thing that a ready() does. */
void stream_note(struct stream *s, uint32_t events);

/*
 * Is there nothing to be read, nor an end?  Then an idle connection is good;
 * that TLS itself had something to say is no news.
 */
bool stream_quiet(struct stream *s);

/* As buf_recv(); EAGAIN too when it is known that there is nothing. */
ssize_t stream_recv(struct stream *s, struct buf *b, size_t want);

/* The same, but the bytes stay where they are; no TLS yet. */
ssize_t stream_peek(struct stream *s, struct buf *b, size_t want);

/* Drop n bytes of those.  -1 with errno. */
int stream_skip(struct stream *s, size_t n);

/* As writev(2), without a signal; EAGAIN too when it is known to be full;
 * EPROTO: TLS failed.  Then nothing more is sent or received.
 */
ssize_t stream_send(struct stream *s, struct iovec *iov, int count);

#endif
