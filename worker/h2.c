/* Runs HTTP/2 connections: bytes in, exchanges on, frames out. */
#include "worker/h2.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "lib/container.h"
#include "shm/policy.h"
#include "worker/h2_flood.h"
#include "worker/h2_session.h"
#include "worker/h2_stream.h"
#include "worker/h2_tunnel.h"
#include "worker/process.h"

#define RECEIVE (16 * 1024) /* bytes at a time: what TLS has in one */
#define TURN_RECEIVES 8	    /* before others have their turn */
#define TURN_ROUNDS 8
#define OUT_MAX (H2_OUT_FULL + 32 * 1024) /* a frame more than full */
#define QUEUE_MAX 10000			  /* frames (7-security.md 7.5) */
#define REST_MS 1000	   /* of idleness: then it gives memory back */
#define LAST_WORDS_MS 5000 /* to take our GOAWAY */
#define FLOOD_WORDS_MS 500 /* the same, of a client that floods */
#define NEVER_MS (3600 * UINT64_C(1000)) /* then the timer looks again */
#define SPREAD_MS 5000 /* over which clients are told to leave */
#define TURN_MS 50

int
h2_start(struct worker *w)
{
	TAILQ_INIT(&w->h2.all);
	TAILQ_INIT(&w->h2.spare);
	buf_init(&w->h2.out, OUT_MAX);
	w->h2.setup = h2_setup_new();
	if (w->h2.setup == NULL)
		return -1;
	return h2_memory_open(&w->h2.memory, w->conf->connections_max);
}

void
h2_release(struct worker *w)
{
	if (w->h2.setup == NULL)
		return;
	h2_stream_free_spares(w);
	buf_release(&w->h2.out);
	h2_setup_free(w->h2.setup);
	h2_memory_close(&w->h2.memory);
}

struct h2 *
h2_new(struct worker *w, struct stream *stream, const struct ip *peer,
    uint16_t port, void (*wake)(void *user), void *user)
{
	struct h2 *h = calloc(1, sizeof(*h));

	if (h == NULL)
		return NULL;
	h->w = w;
	h->stream = stream;
	h->peer = peer;
	h->port = port;
	h->wake = wake;
	h->user = user;
	h->since_ms = h->moved_ms = w->loop.now_ms;
	h->in_head = true; /* the preface must come as a head must */
	h2_guard_init(&h->guard);
	TAILQ_INIT(&h->open);
	TAILQ_INIT(&h->ready);
	if (h2_session_open(h) == -1) {
		h2_arena_close(&h->arena, &w->h2.memory);
		free(h);
		return NULL;
	}
	TAILQ_INSERT_TAIL(&w->h2.all, h, of_worker);
	return h;
}

void
h2_free(struct h2 *h)
{
	if (h2_is_flood(h))
		h2_flood_ended(h);
	h2_stream_free_all(h);
	TAILQ_REMOVE(&h->w->h2.all, h, of_worker);
	if (!h->arena.failed)
		nghttp2_session_del(h->session);
	h2_arena_close(&h->arena, &h->w->h2.memory);
	h2_head_release(&h->head);
	buf_release(&h->out);
	free(h);
}

/*
 * The end in two steps, so that no request is lost that is on its way (RFC
 * 9113 section 6.8): a GOAWAY that names no stream, and when the client has
 * answered what was sent behind it, one that names the last.
 */
static void
begin_end(struct h2 *h)
{
	if (h->ending)
		return;
	h->ending = true;
	h->since_ms = h->w->loop.now_ms;
	nghttp2_submit_shutdown_notice(h->session);
	nghttp2_submit_ping(h->session, NGHTTP2_FLAG_NONE, NULL);
}

void
h2_end(struct h2 *h)
{
	if (h->ended)
		return;
	h->ending = h->ended = true;
	nghttp2_submit_goaway(h->session, NGHTTP2_FLAG_NONE,
	    nghttp2_session_get_last_proc_stream_id(h->session),
	    NGHTTP2_NO_ERROR, NULL, 0);
}

unsigned
h2_drain_share(unsigned left, unsigned turns)
{
	return left / (turns + 1) + (left % (turns + 1) != 0);
}

