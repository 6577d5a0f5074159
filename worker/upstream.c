/* Talks to one backend at a time, until one answers or none is left. */
#include "worker/upstream.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "http/framing.h"
#include "http/parse.h"
#include "worker/logline.h"
#include "worker/process.h"

#define INTERIMS_MAX 8 /* 7-security.md 7.5 */
#define HEAD_ROOM 2048 /* what we add to a head, at most */
#define FIRST_READ (16 * 1024)

void
upstream_init(
    struct upstream *u, struct worker *w, void (*wake)(void *user), void *user)
{
	size_t head = w->conf->response_head_max;

	*u = (struct upstream){ .w = w, .wake = wake, .user = user };
	buf_init(&u->in, head > PUMP_BUF_MAX ? head : PUMP_BUF_MAX);
	/* the host stands in a head three times, the target twice */
	sink_init(&u->sink, 3 * w->conf->request_head_max + HEAD_ROOM);
}

void
upstream_release(struct upstream *u)
{
	assert(u->conn == NULL);
	buf_release(&u->in);
	buf_release(&u->sink.out);
	source_release(&u->source);
	source_release(&u->source);
}

static enum reason
connect_reason(int error)
{
	switch (error) {
	case ECONNREFUSED:
	case ECONNRESET:
		return REASON_BACKEND_REFUSED;
	case ETIMEDOUT:
		return REASON_BACKEND_TIMEOUT_CONNECT;
	case EMFILE:
	case ENFILE:
	case ENOBUFS:
	case ENOMEM:
	case EADDRNOTAVAIL:
	case EAGAIN:
		return REASON_LIMIT_NODE;
	default:
		return REASON_BACKEND_UNREACHABLE;
	}
}

/* May it be done twice?  (RFC 9110 section 9.2.2) */
static bool
is_idempotent(enum http_method method)
{
	switch (method) {
	case HTTP_GET:
	case HTTP_HEAD:
	case HTTP_PUT:
	case HTTP_DELETE:
	case HTTP_OPTIONS:
	case HTTP_TRACE:
		return true;
	default:
		return false;
	}
}

/* Connect to the candidate whose turn it is.  False with errno. */
static bool
open_candidate(struct upstream *u)
{
	struct pool *pool = u->w->pool;
	struct pool_conn *c = NULL;

	u->owner.backend =
	    u->candidates[(u->first + u->tried) % u->ncandidates];
	logline_try(u->log, &u->owner.backend, u->w->loop.now_ms);
	if (!u->retried)
		c = pool_take(pool, &u->owner, u->wake, u->user);
	if (c == NULL)
		c = pool_connect(pool, &u->owner, u->wake, u->user);
	if (c == NULL)
		return false;
	u->conn = c;
	u->connected = c->used;
	if (u->connected)
		u->log->connected_ms = u->w->loop.now_ms;
	/*
	 * A kept-alive one may turn out to be dead.  Then the request is sent
	 * again, unless the backend may have acted upon it: not idempotent,
	 * and complete.
	 */
	u->sink.keep = c->used && (is_idempotent(u->method) || u->has_body);
	u->since_ms = u->progress_ms = u->w->loop.now_ms;
	return true;
}

static enum reason
open_next(struct upstream *u, enum reason reason)
{
	while (u->tried < u->ncandidates) {
		if (open_candidate(u))
			return REASON_NONE;
		reason = connect_reason(errno);
		u->tried++;
	}
	return reason;
}

enum reason
upstream_begin(struct upstream *u, const struct tool *tool,
    const struct route *route, enum http_method method, bool has_body,
    struct span upgrade)
{
	assert(u->conn == NULL && route->nbackends <= ROUTE_BACKENDS_MAX);
	u->method = method;
	u->has_body = has_body;
	assert(upgrade.len <= sizeof(u->upgrade));
	memcpy(u->upgrade, upgrade.ptr, upgrade.len);
	u->upgrade_len = upgrade.len;
	u->retried = u->send_failed = u->reusable = false;
	u->interims = 0;
	u->scanned = 0;
	buf_consume(&u->in, buf_len(&u->in));

	u->owner.tool = pool_hash(u->w->pool, tool->key);
	u->owner.version = tool->version;
	u->ncandidates = u->tried = 0;
	/* TLS is not spoken yet: https backends count as unreachable */
	for (size_t i = 0; i < route->nbackends; i++)
		if (route->backends[i].scheme == BACKEND_HTTP)
			u->candidates[u->ncandidates++] = route->backends[i];
	u->first = u->ncandidates > 1 ? arc4random_uniform(u->ncandidates) : 0;
	return open_next(u, REASON_BACKEND_UNREACHABLE);
}

static void
close_conn(struct upstream *u)
{
	pool_close(u->w->pool, u->conn);
	u->conn = NULL;
}

static enum reason
connect_failed(struct upstream *u, enum reason reason)
{
	close_conn(u);
	u->tried++;
	return open_next(u, reason);
}

enum reason
upstream_connect_expired(struct upstream *u)
{
	return connect_failed(u, REASON_BACKEND_TIMEOUT_CONNECT);
}

/*
 * The connection has died before the first byte of a response.  REASON_NONE:
 * it was a kept-alive one, and the request goes to a new one now.
 */
