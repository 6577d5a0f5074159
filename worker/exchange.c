/* Carries a request to a backend and the response back, or answers it. */
#include "worker/exchange.h"

#include <assert.h>

#include "lib/clock.h"
#include "worker/accesslog.h"
#include "worker/errpage.h"
#include "worker/forward.h"
#include "worker/process.h"

/* Others wait no longer than it takes to move this. */
#define TURN_BYTES (256 * 1024)

#define PASSES_MAX 1 /* through a dynproxy, before this one */

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

static void
leave_tool(struct exchange *ex)
{
	if (ex->slot != 0)
		limits_tool_leave(ex->w->router.gate.limits, ex->slot);
	ex->slot = 0;
}

void
exchange_end(struct exchange *ex)
{
	leave_tool(ex);
	upstream_end(&ex->upstream, ex->request_done);
	ex->log.reason = ex->reason;
	ex->log.received = ex->received;
	accesslog_end(ex->w, &ex->log);
}

static void
cut(struct exchange *ex, enum reason reason)
{
	ex->stage = STAGE_CUT;
	ex->reason = reason;
}

/* The default backend is no tool, and when it is away that is our trouble. */
static enum reason
reason_for(const struct exchange *ex, enum reason reason)
{
	if (ex->to_default &&
	    (reason == REASON_BACKEND_REFUSED ||
		reason == REASON_BACKEND_UNREACHABLE ||
		reason == REASON_BACKEND_TIMEOUT_CONNECT))
		return REASON_DEFAULT_BACKEND_DOWN;
	return reason;
}

/* Answer ourselves if nothing was said yet, else cut. */
static void
fail(struct exchange *ex, enum reason reason)
{
	assert(reason != REASON_NONE);
	if (ex->stage != STAGE_HEAD) {
		cut(ex, reason);
		return;
	}
	upstream_end(&ex->upstream, false);
	leave_tool(ex);
	ex->stage = STAGE_ANSWER;
	ex->reason = reason_for(ex, reason);
}

/* Make the answer of our own; the client's side begins to send it. */
static void
begin_page(struct exchange *ex)
{
	uint64_t now = clock_real_ms() / 1000;
	struct http_msg *msg = &ex->w->msg;
	struct errpage_text text;
	enum body_end end = ex->is_head ? BODY_NONE : BODY_LENGTH;
	size_t before = buf_len(&ex->page); /* the location, if there is one */
	bool made;

	if (ex->redirect != 0)
		made = errpage_redirect(
		    ex->redirect, ex->media, now, &text, msg, &ex->page);
	else if (ex->reason == REASON_NONE)
		made = errpage_health(
		    SPAN(HEALTH_TEXT), now, &text, msg, &ex->page);
	else
		made = errpage_make(ex->reason, ex->retry_after, ex->media, now,
		    &text, msg, &ex->page);
	if (!made ||
	    !ex->ops->head(ex, msg, end, buf_len(&ex->page) - before)) {
		cut(ex, REASON_INTERNAL);
		return;
	}
	ex->log.status = msg->status;
	buf_consume(&ex->page, before);
	if (ex->is_head)
		buf_consume(&ex->page, buf_len(&ex->page));
	ex->client_ms = ex->w->loop.now_ms;
	ex->stage = STAGE_PAGE;
}

static void
reset(struct exchange *ex)
{
	assert(ex->upstream.conn == NULL && ex->slot == 0);
	ex->stage = STAGE_HEAD;
	ex->reason = REASON_NONE;
	ex->media = MEDIA_TEXT;
	ex->is_head = ex->request_done = ex->client_blocked = false;
	ex->redirect = ex->retry_after = 0;
	ex->to_default = false;
	ex->received = 0;
	ex->client_ms = ex->w->loop.now_ms;
	buf_consume(&ex->page, buf_len(&ex->page));
	sink_begin(&ex->upstream.sink);
}

static enum media
media_for(const struct http_msg *msg)
{
	const struct http_field *accept = http_msg_field(msg, FIELD_ACCEPT);

	return http_negotiate_media(accept == NULL ? SPAN("") : accept->value);
}

/* Hand the request to a backend of the route. */
static enum reason
proxy(struct exchange *ex, const struct exchange_request *r,
    const struct decision *d)
{
	struct upstream *u = &ex->upstream;
	struct span upgrade;

	if (forward_passes(r->msg) > PASSES_MAX)
		return REASON_LOOP;
	if (r->end == BODY_LENGTH && r->length > ex->w->conf->request_body_max)
		return REASON_BODY_TOO_LARGE;
	upgrade = http_upgrade_asked(r->msg);
	if (!forward_head(&u->sink.out, &(struct forward){ .msg = r->msg,
					    .upgrade = upgrade,
					    .target = r->target,
					    .host = { d->host, d->host_len },
					    .proto = r->proto,
					    .port = r->port,
					    .end = r->end,
					    .length = r->length }))
		return REASON_HEADER_TOO_LARGE;
	ex->to_default = *ex->w->router.tool.key.ptr == KEY_DEFAULT;
	u->sink.chunked = r->end == BODY_CHUNKED;
	return upstream_begin(u, &ex->w->router.tool, d->route, r->msg->method,
	    r->end == BODY_CHUNKED || (r->end == BODY_LENGTH && r->length > 0),
	    upgrade);
}

