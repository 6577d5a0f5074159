/* Talks to one backend at a time, until one answers or none is left. */
#include "worker/upstream.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "http/framing.h"
#include "http/parse.h"
#include "lib/sock.h"
#include "shm/counters.h"
#include "shm/health.h"
#include "worker/logline.h"
#include "worker/process.h"

#define INTERIMS_MAX 8 /* 7-security.md 7.5 */
#define HEAD_ROOM 2048 /* what we add to a head, at most */

/* Bytes asked for, for a head: fewer where a pipe may take what follows. */
#define FIRST_READ (16 * 1024)
#define FIRST_READ_SPLICED (4 * 1024)

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
	case EPROTO:
		return REASON_BACKEND_TLS;
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

static void
swap_candidates(struct upstream *u, unsigned a, unsigned b)
{
	struct backend c = u->candidates[a];

	u->candidates[a] = u->candidates[b];
	u->candidates[b] = c;
}

static unsigned
lent_to(struct upstream *u, unsigned at)
{
	u->owner.backend = u->candidates[at];
	return pool_lent(u->w->pool, &u->owner);
}

/*
 * From 0 to less than that.  Fair is enough here (Knuth's MMIX): libbsd's
 * arc4random(3) makes a system call each time.
 */
static unsigned
roll_dice(struct worker *w, unsigned sides)
{
	w->dice = w->dice * UINT64_C(6364136223846793005) + 1442695040888963407;
	return (unsigned)((w->dice >> 32) * sides >> 32);
}

/*
 * Put the next one to try where it is taken from: of two random good ones the
 * one with less to do.  The worse ones come after all of these.
 */
static void
choose_next(struct upstream *u)
{
	unsigned left = u->tried < u->ngood ? u->ngood - u->tried : 0, other;

	if (left < 2 || (u->look_first && u->tried == 0))
		return;
	swap_candidates(u, u->tried, u->tried + roll_dice(u->w, left));
	other = u->tried + 1 + roll_dice(u->w, left - 1);
	if (lent_to(u, other) < lent_to(u, u->tried))
		swap_candidates(u, u->tried, other);
}

/* Good ones to the front, bad ones behind: the only one is never bad. */
static void
add_candidate(struct upstream *u, const struct backend *b, bool only)
{
	enum health_advice advice =
	    only ? HEALTH_GOOD
		 : health_ask(u->w->health, b, u->w->loop.now_ms,
		       u->w->conf->connect_timeout_ms);

	u->candidates[u->ncandidates] = *b;
	if (advice != HEALTH_AVOID) {
		swap_candidates(u, u->ncandidates, u->ngood);
		if (advice == HEALTH_TRY) {
			swap_candidates(u, u->ngood, 0);
			u->look_first = true;
		}
		u->ngood++;
	}
	u->ncandidates++;
}

/* Tell the other workers of what could not be reached. */
static void
note_failure(struct upstream *u, enum reason reason)
{
	if (reason != REASON_LIMIT_NODE)
		health_failed(
		    u->w->health, &u->owner.backend, u->w->loop.now_ms);
}

static void
note_connected(struct upstream *u)
{
	u->log->connected_ms = u->w->loop.now_ms;
	if (u->conn->used)
		return;
	health_reached(u->w->health, &u->owner.backend);
	counters_connected(u->w->counters, u->w->loop.now_ms - u->since_ms);
}

/* Nobody listens: has nobody ever?  Tools register before they listen. */
static enum reason
refused_reason(const struct upstream *u)
{
	if (u->health_tool == 0)
		return REASON_BACKEND_REFUSED;
	for (unsigned i = 0; i < u->ncandidates; i++)
		if (health_has_answered(
			u->w->health, &u->candidates[i], u->health_tool))
			return REASON_BACKEND_REFUSED;
	return REASON_TOOL_STARTING;
}

/* Connect to the candidate whose turn it is.  False with errno. */
static bool
open_candidate(struct upstream *u)
{
	struct pool *pool = u->w->pool;
	struct pool_conn *c = NULL;

	choose_next(u);
	u->owner.backend = u->candidates[u->tried];
	logline_try(u->log, &u->owner.backend, u->w->loop.now_ms);
	if (!u->retried)
		c = pool_take(pool, &u->owner, u->wake, u->user);
	if (c == NULL)
		c = pool_connect(pool, &u->owner, u->name, u->wake, u->user);
	if (c == NULL)
		return false;
	u->conn = c;
	u->connected = c->used;
	counters_event(u->w->counters,
	    c->used ? EVENT_BACKEND_REUSED : EVENT_BACKEND_CONNECT);
	if (u->connected)
		note_connected(u);
	/* it may turn out to be dead; then the request is sent again */
	u->sink.keep = c->used;
	u->since_ms = u->progress_ms = u->w->loop.now_ms;
	return true;
}

static enum reason
open_next(struct upstream *u, enum reason reason)
{
	uint64_t enough_ms = u->begun_ms + 2 * u->w->conf->connect_timeout_ms;

	while (u->tried < u->ncandidates && u->w->loop.now_ms < enough_ms) {
		if (open_candidate(u))
			return REASON_NONE;
		reason = connect_reason(errno);
		note_failure(u, reason);
		u->tried++;
	}
	return reason == REASON_BACKEND_REFUSED ? refused_reason(u) : reason;
}

