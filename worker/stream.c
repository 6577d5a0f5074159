/* Reads and writes sockets, keeping track of their readiness. */
#include "worker/stream.h"

#include <errno.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/sock.h"

#define STREAM_EVENTS (EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET)
#define STREAM_GONE (EPOLLHUP | EPOLLERR)

/*
 * Steps of TLS that bring no data: some twenty make a handshake, two or three a
 * new key, of which a peer needs one in hundreds of gigabytes (RFC 8446 section
 * 5.5).
 */
#define ASIDES_MAX 512

int
stream_open(struct ev_loop *loop, struct stream *s, int fd,
    void (*ready)(struct ev_io *io, uint32_t events))
{
	*s = (struct stream){ .io = { .fd = fd, .ready = ready },
		.writable = true };
	return ev_add(loop, &s->io, STREAM_EVENTS);
}

/* Of all streams: OpenSSL works on one at a time, and each would cost memory.
 */
static BIO *the_bio;

/*
 * Before it reads or writes.  SSL_get_error(3) wants no errors from before;
 * looking is cheaper than clearing.
 */
static SSL *
begin_tls(struct stream *s)
{
	if (ERR_peek_error() != 0)
		ERR_clear_error();
	BIO_set_data(the_bio, s);
	return s->ssl;
}

void
stream_close(struct ev_loop *loop, struct stream *s)
{
	if (s->ssl != NULL) {
		if (SSL_is_init_finished(s->ssl))
			SSL_shutdown(
			    begin_tls(s)); /* says so, waits for nothing */
		SSL_free(s->ssl);
		s->ssl = NULL;
	}
	ev_close(loop, &s->io);
}

int
stream_shut(struct stream *s)
{
	if (s->ssl != NULL)
		SSL_shutdown(begin_tls(s));
	return shutdown(s->io.fd, SHUT_WR);
}

void
stream_cut(struct stream *s)
{
	if (s->ssl != NULL) /* it would say that all was said */
		SSL_set_quiet_shutdown(s->ssl, 1);
	sock_reset_on_close(s->io.fd);
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
	if (s->ssl == NULL)
		return;
	s->socket_readable = s->socket_readable || s->readable;
	s->socket_writable = s->socket_writable || s->writable;
	/* TLS may have to read to write, and to write to read */
	s->readable = s->writable = true;
}

/*
 * What OpenSSL reads from and writes to.  It knows when the socket has nothing
 * more, as everything here does, and saves the call that would tell.
 */

static int
bio_read(BIO *bio, char *to, int want)
{
	struct stream *s = BIO_get_data(bio);
	ssize_t n = -1;

	BIO_clear_retry_flags(bio);
	errno = EAGAIN;
	if (s->socket_readable)
		n = recv(s->io.fd, to, (size_t)want, 0);
	if (n == -1 && errno == EAGAIN) {
		s->socket_readable = false;
		BIO_set_retry_read(bio);
	}
	if (n > 0 && n < want && !s->ended)
		s->socket_readable = false;
	if (n == 0)
		errno = 0; /* an end, and nothing to be waited for */
	return (int)n;
}

static int
bio_write(BIO *bio, const char *from, int len)
{
	struct stream *s = BIO_get_data(bio);
	ssize_t n = -1;

	BIO_clear_retry_flags(bio);
	errno = EAGAIN;
	if (s->socket_writable)
		n = send(s->io.fd, from, (size_t)len, MSG_NOSIGNAL);
	if (n == -1 && errno == EAGAIN) {
		s->socket_writable = false;
		BIO_set_retry_write(bio);
	}
	if (n >= 0 && n < len)
		s->socket_writable = false;
	return (int)n;
}

static long
bio_ctrl(BIO *bio, int command, long number, void *pointer)
{
	(void)bio;
	(void)number;
	(void)pointer;
	return command == BIO_CTRL_FLUSH; /* there is nothing to flush */
}

