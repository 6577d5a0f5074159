/* Runs an exchange: its life, its stages, its deadlines. */
#include "worker/exchange_parts.h"

#include <assert.h>

#include "worker/accesslog.h"
#include "worker/count.h"
#include "worker/errpage.h"
#include "worker/process.h"
#include "worker/settings.h"

/* Others wait no longer than it takes to move this. */
#define TURN_BYTES (256 * 1024)

/* The slowest that a request's body may come, in bytes a second, after that. */
#define BODY_RATE 500
#define BODY_GRACE_MS 10000

static void
upstream_moved(void *user)
{
	struct exchange *ex = user;

	ex->ops->wake(ex);
}

void
exchange_init(
    struct exchange *ex, struct worker *w, const struct exchange_ops *ops)
{
	*ex = (struct exchange){ .ops = ops, .w = w, .stage = STAGE_DONE };
	buf_init(&ex->page, LOCATION_MAX + ERRPAGE_MAX);
	upstream_init(&ex->upstream, w, upstream_moved, ex);
	logline_init(&ex->log, w->conf->request_head_max);
	ex->upstream.log = &ex->log;
}

void
exchange_release(struct exchange *ex)
{
	upstream_release(&ex->upstream);
	buf_release(&ex->page);
	logline_release(&ex->log);
}

void
exchange_end_compression(struct exchange *ex)
{
	if (ex->compressor != NULL)
		compress_end(&ex->w->compressors, ex->compressor);
	ex->compressor = NULL;
}

void
exchange_put_pipe(struct exchange *ex, struct splice_pipe **pipe)
{
	if (*pipe != NULL)
		splice_put(&ex->w->pipes, *pipe);
	*pipe = NULL;
}

bool
exchange_spend(struct exchange *ex, size_t n)
{
	ex->budget -= n < ex->budget ? n : ex->budget;
	return ex->budget > 0;
}

void
exchange_leave_tool(struct exchange *ex)
{
	if (!ex->is_under_way)
		return;
	counters_leave(ex->w->counters, ex->slot);
	overload_leave(&ex->w->overload, ex);
	ex->slot = 0;
	ex->is_under_way = false;
}

void
exchange_end(struct exchange *ex)
{
	exchange_leave_tool(ex);
	exchange_end_compression(ex);
	exchange_put_pipe(ex, &ex->up);
	exchange_put_pipe(ex, &ex->down);
	upstream_end(&ex->upstream, ex->request_done);
	ex->log.reason = ex->reason;
	ex->log.received = ex->received;
	count_response(ex);
	accesslog_end(ex->w, &ex->log);
	settings_drop(ex->settings);
	ex->settings = NULL;
}

void
exchange_cut(struct exchange *ex, enum reason reason)
{
	ex->stage = STAGE_CUT;
	ex->reason = reason;
}

/* What is complete stays that, and so do tunnels end that are in order. */
void
exchange_abandon(struct exchange *ex, enum reason reason)
{
	if (ex->stage < STAGE_TUNNEL)
		exchange_cut(ex, reason);
}

/* The default backend is no tool, and when it is away that is our trouble. */
static enum reason
reason_for(const struct exchange *ex, enum reason reason)
{
	if (ex->to_default && (reason == REASON_BACKEND_REFUSED ||
				  reason == REASON_BACKEND_UNREACHABLE ||
				  reason == REASON_BACKEND_TIMEOUT_CONNECT))
		return REASON_DEFAULT_BACKEND_DOWN;
	return reason;
}

void
exchange_fail(struct exchange *ex, enum reason reason)
{
	assert(reason != REASON_NONE);
	if (ex->stage != STAGE_HEAD) {
		exchange_cut(ex, reason);
		return;
	}
	upstream_end(&ex->upstream, false);
	exchange_leave_tool(ex);
	ex->stage = STAGE_ANSWER;
	ex->reason = reason_for(ex, reason);
}

bool
exchange_sheds(const struct exchange *ex)
{
	return ex->stage == STAGE_HEAD || ex->stage == STAGE_BODY;
}

void
exchange_shed(struct exchange *ex, enum reason reason)
{
	if (ex->stage == STAGE_TUNNEL) /* it was told, and has no fault */
		exchange_cut(ex, REASON_NONE);
	else
		exchange_fail(ex, reason);
	exchange_leave_tool(ex);
	ex->ops->wake(ex);
}