/* The location waits where the page will be. */
static enum reason
redirect(struct exchange *ex, const struct decision *d)
{
	if (!buf_append_span(&ex->page, d->location))
		return REASON_INTERNAL;
	ex->redirect = d->status;
	ex->stage = STAGE_ANSWER;
	return REASON_NONE;
}

static struct span
value_of(const struct http_msg *msg, enum http_field_id id)
{
	const struct http_field *field = http_msg_field(msg, id);

	return field == NULL ? SPAN("") : field->value;
}

static void
decide(struct exchange *ex, const struct exchange_request *r,
    struct decision *d)
{
	struct visitor visitor = { .ip = ex->client,
		.agent = value_of(r->msg, FIELD_USER_AGENT),
		.referer = value_of(r->msg, FIELD_REFERER),
		.now_ms = ex->w->loop.now_ms };

	route_decide(&ex->w->router, &visitor, r->target, d);
}

/* It is one of those that its tool has under way. */
static void
enter_tool(struct exchange *ex)
{
	ex->slot = ex->w->router.tool.counter_slot;
	limits_tool_enter(ex->w->router.gate.limits, ex->slot);
}

void
exchange_begin(struct exchange *ex, const struct exchange_request *r)
{
	struct decision d;
	enum reason reason = REASON_NONE;

	reset(ex);
	ex->media = media_for(r->msg);
	ex->is_head = r->msg->method == HTTP_HEAD;
	decide(ex, r, &d);
	accesslog_begin(ex->w, &ex->log, ex->client, r->msg, &d);
	switch (d.action) {
	case ACTION_PROXY:
		enter_tool(ex);
		reason = proxy(ex, r, &d);
		break;
	case ACTION_REFUSE:
		reason = d.reason;
		ex->retry_after = d.retry_after;
		break;
	case ACTION_HEALTH:
		ex->stage = STAGE_ANSWER;
		break;
	case ACTION_REDIRECT:
		reason = redirect(ex, &d);
		break;
	}
	if (reason != REASON_NONE)
		fail(ex, reason);
}

void
exchange_refuse(struct exchange *ex, enum reason reason, struct span bytes,
    const struct http_msg *msg)
{
	upstream_end(&ex->upstream, false);
	leave_tool(ex);
	reset(ex);
	accesslog_begin_refused(ex->w, &ex->log, ex->client, bytes, msg);
	fail(ex, reason);
}

/* Count bytes as moved in this turn; false: enough. */
static bool
spend(struct exchange *ex, size_t n)
{
	ex->budget -= n < ex->budget ? n : ex->budget;
	return ex->budget > 0;
}

/* Send some more of the request; false: this is all for now. */
static bool
send_piece(struct exchange *ex)
{
	struct upstream *u = &ex->upstream;
	struct span piece = SPAN("");
	bool last = false;
	enum pull pull;
	enum reason reason;
	size_t taken;

	pull = ex->ops->pull(ex, &piece, &last);
	if (pull == PULL_GONE) {
		cut(ex, REASON_CLIENT_GONE);
		return false;
	}
	if (pull == PULL_BAD) {
		fail(ex, REASON_BAD_REQUEST);
		return false;
	}
	reason = upstream_send(u, piece, last, &taken);
	if (reason != REASON_NONE) {
		fail(ex, reason);
		return false;
	}
	if (taken > 0) {
		ex->ops->pulled(ex, taken);
		ex->client_ms = ex->w->loop.now_ms;
		ex->received += taken;
	}
	if (ex->received > ex->w->conf->request_body_max) {
		fail(ex, REASON_BODY_TOO_LARGE);
		return false;
	}
	ex->request_done = u->sink.ended;
	return pull == PULL_PIECE && !ex->request_done && !u->send_failed &&
	       u->conn->stream.writable && spend(ex, taken);
}

static void
send_request(struct exchange *ex)
{
	struct upstream *u = &ex->upstream;
	enum reason reason;
	size_t none;

	if (!ex->request_done && !u->send_failed) {
		while (send_piece(ex))
			;
	} else if (sink_pending(&u->sink)) {
		reason = upstream_send(u, SPAN(""), false, &none);
		if (reason != REASON_NONE)
			fail(ex, reason);
	}
}