static enum reason
connection_died(struct upstream *u)
{
	bool used = u->conn->used;

	close_conn(u);
	if (!used)
		return REASON_BACKEND_CLOSED;
	if (u->sink.lost || u->retried)
		return REASON_BACKEND_CLOSED_REUSED;
	u->retried = true;
	u->send_failed = false;
	sink_rewind(&u->sink);
	return open_next(u, REASON_BACKEND_CLOSED_REUSED);
}

enum reason
upstream_send(struct upstream *u, struct span piece, bool last, size_t *taken)
{
	size_t before = buf_len(&u->sink.out) - u->sink.sent;
	ssize_t n;

	*taken = 0;
	if (u->send_failed)
		return REASON_NONE;
	if (u->sink.keep && piece.len > 0 && !is_idempotent(u->method))
		sink_forget(&u->sink);
	n = sink_send(&u->sink, &u->conn->stream, piece, last);
	if (n >= 0) {
		if (n > 0 || buf_len(&u->sink.out) - u->sink.sent < before) {
			if (!u->connected)
				u->log->connected_ms = u->w->loop.now_ms;
			u->connected = true;
			u->progress_ms = u->w->loop.now_ms;
		}
		*taken = (size_t)n;
		return REASON_NONE;
	}
	if (!u->connected)
		return connect_failed(u, connect_reason(errno));
	/* it may have answered before it stopped listening */
	u->send_failed = true;
	u->conn->stream.readable = true;
	return REASON_NONE;
}

/* Nothing more comes: the head is missing, or a part of it. */
static enum upstream_head
head_missing(struct upstream *u, enum reason *reason)
{
	bool silent = buf_len(&u->in) == 0 && u->interims == 0;

	if (!silent) {
		*reason = REASON_BACKEND_CLOSED;
		return UPSTREAM_FAILED;
	}
	*reason = connection_died(u);
	return *reason == REASON_NONE ? UPSTREAM_AGAIN : UPSTREAM_FAILED;
}

/* To what was asked for, when all of the request was there to be read? */
static bool
switches(const struct upstream *u)
{
	struct span asked = { u->upgrade, u->upgrade_len };

	return http_upgrade_given(&u->w->msg, asked) && !sink_pending(&u->sink);
}

/* A head is there: is it one that may be passed on? */
static enum upstream_head
check_head(struct upstream *u, enum body_end *end, uint64_t *length)
{
	const struct http_msg *msg = &u->w->msg;

	*end = http_response_body(msg, u->method, length);
	if (*end == BODY_REFUSE)
		return UPSTREAM_FAILED;
	if (msg->status == 101)
		return switches(u) ? UPSTREAM_SWITCH : UPSTREAM_FAILED;
	if (msg->status < 200)
		return ++u->interims > INTERIMS_MAX ? UPSTREAM_FAILED
						    : UPSTREAM_INTERIM;
	u->reusable = http_keep_alive(msg) && *end != BODY_CLOSE;
	return UPSTREAM_HEAD;
}

enum upstream_head
upstream_read_head(struct upstream *u, enum body_end *end, uint64_t *length,
    enum reason *reason)
{
	struct span bytes;
	ssize_t n;

	*reason = REASON_BACKEND_BAD_RESPONSE;
	for (;;) {
		bytes = buf_span(&u->in);
		if (bytes.len > 0) {
			switch (http_parse_response(bytes.ptr, bytes.len,
			    &u->scanned, &u->w->response_limits, &u->w->msg)) {
			case HTTP_FINE:
				return check_head(u, end, length);
			case HTTP_MORE:
				break;
			default:
				return UPSTREAM_FAILED;
			}
		}
		n = stream_recv(&u->conn->stream, &u->in, FIRST_READ);
		if (n == -1 && errno == EAGAIN)
			return UPSTREAM_WAIT;
		if (n == -1 && !u->connected) {
			*reason = connect_failed(u, connect_reason(errno));
			return *reason == REASON_NONE ? UPSTREAM_AGAIN
						      : UPSTREAM_FAILED;
		}
		if (n <= 0)
			return head_missing(u, reason);
		u->progress_ms = u->w->loop.now_ms;
		sink_forget(&u->sink); /* it answers: no second attempt */
	}
}

void
upstream_interim_done(struct upstream *u)
{
	buf_consume(&u->in, u->w->msg.head_len);
	u->scanned = 0;
}

bool
upstream_head_done(struct upstream *u, enum body_end end, uint64_t length)
{
	buf_consume(&u->in, u->w->msg.head_len);
	source_begin(&u->source, end, length);
	return source_decode(&u->source, &u->in, &u->w->msg);
}

bool
upstream_read_body(struct upstream *u)
{
	size_t room = u->in.max - buf_len(&u->in);
	ssize_t n;

	if (u->source.ready > 0 || u->source.done)
		return true;
	n = stream_recv(&u->conn->stream, &u->in, room);
	if (n == -1)
		return errno == EAGAIN;
	if (n == 0)
		return source_eof(&u->source);
	u->progress_ms = u->w->loop.now_ms;
	return source_decode(&u->source, &u->in, &u->w->msg);
}

void
upstream_end(struct upstream *u, bool request_done)
{
	bool clean = request_done && !u->send_failed && u->reusable &&
		     u->source.done && buf_len(&u->in) == u->source.ready &&
		     !sink_pending(&u->sink);

	if (u->conn == NULL)
		return;
	if (clean)
		pool_put(u->w->pool, u->conn);
	else
		pool_close(u->w->pool, u->conn);
	u->conn = NULL;
}