enum exchange_next
exchange_step(struct exchange *ex)
{
	bool again;

	ex->budget = TURN_BYTES;
	if (ex->stage <= STAGE_BODY && ex->ops->gone(ex))
		exchange_cut(ex, REASON_CLIENT_GONE);
	do {
		again = false;
		if (ex->stage <= STAGE_BODY && ex->upstream.conn != NULL)
			exchange_send_request(ex);
		if (ex->stage == STAGE_HEAD)
			again = exchange_read_head(ex);
		if (ex->stage == STAGE_BODY)
			exchange_relay(ex);
		if (ex->stage == STAGE_ANSWER)
			exchange_begin_page(ex);
		if (ex->stage == STAGE_PAGE)
			exchange_send_page(ex);
	} while (again);

	if (ex->stage == STAGE_DONE)
		return EXCHANGE_DONE;
	if (ex->stage == STAGE_TUNNEL)
		return EXCHANGE_TUNNEL;
	if (ex->stage == STAGE_CUT)
		return EXCHANGE_CUT;
	return ex->budget == 0 ? EXCHANGE_YIELD : EXCHANGE_WAIT;
}

/* When bytes last moved: whoever is waited for has been since then. */
static uint64_t
moved_ms(const struct exchange *ex)
{
	return ex->client_ms > ex->upstream.progress_ms
		   ? ex->client_ms
		   : ex->upstream.progress_ms;
}

static uint64_t
earlier(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/*
 * Slow bodies hold a backend.  One that has not begun may wait for a 100: that
 * is for body_timeout (7-security.md 7.5).
 */
static uint64_t
body_rate_deadline(const struct exchange *ex)
{
	uint64_t may_ms = BODY_GRACE_MS + ex->received * 1000 / BODY_RATE;

	if (ex->received == 0 || ex->waiting_ms == 0)
		return UINT64_MAX;
	return ex->waiting_ms +
	       (may_ms > ex->waited_ms ? may_ms - ex->waited_ms : 0);
}

/* A head that comes byte by byte makes progress, and never ends. */
static uint64_t
head_deadline(const struct exchange *ex)
{
	if (ex->stage != STAGE_HEAD || ex->upstream.head_ms == 0)
		return UINT64_MAX;
	return ex->upstream.head_ms + ex->w->conf->response_head_timeout_ms;
}

uint64_t
exchange_deadline(const struct exchange *ex, enum exchange_wait *wait)
{
	const struct conf *conf = ex->w->conf;
	const struct upstream *u = &ex->upstream;

	if (ex->stage == STAGE_PAGE ||
	    (ex->stage == STAGE_BODY && ex->client_blocked)) {
		*wait = WAIT_CLIENT;
		return ex->client_ms + conf->send_timeout_ms;
	}
	if (ex->stage == STAGE_HEAD && !u->connected) {
		*wait = WAIT_CONNECT;
		return u->since_ms + conf->connect_timeout_ms;
	}
	if (ex->stage == STAGE_HEAD && !ex->request_done && !u->send_failed &&
	    u->conn->stream.writable) {
		*wait = WAIT_REQUEST_BODY;
		return earlier(moved_ms(ex) + conf->body_timeout_ms,
		    body_rate_deadline(ex));
	}
	if (ex->stage == STAGE_HEAD && ex->half_closed &&
	    conf->body_timeout_ms < conf->response_timeout_ms) {
		*wait = WAIT_HALF_CLOSED;
		return moved_ms(ex) + conf->body_timeout_ms;
	}
	*wait = WAIT_RESPONSE;
	return earlier(
	    moved_ms(ex) + conf->response_timeout_ms, head_deadline(ex));
}

void
exchange_expire(struct exchange *ex)
{
	enum exchange_wait wait;
	enum reason reason = REASON_NONE;

	exchange_deadline(ex, &wait);
	switch (wait) {
	case WAIT_CONNECT:
		reason = upstream_connect_expired(&ex->upstream);
		break;
	case WAIT_REQUEST_BODY:
		reason = REASON_TIMEOUT_CLIENT;
		break;
	case WAIT_RESPONSE:
		reason = ex->stage == STAGE_HEAD
			     ? REASON_BACKEND_TIMEOUT_FIRST_BYTE
			     : REASON_BACKEND_TIMEOUT_IDLE;
		break;
	case WAIT_HALF_CLOSED:
		exchange_cut(ex, REASON_CLIENT_GONE);
		break;
	case WAIT_CLIENT:
		reason = REASON_CLIENT_GONE;
		break;
	}
	if (reason != REASON_NONE)
		exchange_fail(ex, reason);
}