/* An equal share in each turn; then whoever has come since. */
static void
tell_some(struct timer *t)
{
	struct worker *w = container_of(t, struct worker, h2.drain);
	unsigned left = 0, n;
	struct h2 *h;

	TAILQ_FOREACH(h, &w->h2.all, of_worker)
	left += !h->told;
	n = h2_drain_share(left, w->h2.drain_turns);
	if (w->h2.drain_turns > 0)
		w->h2.drain_turns--;
	TAILQ_FOREACH(h, &w->h2.all, of_worker)
	if (!h->told && n-- > 0) {
		h->told = true;
		h->wake(h->user);
	}
	timer_set(&w->loop.timers, t, w->loop.now_ms + TURN_MS);
}

void
h2_drain(struct worker *w, uint64_t at_most_ms)
{
	uint64_t spread =
	    at_most_ms / 4 < SPREAD_MS ? at_most_ms / 4 : SPREAD_MS;

	w->h2.drain_turns = (unsigned)(spread / TURN_MS);
	w->h2.drain.fire = tell_some;
	tell_some(&w->h2.drain);
}

void
h2_leave_tunnels(struct worker *w)
{
	struct h2_stream *st;
	struct h2 *h;

	TAILQ_FOREACH(h, &w->h2.all, of_worker)
	{
		TAILQ_FOREACH(st, &h->open, of_h2)
		if (st->tunnel) {
			h2_tunnel_leave(st);
			h2_stream_ready(st);
		}
		h->wake(h->user);
	}
}

/* Others are told when they come again: they may be many. */
void
h2_limit_streams(struct worker *w)
{
	struct h2 *h;

	TAILQ_FOREACH(h, &w->h2.all, of_worker)
	if (!TAILQ_EMPTY(&h->open))
		h->wake(h->user);
}

bool
h2_is_flood(const struct h2 *h)
{
	return h->flood != FLOOD_NONE;
}

static enum h2_flood
flood_of(int error)
{
	return error == NGHTTP2_ERR_FLOODED ? FLOOD_QUEUE : FLOOD_NONE;
}

/* Give the library what has come.  False: nothing can be said to that. */
static bool
take_bytes(struct h2 *h, struct span bytes)
{
	const uint8_t *in = (const uint8_t *)bytes.ptr;
	ssize_t n;

	h2_flood_note(
	    h, h2_guard_received(&h->guard, in, bytes.len, h->w->loop.now_ms));
	if (h->flood != FLOOD_NONE)
		return true;
	n = nghttp2_session_mem_recv(h->session, in, bytes.len);
	if (n < 0)
		h2_flood_note(h, flood_of((int)n));
	return n >= 0 || h->flood != FLOOD_NONE;
}

/* False: it has left, or is no HTTP/2 client at all. */
static bool
receive(struct h2 *h)
{
	struct buf *in = &h->w->scratch;
	bool good = true;
	ssize_t n;

	for (int i = 0; good && i < TURN_RECEIVES && h->flood == FLOOD_NONE;
	     i++) {
		n = stream_recv(h->stream, in, RECEIVE);
		if (n == -1 && errno == EAGAIN)
			return true;
		if (n <= 0)
			return false;
		good = take_bytes(h, buf_span(in));
		buf_consume(in, buf_len(in));
	}
	return good;
}

static void
lend_out(struct h2 *h)
{
	struct buf *spare = &h->w->h2.out;

	if (h->out.data != NULL)
		return;
	h->out = *spare;
	buf_init(spare, OUT_MAX);
}

/* Nothing waits to be sent: the memory goes to whoever has something. */
static void
give_out_back(struct h2 *h)
{
	struct buf *spare = &h->w->h2.out;

	if (spare->data == NULL) {
		*spare = h->out;
		buf_init(&h->out, OUT_MAX);
	} else {
		buf_release(&h->out);
	}
}

/*
 * Make frames, and send them by one system call, until there are none or the
 * client does not read.  False: it has left.
 */
static bool
send_frames(struct h2 *h)
{
	struct iovec iov;
	ssize_t n;
	int rc;

	lend_out(h);
	rc = nghttp2_session_send(h->session);
	if (rc != 0)
		h2_flood_note(h, flood_of(rc));
	if (rc != 0 && h->flood == FLOOD_NONE)
		return false;
	if (nghttp2_session_get_outbound_queue_size(h->session) > QUEUE_MAX)
		h2_flood_note(h, FLOOD_QUEUE);
	if (buf_len(&h->out) > 0) {
		iov = (struct iovec){ h->out.data + h->out.head,
			buf_len(&h->out) };
		n = stream_send(h->stream, &iov, 1);
		if (n == -1 && errno != EAGAIN)
			return false;
		if (n > 0) {
			buf_consume(&h->out, (size_t)n);
			h->moved_ms = h->w->loop.now_ms;
		}
	}
	if (buf_len(&h->out) == 0)
		give_out_back(h);
	return true;
}

