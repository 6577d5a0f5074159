/*
 * Streams as the exchange sees its client.
 *
 * The exchange pushes and nghttp2 pulls: what is pushed stays where it is, as
 * an offer, until frames were made of it; the next push says how much that
 * was.  So nothing is read from the backend that the client's windows, and its
 * socket, have no room for.  The other way round, what a client sends is held
 * in its stream, and the window grows only by what the backend has taken.
 */
#include "worker/h2_stream.h"

#include <assert.h>
#include <stdlib.h>

#include "lib/container.h"
#include "worker/h2_respond.h"
#include "worker/h2_tunnel.h"
#include "worker/process.h"
#include "worker/pump.h"
#include "worker/request.h"

#define SPARES_MAX 64	/* kept with their buffers */
#define WORTH_IT 256	/* bytes of DATA, when there are more to be sent */
#define ENDING_MAX 8192 /* trailers, as they are sent on */

/* The head to be sent: made and submitted at once.  Large, so there is one. */
static struct h2_fields fields;

static const struct exchange_ops ops;
static void stream_timer(struct timer *t);

static void
wake(void *user)
{
	struct h2_stream *st = user;

	h2_stream_ready(st);
	st->h2->wake(st->h2->user);
}

static struct h2_stream *
stream_new(struct h2 *h, int32_t id)
{
	struct h2_worker *of = &h->w->h2;
	struct h2_stream *st = TAILQ_FIRST(&of->spare);

	if (st != NULL) {
		TAILQ_REMOVE(&of->spare, st, of_h2);
		of->nspare--;
	} else {
		st = calloc(1, sizeof(*st));
		if (st == NULL)
			return NULL;
		exchange_init(&st->ex, h->w, &ops);
		buf_init(&st->in, H2_WINDOW + 1);
		buf_init(&st->ending, ENDING_MAX);
		st->timer.fire = stream_timer;
	}
	st->h2 = h;
	st->id = id;
	st->ex.client = &st->client;
	st->ex.stream = h->stream;
	h->resting = false;
	TAILQ_INSERT_TAIL(&h->open, st, of_h2);
	return st;
}

static void
stream_destroy(struct h2_stream *st)
{
	exchange_release(&st->ex);
	buf_release(&st->in);
	buf_release(&st->ending);
	free(st);
}

/* Make a used one as good as new, with its buffers. */
static void
stream_reuse(struct h2_stream *st)
{
	buf_consume(&st->in, buf_len(&st->in));
	buf_consume(&st->ending, buf_len(&st->ending));
	st->offer = SPAN("");
	st->taken = 0;
	st->received = 0;
	st->request_ended = st->last = st->bodyless = st->finished = false;
	st->over = st->closed = st->tunnel = st->shut = st->held = false;
}

static void
end_exchange(struct h2_stream *st)
{
	if (st->over)
		return;
	st->over = true;
	st->offer = SPAN("");
	timer_clear(&st->h2->w->loop.timers, &st->timer);
	exchange_end(&st->ex);
}

void
h2_stream_free(struct h2_stream *st)
{
	struct h2 *h = st->h2;
	struct h2_worker *of = &h->w->h2;

	end_exchange(st);
	if (buf_len(&st->in) > 0)
		nghttp2_session_consume_connection(
		    h->session, buf_len(&st->in));
	if (!st->closed)
		nghttp2_session_set_stream_user_data(h->session, st->id, NULL);
	if (st->is_ready)
		TAILQ_REMOVE(&h->ready, st, of_ready);
	st->is_ready = false;
	TAILQ_REMOVE(&h->open, st, of_h2);
	if (TAILQ_EMPTY(&h->open))
		h->since_ms = h->w->loop.now_ms;
	if (of->nspare == SPARES_MAX) {
		stream_destroy(st);
		return;
	}
	stream_reuse(st);
	TAILQ_INSERT_HEAD(&of->spare, st, of_h2);
	of->nspare++;
}

void
h2_stream_free_spares(struct worker *w)
{
	struct h2_stream *st;

	while ((st = TAILQ_FIRST(&w->h2.spare)) != NULL) {
		TAILQ_REMOVE(&w->h2.spare, st, of_h2);
		stream_destroy(st);
	}
	w->h2.nspare = 0;
}

void
h2_stream_ready(struct h2_stream *st)
{
	if (st->is_ready)
		return;
	st->is_ready = true;
	TAILQ_INSERT_TAIL(&st->h2->ready, st, of_ready);
}

void
h2_stream_reset(struct h2_stream *st, uint32_t code)
{
	end_exchange(st);
	if (!st->closed)
		nghttp2_submit_rst_stream(
		    st->h2->session, NGHTTP2_FLAG_NONE, st->id, code);
}

void
h2_stream_closed(struct h2_stream *st)
{
	st->closed = true;
	if (st->over)
		h2_stream_free(st);
	else
		h2_stream_ready(st); /* for its last word on the log */
}