/* False: no memory. */
static bool
make_bio(void)
{
	BIO_METHOD *method;

	if (the_bio != NULL)
		return true;
	method =
	    BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "stream");
	if (method == NULL)
		return false;
	BIO_meth_set_read(method, bio_read);
	BIO_meth_set_write(method, bio_write);
	BIO_meth_set_ctrl(method, bio_ctrl);
	the_bio = BIO_new(method);
	if (the_bio != NULL)
		BIO_set_init(the_bio, 1);
	else
		BIO_meth_free(method);
	return the_bio != NULL;
}

/*
 * New keys, tickets and wishes to begin anew come in few bytes and cost as much
 * as a request does.  OpenSSL sets them no limit, and reads on within one call
 * as long as they come: a peer that has made a few megabytes of them ready
 * could keep all others waiting.  With too many it has said its last.
 */
static void
count_asides(const SSL *ssl, int where, int value)
{
	struct stream *s = BIO_get_data(the_bio);

	(void)ssl;
	(void)value;
	if ((where & (SSL_CB_LOOP | SSL_CB_ALERT)) != 0 &&
	    ++s->asides == ASIDES_MAX)
		SSL_set_shutdown(
		    s->ssl, SSL_get_shutdown(s->ssl) | SSL_RECEIVED_SHUTDOWN);
}

void
stream_tls_modes(SSL_CTX *ctx)
{
	SSL_CTX_set_info_callback(ctx, count_asides);
	/* what was not taken is sent again from where it lies by then */
	SSL_CTX_set_mode(ctx, SSL_MODE_ENABLE_PARTIAL_WRITE |
				  SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
				  SSL_MODE_RELEASE_BUFFERS);
	SSL_CTX_set_read_ahead(ctx, 1);
}

int
stream_secure_take(struct stream *s, SSL *ssl)
{
	if (!make_bio()) {
		SSL_free(ssl);
		errno = ENOMEM;
		return -1;
	}
	BIO_up_ref(the_bio);
	SSL_set_bio(ssl, the_bio, the_bio);
	s->ssl = ssl;
	s->socket_readable = s->readable;
	s->socket_writable = s->writable;
	return 0;
}

enum stream_handshake
stream_handshake(struct stream *s)
{
	int rc, reason;

	rc = SSL_do_handshake(begin_tls(s));
	if (rc == 1) {
		s->readable = true; /* it may have read more than that */
		return HANDSHAKE_DONE;
	}
	switch (SSL_get_error(s->ssl, rc)) {
	case SSL_ERROR_WANT_READ:
	case SSL_ERROR_WANT_WRITE:
		return HANDSHAKE_WAIT;
	default:
		break;
	}
	reason = ERR_GET_REASON(ERR_peek_error());
	ERR_clear_error();
	if (reason != SSL_R_HTTP_REQUEST)
		return HANDSHAKE_FAILED;
	SSL_free(s->ssl);
	s->ssl = NULL;
	s->readable = s->socket_readable;
	s->writable = s->socket_writable;
	return HANDSHAKE_PLAIN;
}

/*
 * What OpenSSL says, as a system call would: 0 at the end that the peer has
 * announced; one that it has not is a cut.
 */
static ssize_t
tls_error(struct stream *s, int rc, bool *ready)
{
	int error = SSL_get_error(s->ssl, rc), saved = errno;

	ERR_clear_error();
	switch (error) {
	case SSL_ERROR_WANT_READ:
	case SSL_ERROR_WANT_WRITE:
		*ready = false;
		errno = EAGAIN;
		return -1;
	case SSL_ERROR_ZERO_RETURN:
		return 0;
	case SSL_ERROR_SYSCALL:
		errno = saved != 0 ? saved : ECONNRESET;
		return -1;
	default:
		errno = SSL_is_init_finished(s->ssl) ? ECONNRESET : EPROTO;
		return -1;
	}
}