/* Each that can go on, once. */
static void
step_streams(struct h2 *h)
{
	struct h2_stream *st, *last = TAILQ_LAST(&h->ready, h2_streams);
	bool more = last != NULL;

	while (more && (st = TAILQ_FIRST(&h->ready)) != NULL) {
		more = st != last;
		TAILQ_REMOVE(&h->ready, st, of_ready);
		st->is_ready = false;
		h2_stream_step(st);
	}
}

static bool
has_to_send(const struct h2 *h)
{
	return buf_len(&h->out) > 0 ||
	       nghttp2_session_want_write(h->session) != 0;
}

/*
 * Is this connection to end?  On standby once it has asked for something: a
 * client that came to our own address would otherwise come again for ever.
 */
static bool
is_to_end(const struct h2 *h)
{
	return h->requests >= REQUESTS_MAX || h->told ||
	       (h->requests > 0 && policy_standby(h->w->policy));
}

/* One round of work.  False: the client has left. */
static bool
go_round(struct h2 *h)
{
	if (h2_flood_is_new(h))
		h2_flood_end(h);
	if (is_to_end(h))
		begin_end(h);
	h2_session_limit(h);
	step_streams(h);
	return send_frames(h);
}

/* Is there more to do, without waiting for anybody? */
static bool
has_more(const struct h2 *h)
{
	return !TAILQ_EMPTY(&h->ready) || h2_flood_is_new(h) ||
	       (h->stream->writable && has_to_send(h));
}

enum h2_next
h2_run(struct h2 *h)
{
	int rounds = 0;

	if (!h->calmed && !receive(h))
		return H2_GONE;
	do {
		if (!go_round(h))
			return H2_GONE;
	} while (++rounds < TURN_ROUNDS && has_more(h));
	if (h->calmed && !has_to_send(h))
		h2_flood_ended(h);
	if (!has_to_send(h) && nghttp2_session_want_read(h->session) == 0) {
		/* only who has broken the rules has any left */
		h2_stream_free_all(h);
		return H2_DONE;
	}
	return has_more(h) || (!h->calmed && h->stream->readable) ? H2_YIELD
								  : H2_WAIT;
}

/*
 * Waited for are, in this order: its reading our last words, its answer to the
 * first of two GOAWAYs, the rest of a head, its reading what there is for it,
 * another request.  While streams are open, their deadlines are all that
 * counts.  Behind a GOAWAY in order there may be the rest of a response.
 */
uint64_t
h2_deadline(const struct h2 *h)
{
	const struct conf *conf = h->w->conf;

	if (h2_is_flood(h))
		return h->since_ms + FLOOD_WORDS_MS;
	if (!h->ended &&
	    (h->ending || nghttp2_session_want_read(h->session) == 0))
		return h->since_ms + LAST_WORDS_MS;
	if (h->in_head)
		return h->since_ms + conf->request_head_timeout_ms;
	if (buf_len(&h->out) > 0)
		return h->moved_ms + conf->send_timeout_ms;
	if (TAILQ_EMPTY(&h->open))
		return h->since_ms +
		       (!h->resting && REST_MS < conf->keepalive_timeout_ms
			       ? REST_MS
			       : conf->keepalive_timeout_ms);
	return h->w->loop.now_ms + NEVER_MS;
}

bool
h2_expire(struct h2 *h)
{
	if (h->flood != FLOOD_NONE ||
	    nghttp2_session_want_read(h->session) == 0)
		return false;
	/* its answer may be far behind what it has not read yet */
	if (h->ending && !h->ended) {
		h2_end(h);
		return true;
	}
	if (h->in_head || buf_len(&h->out) > 0)
		return false;
	if (!h->resting && REST_MS < h->w->conf->keepalive_timeout_ms &&
	    TAILQ_EMPTY(&h->open)) {
		h->resting = true;
		h2_arena_rest(&h->arena);
		return true;
	}
	if (TAILQ_EMPTY(&h->open))
		h2_end(h);
	return true;
}