/* The response's head has come; its body follows. */
static void
begin_body(struct exchange *ex, enum body_end end, uint64_t length)
{
	ex->client_ms = ex->w->loop.now_ms;
	if (!ex->ops->head(ex, &ex->w->msg, end, length)) {
		fail(ex, REASON_BACKEND_BAD_RESPONSE);
		return;
	}
	ex->log.status = ex->w->msg.status;
	ex->log.from_backend = true;
	ex->log.first_ms = ex->w->loop.now_ms;
	ex->stage = STAGE_BODY;
	if (!upstream_head_done(&ex->upstream, end, length))
		cut(ex, REASON_BACKEND_BAD_RESPONSE);
}

static void
begin_tunnel(struct exchange *ex)
{
	if (!ex->ops->changes(ex, &ex->w->msg)) {
		fail(ex, REASON_BACKEND_BAD_RESPONSE);
		return;
	}
	ex->log.status = 101;
	ex->log.answered = ex->log.from_backend = true;
	ex->log.first_ms = ex->w->loop.now_ms;
	upstream_interim_done(&ex->upstream);
	ex->stage = STAGE_TUNNEL;
}

/* True: the request is to be sent again, on another connection. */
static bool
read_head(struct exchange *ex)
{
	struct upstream *u = &ex->upstream;
	enum reason reason;
	enum body_end end;
	uint64_t length = 0;

	for (;;) {
		switch (upstream_read_head(u, &end, &length, &reason)) {
		case UPSTREAM_WAIT:
			return false;
		case UPSTREAM_AGAIN:
			return true;
		case UPSTREAM_FAILED:
			fail(ex, reason);
			return false;
		case UPSTREAM_HEAD:
			begin_body(ex, end, length);
			return false;
		case UPSTREAM_SWITCH:
			begin_tunnel(ex);
			return false;
		case UPSTREAM_INTERIM:
			if (!ex->ops->interim(ex, &ex->w->msg)) {
				cut(ex, REASON_CLIENT_GONE);
				return false;
			}
			upstream_interim_done(u);
		}
	}
}

/* Push a piece; true: it has gone, and more can follow. */
static bool
push(struct exchange *ex, struct span piece, bool last, size_t *taken)
{
	bool sent;
	ssize_t n = ex->ops->push(ex, piece, last, &sent);

	*taken = 0;
	if (n == -1) {
		cut(ex, REASON_CLIENT_GONE);
		return false;
	}
	*taken = (size_t)n;
	ex->log.answered = true;
	ex->log.sent += *taken;
	if (n > 0 || sent || !ex->client_blocked)
		ex->client_ms = ex->w->loop.now_ms;
	ex->client_blocked = !sent;
	if (sent && last && *taken == piece.len)
		ex->stage = STAGE_DONE;
	return !ex->client_blocked && spend(ex, *taken);
}

static void
relay_body(struct exchange *ex)
{
	struct upstream *u = &ex->upstream;
	bool more = true;
	size_t taken;

	while (more && ex->stage == STAGE_BODY) {
		if (u->conn != NULL && !upstream_read_body(u)) {
			cut(ex, REASON_BACKEND_CLOSED);
			return;
		}
		/* the connection is free as soon as all was received */
		if (u->source.done && ex->request_done)
			upstream_end(u, true);
		more = push(ex, source_piece(&u->source, &u->in),
		    u->source.done, &taken);
		source_taken(&u->source, &u->in, taken);
		more = more && (u->source.ready > 0 || u->source.done ||
				   u->conn->stream.readable);
	}
}

static void
send_page(struct exchange *ex)
{
	size_t taken;

	push(ex, buf_span(&ex->page), true, &taken);
	buf_consume(&ex->page, taken);
}

enum exchange_next
exchange_step(struct exchange *ex)
{
	bool again;

	ex->budget = TURN_BYTES;
	if (ex->stage <= STAGE_BODY && ex->ops->gone(ex))
		cut(ex, REASON_CLIENT_GONE);
	do {
		again = false;
		if (ex->stage <= STAGE_BODY && ex->upstream.conn != NULL)
			send_request(ex);
		if (ex->stage == STAGE_HEAD)
			again = read_head(ex);
		if (ex->stage == STAGE_BODY)
			relay_body(ex);
		if (ex->stage == STAGE_ANSWER)
			begin_page(ex);
		if (ex->stage == STAGE_PAGE)
			send_page(ex);
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
		return moved_ms(ex) + conf->body_timeout_ms;
	}
	*wait = WAIT_RESPONSE;
	return moved_ms(ex) + conf->response_timeout_ms;
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
	case WAIT_CLIENT:
		reason = REASON_CLIENT_GONE;
		break;
	}
	if (reason != REASON_NONE)
		fail(ex, reason);
}