/* --- what the client sends ----------------------------------------------- */

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
	struct http_target target;
	struct exchange_request r = { .msg = msg,
		.proto = stream_scheme(st->h2->stream),
		.port = st->h2->port,
		.end = st->request.end,
		.length = st->request.length };

	st->client = *st->h2->peer;
	if (reason == REASON_NONE)
		reason = request_understand(
		    st->h2->w->conf, &st->client, &r, &target);
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
	st = stream_new(h, id);
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

static enum pull
h2_pull(struct exchange *ex, struct span *piece, bool *last)
{
	struct h2_stream *st = (struct h2_stream *)ex;

	if (st->closed && !st->request_ended)
		return PULL_GONE;
	*piece = buf_span(&st->in);
	*last = st->request_ended;
	if (buf_len(&st->ending) > 0)
		ex->upstream.sink.ending = buf_span(&st->ending);
	return piece->len > 0 || *last ? PULL_PIECE : PULL_WAIT;
}

static void
h2_pulled(struct exchange *ex, size_t n)
{
	struct h2_stream *st = (struct h2_stream *)ex;

	buf_consume(&st->in, n);
	nghttp2_session_consume(st->h2->session, st->id, n);
}

/* --- what it is sent ----------------------------------------------------- */

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

static bool
h2_interim(struct exchange *ex, const struct http_msg *msg)
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
static bool
h2_changes(struct exchange *ex, const struct http_msg *msg)
{
	struct h2_stream *st = (struct h2_stream *)ex;

	if (!st->request.tunnel || !h2_tunnel_accepted(st, msg))
		return false;
	h2_respond_switch(&fields, msg);
	return submit_head(st);
}

static bool
h2_begin_head(struct exchange *ex, const struct http_msg *msg,
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

static ssize_t
h2_push(struct exchange *ex, struct span piece, bool last, bool *sent)
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

static bool
h2_gone(struct exchange *ex)
{
	const struct h2_stream *st = (struct h2_stream *)ex;

	return st->closed && !st->finished && !st->bodyless;
}

static void
h2_wake(struct exchange *ex)
{
	wake(ex);
}

static const struct exchange_ops ops = {
	.protocol = { "h2", 2 },
	.pull = h2_pull,
	.pulled = h2_pulled,
	.interim = h2_interim,
	.changes = h2_changes,
	.head = h2_begin_head,
	.push = h2_push,
	.gone = h2_gone,
	.wake = h2_wake,
};

/* --- going on ------------------------------------------------------------ */

static void
stream_timer(struct timer *t)
{
	struct h2_stream *st = container_of(t, struct h2_stream, timer);
	struct timer_wheel *timers = &st->h2->w->loop.timers;

	if (st->h2->w->loop.now_ms < st->due_ms) {
		timer_set(timers, t, st->due_ms);
		return;
	}
	if (st->tunnel)
		h2_stream_reset(st, NGHTTP2_CANCEL);
	else
		exchange_expire(&st->ex);
	wake(st);
}

/* Most deadlines move on: the timer of an earlier one finds that out. */
static void
set_due(struct h2_stream *st, uint64_t due_ms)
{
	st->due_ms = due_ms;
	if (!timer_is_set(&st->timer) || due_ms < st->timer.due_ms)
		timer_set(&st->h2->w->loop.timers, &st->timer, due_ms);
}

/*
 * The response was sent.  What is left of the request is not wanted: NO_ERROR
 * says so without taking the response back (section 8.1).
 */
static void
finish(struct h2_stream *st)
{
	end_exchange(st);
	if (!st->closed && !st->request_ended)
		h2_stream_reset(st, NGHTTP2_NO_ERROR);
}

static void
step_tunnel(struct h2_stream *st)
{
	const struct conf *conf = st->h2->w->conf;

	switch (h2_tunnel_run(st)) {
	case TUNNEL_YIELD:
		h2_stream_ready(st);
		break;
	case TUNNEL_WAIT:
		break;
	case TUNNEL_ENDED:
		end_exchange(st);
		return;
	case TUNNEL_CUT:
		h2_stream_reset(st, NGHTTP2_CANCEL);
		return;
	}
	set_due(st, st->tunnel_ms + conf->tunnel_timeout_ms);
}

static void
step_exchange(struct h2_stream *st)
{
	enum exchange_wait wait;

	switch (exchange_step(&st->ex)) {
	case EXCHANGE_YIELD:
		h2_stream_ready(st);
		break;
	case EXCHANGE_WAIT:
		break;
	case EXCHANGE_TUNNEL:
		h2_tunnel_begin(st);
		step_tunnel(st);
		return;
	case EXCHANGE_DONE:
		finish(st);
		return;
	case EXCHANGE_CUT:
		h2_stream_reset(st, NGHTTP2_CANCEL);
		return;
	}
	set_due(st, exchange_deadline(&st->ex, &wait));
}

void
h2_stream_step(struct h2_stream *st)
{
	if (!st->over && st->tunnel)
		step_tunnel(st);
	else if (!st->over)
		step_exchange(st);
	if (st->closed)
		h2_stream_free(st);
}
