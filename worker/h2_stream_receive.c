/*
 * What the client sends on a stream: a head, which begins an exchange, and
 * its body, which the exchange pulls.  It is held here, and the window grows
 * only by what the backend has taken.
 */
#include "worker/h2_stream_parts.h"

#include "worker/h2_tunnel.h"
#include "worker/process.h"
#include "worker/pump.h"
#include "worker/request.h"

/* No reason: its stream is reset, without an answer (section 8.1.1). */
static enum reason
reason_of(enum h2_fault fault)
{
	static const enum reason reasons[] = {
		[H2_FINE] = REASON_NONE,
		[H2_MALFORMED] = REASON_NONE,
		[H2_BAD] = REASON_BAD_REQUEST,
		[H2_NO_HOST] = REASON_NO_HOST,
		[H2_TARGET_TOO_LONG] = REASON_TARGET_TOO_LONG,
		[H2_TOO_LARGE] = REASON_HEADER_TOO_LARGE,
	};

	return reasons[fault];
}

static void
set_priority(struct h2_stream *st)
{
	nghttp2_extpri priority = { .urgency = st->request.urgency,
		.inc = st->request.incremental };

	nghttp2_session_change_extpri_stream_priority(
	    st->h2->session, st->id, &priority, 0);
}

static void
begin_exchange(struct h2_stream *st, enum reason reason)
{
	const struct http_msg *msg = &st->h2->w->msg;
	struct exchange_request r = { .msg = msg,
		.proto = stream_scheme(st->h2->stream),
		.port = st->h2->port,
		.end = st->request.end,
		.length = st->request.length };

	st->client = *st->h2->peer;
	if (reason == REASON_NONE)
		reason = request_understand(st->h2->w, st->h2->stream,
		    &st->client, &r, &st->h2->w->target);
	if (reason == REASON_NONE)
		exchange_begin(&st->ex, &r);
	else
		exchange_refuse(&st->ex, reason,
		    msg->method_text.len > 0 ? &r : NULL, SPAN(""));
}

uint32_t
h2_stream_begin(struct h2 *h, int32_t id, bool ended)
{
	char key[WEBSOCKET_KEY_LEN + 1] = "", accept[H2_ACCEPT_LEN + 1] = "";
	struct h2_request request;
	struct h2_stream *st;
	enum h2_fault fault;

	if (h2_head_is_tunnel(&h->head))
		h2_tunnel_key(key, accept);
	fault = h2_head_request(&h->head, ended, key, &h->w->msg, &request);
	if (fault == H2_MALFORMED)
		return NGHTTP2_PROTOCOL_ERROR;
	st = h2_stream_new(h, id);
	if (st == NULL)
		return NGHTTP2_REFUSED_STREAM;
	st->request = request;
	st->request_ended = ended;
	memcpy(st->accept, accept, sizeof(accept));
	nghttp2_session_set_stream_user_data(h->session, id, st);
	set_priority(st);
	begin_exchange(st, reason_of(fault));
	h2_stream_ready(st);
	return 0;
}

/* More than was said, or, at the end, less? */
static bool
length_lies(const struct h2_stream *st)
{
	uint64_t length = st->request.length;

	return st->request.end == BODY_LENGTH &&
	       (st->request_ended ? st->received != length
				  : st->received > length);
}

bool
h2_stream_data(struct h2_stream *st, const uint8_t *bytes, size_t len)
{
	struct h2 *h = st->h2;

	st->received += len;
	/* the windows are smaller than the buffer: nghttp2 has seen to that */
	if (st->over || length_lies(st) || !buf_append(&st->in, bytes, len)) {
		nghttp2_session_consume_connection(h->session, len);
		return st->over;
	}
	h2_stream_ready(st);
	return true;
}

bool
h2_stream_trailers(struct h2_stream *st)
{
	struct http_msg *msg = &st->h2->w->msg;

	if (st->over)
		return true;
	return !st->tunnel && h2_head_trailers(&st->h2->head, msg) == H2_FINE &&
	       ending_put(&st->ending, msg);
}

bool
h2_stream_end(struct h2_stream *st)
{
	st->request_ended = true;
	if (st->over)
		return true;
	h2_stream_ready(st);
	return !length_lies(st);
}

enum pull
h2_stream_pull(struct exchange *ex, struct span *piece, bool *last)
{
	struct h2_stream *st = (struct h2_stream *)ex;

	if (st->closed && !st->request_ended)
		return PULL_GONE;
	/* what follows waits for the 101: before it, it would be a request */
	*piece = st->request.tunnel ? SPAN("") : buf_span(&st->in);
	*last = st->request.tunnel || st->request_ended;
	if (buf_len(&st->ending) > 0)
		ex->upstream.sink.ending = buf_span(&st->ending);
	return piece->len > 0 || *last ? PULL_PIECE : PULL_WAIT;
}

void
h2_stream_pulled(struct exchange *ex, size_t n)
{
	struct h2_stream *st = (struct h2_stream *)ex;

	buf_consume(&st->in, n);
	nghttp2_session_consume(st->h2->session, st->id, n);
}
