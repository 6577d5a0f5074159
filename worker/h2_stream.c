/* Streams: each born for an exchange, driven by it, and used again. */
#include "worker/h2_stream_parts.h"

#include <stdlib.h>

#include "lib/container.h"
#include "worker/h2_tunnel.h"
#include "worker/process.h"

#define SPARES_MAX 64	/* kept with their buffers */
#define ENDING_MAX 8192 /* trailers, as they are sent on */

static const struct exchange_ops ops;
static void stream_timer(struct timer *t);

static void
wake(void *user)
{
	struct h2_stream *st = user;

	h2_stream_ready(st);
	st->h2->wake(st->h2->user);
}

struct h2_stream *
h2_stream_new(struct h2 *h, int32_t id)
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
	h->streams++;
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

/* For that reason, unless its response was complete. */
static void
end_exchange(struct h2_stream *st, enum reason reason)
{
	if (st->over)
		return;
	st->over = true;
	if (!st->finished)
		exchange_abandon(&st->ex, reason);
	st->ex.log.sent += st->taken; /* since the exchange was last told */
	st->taken = 0;
	st->offer = SPAN("");
	timer_clear(&st->h2->w->loop.timers, &st->timer);
	exchange_end(&st->ex);
}

void
h2_stream_free(struct h2_stream *st)
{
	struct h2 *h = st->h2;
	struct h2_worker *of = &h->w->h2;

	end_exchange(st, REASON_CLIENT_GONE);
	if (buf_len(&st->in) > 0)
		nghttp2_session_consume_connection(
		    h->session, buf_len(&st->in));
	if (!st->closed) {
		nghttp2_session_set_stream_user_data(h->session, st->id, NULL);
		h->streams--;
	}
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
h2_stream_free_all(struct h2 *h)
{
	struct h2_stream *st;

	while ((st = TAILQ_FIRST(&h->open)) != NULL)
		h2_stream_free(st);
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
	end_exchange(st, code == NGHTTP2_PROTOCOL_ERROR ? REASON_BAD_REQUEST
							: REASON_CLIENT_GONE);
	if (!st->closed)
		nghttp2_submit_rst_stream(
		    st->h2->session, NGHTTP2_FLAG_NONE, st->id, code);
}

void
h2_stream_closed(struct h2_stream *st)
{
	st->closed = true;
	st->h2->streams--;
	if (st->over)
		h2_stream_free(st);
	else
		h2_stream_ready(st); /* for its last word on the log */
}

static void
h2_wake(struct exchange *ex)
{
	wake(ex);
}

static const struct exchange_ops ops = {
	.protocol = { "h2", 2 },
	.pull = h2_stream_pull,
	.pulled = h2_stream_pulled,
	.interim = h2_stream_interim,
	.changes = h2_stream_changes,
	.head = h2_stream_begin_head,
	.push = h2_stream_push,
	.gone = h2_stream_gone,
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
	end_exchange(st, REASON_NONE);
	if (!st->closed && !st->request_ended)
		h2_stream_reset(st, NGHTTP2_NO_ERROR);
}

static void
step_tunnel(struct h2_stream *st)
{
	const struct conf *conf = st->h2->w->conf;

	if (st->ex.stage == STAGE_CUT) {
		h2_stream_reset(st, NGHTTP2_CANCEL);
		return;
	}
	switch (h2_tunnel_run(st)) {
	case TUNNEL_YIELD:
		h2_stream_ready(st);
		break;
	case TUNNEL_WAIT:
		break;
	case TUNNEL_ENDED:
		end_exchange(st, REASON_NONE);
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
