/* Moves the bytes of a WebSocket between a stream and a backend. */
#include "worker/h2_tunnel.h"

#include <bsd/stdlib.h>
#include <errno.h>
#include <openssl/evp.h>

#include "worker/process.h"

#define PIECE (16 * 1024) /* bytes received at a time */
#define GUID "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"

void
h2_tunnel_key(char key[WEBSOCKET_KEY_LEN + 1], char accept[H2_ACCEPT_LEN + 1])
{
	unsigned char bytes[16], digest[EVP_MAX_MD_SIZE];
	char text[WEBSOCKET_KEY_LEN + sizeof(GUID)];

	arc4random_buf(bytes, sizeof(bytes));
	EVP_EncodeBlock((unsigned char *)key, bytes, sizeof(bytes));
	snprintf(text, sizeof(text), "%s%s", key, GUID);
	EVP_Digest(text, strlen(text), digest, NULL, EVP_sha1(), NULL);
	EVP_EncodeBlock((unsigned char *)accept, digest, 20);
}

bool
h2_tunnel_accepted(const struct h2_stream *st, const struct http_msg *msg)
{
	for (size_t i = 0; i < msg->nfields; i++)
		if (span_eq_nocase(
			msg->field[i].name, SPAN("Sec-WebSocket-Accept")))
			return span_eq(
			    msg->field[i].value, span_str(st->accept));
	return false;
}

void
h2_tunnel_begin(struct h2_stream *st)
{
	st->tunnel = true;
	websocket_pass(&st->frames, buf_span(&st->ex.upstream.in));
	st->tunnel_ms = st->h2->w->loop.now_ms;
}

static bool
moved(struct h2_stream *st)
{
	st->tunnel_ms = st->h2->w->loop.now_ms;
	return true;
}

/* What is offered stays in u->in until frames were made of it. */
static enum tunnel_next
run_down(struct h2_stream *st)
{
	struct upstream *u = &st->ex.upstream;
	ssize_t n = 0;

	if (st->taken > 0) {
		buf_consume(&u->in, st->taken);
		st->ex.log.sent += st->taken;
		st->taken = 0;
		moved(st);
	}
	if (buf_len(&u->in) == 0 && !st->last) {
		buf_release(&u->in); /* an idle tunnel holds no buffer */
		n = stream_recv(&u->conn->stream, &u->in, PIECE);
		if (n == -1 && errno != EAGAIN)
			return TUNNEL_CUT;
		st->last = n == 0;
		if (n > 0)
			websocket_pass(&st->frames, buf_span(&u->in));
	}
	st->offer = buf_span(&u->in);
	if (st->offer.len > 0 || (st->last && !st->finished))
		nghttp2_session_resume_data(st->h2->session, st->id);
	return TUNNEL_WAIT;
}

void
h2_tunnel_leave(struct h2_stream *st)
{
	if (!st->last && websocket_between(&st->frames))
		st->last =
		    buf_append_span(&st->ex.upstream.in, websocket_going_away);
}

static enum tunnel_next
run_up(struct h2_stream *st)
{
	struct stream *backend = &st->ex.upstream.conn->stream;
	struct iovec iov = { st->in.data + st->in.head, buf_len(&st->in) };
	ssize_t n;

	if (iov.iov_len > 0) {
		n = stream_send(backend, &iov, 1);
		if (n == -1)
			return errno == EAGAIN ? TUNNEL_WAIT : TUNNEL_CUT;
		buf_consume(&st->in, (size_t)n);
		st->ex.received += (uint64_t)n;
		nghttp2_session_consume(st->h2->session, st->id, (size_t)n);
		moved(st);
	}
	if (buf_len(&st->in) > 0)
		return TUNNEL_WAIT;
	buf_release(&st->in);
	if (!st->request_ended || st->shut)
		return TUNNEL_WAIT;
	st->shut = true;
	return stream_shut(backend) == -1 && errno != ENOTCONN ? TUNNEL_CUT
							       : TUNNEL_WAIT;
}

enum tunnel_next
h2_tunnel_run(struct h2_stream *st)
{
	if ((st->closed && !(st->finished && st->request_ended)) ||
	    run_up(st) == TUNNEL_CUT || run_down(st) == TUNNEL_CUT) {
		stream_cut(&st->ex.upstream.conn->stream);
		return TUNNEL_CUT;
	}
	return st->finished && st->shut ? TUNNEL_ENDED : TUNNEL_WAIT;
}
