/* Moves bytes both ways. */
#include "worker/tunnel.h"

#include <assert.h>
#include <errno.h>

/* Others wait no longer than it takes to move this. */
#define TURN_PIECES 4

enum moved {
	MOVED_NOTHING, /* wait */
	MOVED_SOME,
	MOVED_CUT,
};

static void
way_init(struct tunnel_way *w, struct stream *from, struct stream *to)
{
	*w = (struct tunnel_way){ .from = from, .to = to };
	/* a 101 with the bytes behind it, or a piece */
	buf_init(&w->held, 2 * TUNNEL_PIECE);
}

void
tunnel_init(struct tunnel *t, struct stream *client, struct stream *backend,
    uint64_t now_ms)
{
	way_init(&t->up, client, backend);
	way_init(&t->down, backend, client);
	t->moved_ms = now_ms;
}

void
tunnel_release(struct tunnel *t)
{
	buf_release(&t->up.held);
	buf_release(&t->down.held);
}

/* Send from the front of b what the socket takes. */
static enum moved
send_some(struct stream *to, struct buf *b)
{
	struct iovec iov = { b->data + b->head, buf_len(b) };
	ssize_t n = stream_send(to, &iov, 1);

	if (n == -1)
		return errno == EAGAIN ? MOVED_NOTHING : MOVED_CUT;
	buf_consume(b, (size_t)n);
	return MOVED_SOME;
}

static enum moved
send_held(struct tunnel_way *w)
{
	enum moved moved = send_some(w->to, &w->held);

	if (buf_len(&w->held) == 0)
		buf_release(&w->held);
	return moved;
}

/* Nothing is held and nothing comes: say so, once. */
static enum moved
pass_end_on(struct tunnel_way *w)
{
	if (w->shut)
		return MOVED_NOTHING;
	w->shut = true;
	return stream_shut(w->to) == -1 && errno != ENOTCONN ? MOVED_CUT
							     : MOVED_NOTHING;
}

static enum moved
pass_piece(struct tunnel_way *w, struct buf *scratch)
{
	ssize_t n = stream_recv(w->from, scratch, TUNNEL_PIECE);
	enum moved moved = MOVED_SOME;

	if (n == -1)
		return errno == EAGAIN ? MOVED_NOTHING : MOVED_CUT;
	if (n == 0) {
		w->ended = true;
		return pass_end_on(w);
	}
	w->bytes += (uint64_t)n;
	if (w->framed)
		websocket_pass(&w->frames, buf_span(scratch));
	if (w->to->writable)
		moved = send_some(w->to, scratch);
	/* what is not taken now waits for the event */
	if (moved != MOVED_CUT && buf_len(scratch) > 0 &&
	    !buf_append_span(&w->held, buf_span(scratch)))
		moved = MOVED_CUT;
	buf_consume(scratch, buf_len(scratch));
	return moved == MOVED_CUT ? MOVED_CUT : MOVED_SOME;
}

static enum moved
move(struct tunnel_way *w, struct buf *scratch)
{
	if (buf_len(&w->held) > 0)
		return send_held(w);
	return w->ended ? pass_end_on(w) : pass_piece(w, scratch);
}

void
tunnel_leave(struct tunnel *t)
{
	struct tunnel_way *w = &t->down;

	if (w->framed && !w->ended && websocket_between(&w->frames) &&
	    buf_append_span(&w->held, websocket_going_away))
		w->ended = true;
}

/* A client that has ended, and is gone then, is not heard of by reading. */
static enum tunnel_next
nothing_moved(const struct tunnel *t)
{
	if (t->down.shut)
		return t->up.shut ? TUNNEL_ENDED : TUNNEL_WAIT;
	return t->down.to->hup ? TUNNEL_CUT : TUNNEL_WAIT;
}

enum tunnel_next
tunnel_run(struct tunnel *t, struct buf *scratch, uint64_t now_ms)
{
	enum moved up = MOVED_NOTHING, down = MOVED_NOTHING;

	assert(buf_len(scratch) == 0);
	for (int i = 0; i < TURN_PIECES; i++) {
		up = move(&t->up, scratch);
		down = up == MOVED_CUT ? up : move(&t->down, scratch);
		if (down == MOVED_CUT)
			return TUNNEL_CUT;
		if (up == MOVED_SOME || down == MOVED_SOME)
			t->moved_ms = now_ms;
		if (up == MOVED_NOTHING && down == MOVED_NOTHING)
			return nothing_moved(t);
	}
	return TUNNEL_YIELD;
}