/* Until the handshake is done, it is sending that goes on with it. */
static ssize_t
tls_recv(struct stream *s, struct buf *b, size_t want)
{
	size_t n;
	int rc;

	if (!SSL_is_init_finished(s->ssl)) {
		errno = EAGAIN;
		return -1;
	}
	if (!buf_reserve(b, want)) {
		errno = ENOBUFS;
		return -1;
	}
	errno = 0;
	rc = SSL_read_ex(begin_tls(s), b->data + b->tail, want, &n);
	if (rc <= 0)
		return tls_error(s, rc, &s->readable);
	s->readable = s->socket_readable || SSL_has_pending(s->ssl);
	b->tail += n;
	return (ssize_t)n;
}

/* What went by in a splice(2) had no end that would have been seen. */
static bool
plain_quiet(struct stream *s)
{
	char byte;

	if (recv(s->io.fd, &byte, 1, MSG_PEEK) != -1 || errno != EAGAIN)
		return false;
	s->readable = false;
	return true;
}

bool
stream_quiet(struct stream *s)
{
	char byte;
	int rc;

	if (!s->readable || s->ended)
		return !s->ended;
	if (s->ssl == NULL)
		return plain_quiet(s);
	rc = SSL_peek(begin_tls(s), &byte, 1);
	return rc <= 0 && tls_error(s, rc, &s->readable) == -1 &&
	       errno == EAGAIN;
}

#define TLS_RECORD 16384 /* bytes in one, at most: RFC 8446 section 5.1 */

/*
 * Small pieces go into one record.  What OpenSSL could not send is offered
 * again, as it wants it: whoever calls keeps the bytes until they are taken.
 */
static ssize_t
tls_send(struct stream *s, const struct iovec *iov, int count)
{
	static char record[TLS_RECORD];
	size_t done = 0, skip = 0, n, len;
	int i = 0, rc;

	while (i < count) {
		len = 0;
		for (int k = i; k < count && len < sizeof(record); k++) {
			const char *from = iov[k].iov_base;
			size_t at = k == i ? skip : 0, part;

			part = iov[k].iov_len - at;
			if (part > sizeof(record) - len)
				part = sizeof(record) - len;
			memcpy(record + len, from + at, part);
			len += part;
		}
		if (len == 0)
			break;
		errno = 0;
		rc = SSL_write_ex(begin_tls(s), record, len, &n);
		if (rc <= 0) {
			if (tls_error(s, rc, &s->writable) == 0)
				errno = EPIPE;
			return done > 0 && errno == EAGAIN ? (ssize_t)done : -1;
		}
		done += n;
		for (skip += n; i < count && skip >= iov[i].iov_len; i++)
			skip -= iov[i].iov_len;
	}
	return (ssize_t)done;
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
	if (s->ssl != NULL)
		return tls_recv(s, b, want);
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
stream_peek(struct stream *s, struct buf *b, size_t want)
{
	ssize_t n;

	if (!buf_reserve(b, want)) {
		errno = ENOBUFS;
		return -1;
	}
	n = recv(s->io.fd, b->data + b->tail, want, MSG_PEEK);
	if (n > 0)
		b->tail += (size_t)n;
	return n;
}

int
stream_skip(struct stream *s, size_t n)
{
	char waste[512];
	ssize_t got;

	for (; n > 0; n -= (size_t)got) {
		got = recv(
		    s->io.fd, waste, n < sizeof(waste) ? n : sizeof(waste), 0);
		if (got <= 0)
			return -1;
	}
	return 0;
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
	if (s->ssl != NULL)
		return tls_send(s, iov, count);
	for (int i = 0; i < count; i++)
		total += iov[i].iov_len;
	n = sendmsg(s->io.fd, &m, MSG_NOSIGNAL);
	if ((n == -1 && errno == EAGAIN) || (n >= 0 && (size_t)n < total))
		s->writable = false;
	return n;
}