/* Whose certificate it has to be, on whatever machine it is today. */
static void
set_name(struct upstream *u, const struct tool *tool, struct span host)
{
	if (*tool->key.ptr == KEY_TOOL)
		snprintf(u->name, sizeof(u->name), "%.*s.%s",
		    (int)tool->key.len - 1, tool->key.ptr + 1,
		    u->w->conf->web_domains[0]);
	else
		snprintf(u->name, sizeof(u->name), "%.*s", SPAN_ARG(host));
}

enum reason
upstream_begin(struct upstream *u, const struct tool *tool,
    const struct route *route, enum http_method method, struct span upgrade,
    struct span host)
{
	assert(u->conn == NULL && route->nbackends <= ROUTE_BACKENDS_MAX);
	u->method = method;
	assert(upgrade.len <= sizeof(u->upgrade));
	memcpy(u->upgrade, upgrade.ptr, upgrade.len);
	u->upgrade_len = upgrade.len;
	u->retried = u->send_failed = u->reusable = false;
	u->interims = 0;
	u->head_ms = 0;
	u->scanned = 0;
	buf_consume(&u->in, buf_len(&u->in));

	u->owner.tool = health_hash(u->w->health, tool->key);
	u->owner.version = tool->version;
	u->health_tool = *tool->key.ptr == KEY_DEFAULT
			     ? 0
			     : u->owner.tool ^ u->owner.version;
	u->begun_ms = u->w->loop.now_ms;
	u->ncandidates = u->ngood = u->tried = 0;
	u->look_first = false;
	for (size_t i = 0; i < route->nbackends; i++) {
		add_candidate(u, &route->backends[i], route->nbackends == 1);
		if (route->backends[i].scheme == BACKEND_HTTPS)
			set_name(u, tool, host);
	}
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
	note_failure(u, reason);
	close_conn(u);
	u->tried++;
	if (u->tried < u->ncandidates)
		counters_event(u->w->counters, EVENT_BACKEND_NEXT);
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
	counters_event(u->w->counters, EVENT_BACKEND_AGAIN);
	u->send_failed = false;
	sink_rewind(&u->sink);
	return open_next(u, REASON_BACKEND_CLOSED_REUSED);
}

void
upstream_stop_sending(struct upstream *u)
{
	u->send_failed = true;
	u->conn->stream.readable = true;
}

enum reason
upstream_send(struct upstream *u, struct span piece, bool last, size_t *taken)
{
	size_t before = buf_len(&u->sink.out) - u->sink.sent;
	ssize_t n;

	*taken = 0;
	if (u->send_failed)
		return REASON_NONE;
	/* a backend may act upon what is complete, or has a body */
	if (u->sink.keep && (piece.len > 0 || last) &&
	    !is_idempotent(u->method))
		sink_forget(&u->sink);
	n = sink_send(&u->sink, &u->conn->stream, piece, last);
	if (n >= 0) {
		if (n > 0 || buf_len(&u->sink.out) - u->sink.sent < before) {
			if (!u->connected)
				note_connected(u);
			u->connected = true;
			u->progress_ms = u->w->loop.now_ms;
		}
		*taken = (size_t)n;
		return REASON_NONE;
	}
	if (!u->connected)
		return connect_failed(u, connect_reason(errno));
	upstream_stop_sending(u);
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

bool
upstream_is_websocket(const struct upstream *u)
{
	return span_eq_nocase(
	    (struct span){ u->upgrade, u->upgrade_len }, SPAN("websocket"));
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
	if (!u->conn->used && u->health_tool != 0)
		health_answered(
		    u->w->health, &u->owner.backend, u->health_tool);
	return UPSTREAM_HEAD;
}

/*
 * What came is no response.  It may be our own request, where nobody listens
 * yet: that is no word of the backend's, and the port is left to it.
 */
static enum reason
no_response_reason(struct upstream *u)
{
	int fd = u->conn->stream.io.fd;

	if (u->conn->used || !sock_is_with_itself(fd))
		return REASON_BACKEND_BAD_RESPONSE;
	sock_reset_on_close(fd); /* or the port were taken a while */
	note_failure(u, REASON_BACKEND_REFUSED);
	return refused_reason(u);
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
				*reason = no_response_reason(u);
				return UPSTREAM_FAILED;
			}
		}
		n = stream_recv(&u->conn->stream, &u->in,
		    u->conn->spliced ? FIRST_READ_SPLICED : FIRST_READ);
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
		if (u->head_ms == 0)
			u->head_ms = u->progress_ms;
		sink_forget(&u->sink); /* it answers: no second attempt */
	}
}

void
upstream_interim_done(struct upstream *u)
{
	buf_consume(&u->in, u->w->msg.head_len);
	u->scanned = 0;
	u->head_ms = buf_len(&u->in) > 0 ? u->w->loop.now_ms : 0;
}

bool
upstream_head_done(struct upstream *u, enum body_end end, uint64_t length)
{
	u->conn->spliced = false;
	buf_consume(&u->in, u->w->msg.head_len);
	source_begin(&u->source, end, length);
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
