/* Relays the request to the backend. */
#include "worker/exchange_parts.h"

#include "worker/process.h"

/* Measure how long the client is waited for, and nobody else. */
static void
note_waiting(struct exchange *ex, bool waiting)
{
	uint64_t now = ex->w->loop.now_ms;

	if (ex->waiting_ms != 0)
		ex->waited_ms += now - ex->waiting_ms;
	ex->waiting_ms = waiting ? now : 0;
}

/* What came of asking the client's side for more.  False: it is over. */
static bool
may_go_on(struct exchange *ex, enum pull pull)
{
	switch (pull) {
	case PULL_GONE:
		exchange_cut(ex, REASON_CLIENT_GONE);
		return false;
	case PULL_BAD:
		exchange_fail(ex, REASON_BAD_REQUEST);
		return false;
	case PULL_PIECE:
	case PULL_WAIT:
		break;
	}
	note_waiting(ex, pull == PULL_WAIT);
	return true;
}

/* The backend has taken so much; false: this is all for now. */
static bool
sent(struct exchange *ex, size_t n)
{
	struct upstream *u = &ex->upstream;

	if (n > 0)
		ex->client_ms = ex->w->loop.now_ms;
	ex->received += n;
	if (ex->received > ex->w->conf->request_body_max) {
		exchange_fail(ex, REASON_BODY_TOO_LARGE);
		return false;
	}
	ex->request_done = u->sink.ended;
	return !ex->request_done && !u->send_failed &&
	       u->conn->stream.writable && exchange_spend(ex, n);
}

/* Copy some more of the request; false: this is all for now. */
static bool
copy_piece(struct exchange *ex)
{
	struct upstream *u = &ex->upstream;
	struct span piece = SPAN("");
	bool last = false;
	enum pull pull;
	enum reason reason;
	size_t taken;

	pull = ex->ops->pull(ex, &piece, &last);
	if (!may_go_on(ex, pull))
		return false;
	reason = upstream_send(u, piece, last, &taken);
	if (reason != REASON_NONE) {
		exchange_fail(ex, reason);
		return false;
	}
	if (taken > 0)
		ex->ops->pulled(ex, taken);
	return sent(ex, taken) && pull == PULL_PIECE;
}

/* The same through a pipe, when the backend's socket is writable. */
static bool
splice_piece(struct exchange *ex)
{
	enum pull pull = PULL_PIECE;
	bool more;

	if (ex->up->held == 0)
		pull = ex->ops->fill(ex, ex->up, &ex->up_last);
	if (!may_go_on(ex, pull))
		return false;
	more = sent(ex, upstream_send_pipe(&ex->upstream, ex->up, ex->up_last));
	if (ex->up->held == 0)
		exchange_put_pipe(ex, &ex->up);
	return more && pull == PULL_PIECE;
}

/* Does the next of the body go through a pipe? */
static bool
splices(struct exchange *ex)
{
	if (ex->up == NULL && ex->ops->fills != NULL && ex->ops->fills(ex) &&
	    upstream_takes_pipe(&ex->upstream))
		ex->up = splice_get(&ex->w->pipes);
	return ex->up != NULL;
}

void
exchange_send_request(struct exchange *ex)
{
	struct upstream *u = &ex->upstream;
	enum reason reason;
	size_t none;

	if (!ex->request_done && !u->send_failed) {
		while (splices(ex) ? splice_piece(ex) : copy_piece(ex))
			;
	} else if (sink_pending(&u->sink)) {
		reason = upstream_send(u, SPAN(""), false, &none);
		if (reason != REASON_NONE)
			exchange_fail(ex, reason);
	}
}
