/*
 * What the client is sent on a stream.
 *
 * The exchange pushes and nghttp2 pulls: what is pushed stays where it is, as
 * an offer, until frames were made of it; the next push says how much that
 * was.  So nothing is read from the backend that the client's windows, and its
 * socket, have no room for.
 */
#include "worker/h2_stream_parts.h"

#include <assert.h>

#include "worker/h2_respond.h"
#include "worker/h2_tunnel.h"
#include "worker/process.h"
#include "worker/pump.h"

#define WORTH_IT 256 /* bytes of DATA, when there are more to be sent */

/* The head to be sent: made and submitted at once.  Large, so there is one. */
static struct h2_fields fields;

/* Its trailers follow the data, and end the stream. */
static bool
submit_trailers(struct h2_stream *st)
{
	struct http_msg *msg = &st->h2->w->msg;

	if (!source_trailers(&st->ex.upstream.source, msg))
		return false;
	h2_respond_trailers(&fields, msg);
	return fields.n > 0 && nghttp2_submit_trailer(st->h2->session, st->id,
				   fields.nv, fields.n) == 0;
}

/*
 * Clients that open a window by what they have just received would make ever
 * smaller frames of it (RFC 9293 section 3.8.6.2.1): wait until there is more
 * room, unless there never was.
 */
static bool
is_worth_it(const struct h2_stream *st, size_t n)
{
	uint32_t initial = nghttp2_session_get_remote_settings(
	    st->h2->session, NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE);

	return n >= WORTH_IT || n == st->offer.len || n >= initial / 2;
}

void
h2_stream_window(struct h2_stream *st)
{
	if (!st->held)
		return;
	st->held = false;
	nghttp2_session_resume_data(st->h2->session, st->id);
}

/* nghttp2 asks how long the next DATA frame of the stream will be. */
static ssize_t
read_offer(nghttp2_session *session, int32_t id, uint8_t *buf, size_t length,
    uint32_t *flags, nghttp2_data_source *source, void *user)
{
	struct h2_stream *st = source->ptr;
	size_t n = st->offer.len < length ? st->offer.len : length;

	(void)session, (void)id, (void)buf, (void)user;
	if (n == 0 && !st->last)
		return NGHTTP2_ERR_DEFERRED;
	st->held = !is_worth_it(st, n);
	if (st->held)
		return NGHTTP2_ERR_DEFERRED;
	*flags |= NGHTTP2_DATA_FLAG_NO_COPY;
	st->is_end = st->last && n == st->offer.len;
	if (st->is_end) {
		*flags |= NGHTTP2_DATA_FLAG_EOF;
		/* of a compressed body they may tell what is not so */
		if (!st->tunnel && st->ex.compressor == NULL &&
		    submit_trailers(st))
			*flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
	}
	return (ssize_t)n;
}

void
h2_stream_sent(struct h2_stream *st, size_t n)
{
	st->offer = span_from(st->offer, n);
	st->taken += n;
	st->finished = st->is_end;
	if (st->offer.len == 0)
		h2_stream_ready(st);
}

bool
h2_stream_interim(struct exchange *ex, const struct http_msg *msg)
{
	struct h2_stream *st = (struct h2_stream *)ex;

	if (st->closed)
		return false;
	h2_respond(&fields, msg, BODY_CLOSE, 0);
	return nghttp2_submit_headers(st->h2->session, NGHTTP2_FLAG_NONE,
		   st->id, NULL, fields.nv, fields.n, NULL) == 0;
}

static bool
submit_head(struct h2_stream *st)
{
	nghttp2_data_provider provider = { .source.ptr = st,
		.read_callback = read_offer };

	return nghttp2_submit_response(st->h2->session, st->id, fields.nv,
		   fields.n, st->bodyless ? NULL : &provider) == 0;
}

/* It waits for nothing: the client is asked for its side of the tunnel. */
bool
h2_stream_changes(struct exchange *ex, const struct http_msg *msg)
{
	struct h2_stream *st = (struct h2_stream *)ex;

	if (!st->request.tunnel || !h2_tunnel_accepted(st, msg))
		return false;
	h2_respond_switch(&fields, msg);
	return submit_head(st);
}

bool
h2_stream_begin_head(struct exchange *ex, const struct http_msg *msg,
    enum body_end end, uint64_t length)
{
	struct h2_stream *st = (struct h2_stream *)ex;

	/* a 2xx says that there is a tunnel: RFC 8441 section 5 */
	if (st->request.tunnel && msg->status / 100 == 2)
		return false;
	st->bodyless = end == BODY_NONE || (end == BODY_LENGTH && length == 0);
	h2_respond(&fields, msg, end, length);
	return submit_head(st);
}

ssize_t
h2_stream_push(struct exchange *ex, struct span piece, bool last, bool *sent)
{
	struct h2_stream *st = (struct h2_stream *)ex;
	size_t n = st->taken;

	*sent = true;
	if (st->bodyless)
		return (ssize_t)piece.len;
	assert(n <= piece.len);
	st->taken = 0;
	st->offer = span_from(piece, n);
	st->last = last;
	*sent = st->offer.len == 0 && (!last || st->finished);
	if (*sent)
		return (ssize_t)n;
	if (st->closed)
		return -1;
	if (!st->held)
		nghttp2_session_resume_data(st->h2->session, st->id);
	return (ssize_t)n;
}

bool
h2_stream_gone(struct exchange *ex)
{
	const struct h2_stream *st = (struct h2_stream *)ex;

	return st->closed && !st->finished && !st->bodyless;
}
