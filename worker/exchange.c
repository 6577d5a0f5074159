/* Carries a request to a backend and the response back, or answers it. */
#include "worker/exchange.h"

#include <assert.h>

#include "lib/clock.h"
#include "worker/accesslog.h"
#include "worker/encode.h"
#include "worker/errpage.h"
#include "worker/forward.h"
#include "worker/process.h"
#include "worker/respond.h"
#include "worker/zone.h"

/* Others wait no longer than it takes to move this. */
#define TURN_BYTES (256 * 1024)

#define PASSES_MAX 1 /* through a dynproxy, before this one */

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

static void
end_compression(struct exchange *ex)
{
	if (ex->compressor != NULL)
		compress_end(&ex->w->compressors, ex->compressor);
	ex->compressor = NULL;
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
	end_compression(ex);
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

/* Make the head and body of an answer of our own.  False: no memory. */
static bool
make_answer(struct exchange *ex, struct errpage_text *text)
{
	uint64_t now = clock_real_ms() / 1000;
	struct http_msg *msg = &ex->w->msg;
	size_t before = buf_len(&ex->page); /* the location, if there is one */
	bool made = true;

	if (ex->redirect != 0)
		made = errpage_redirect(ex->redirect, ex->asked.media, now,
		    text, msg, &ex->page);
	else if (ex->reason != REASON_NONE)
		made = errpage_make(
		    &(struct errpage){ .reason = ex->reason,
			.retry_after = ex->retry_after,
			.asked = &ex->asked,
			.contact = ex->w->conf->contact,
			.unix_seconds = now },
		    text, msg, &ex->page);
	else if (ex->site != NULL)
		errpage_file(
		    ex->site->type, ex->site->content, now, text, msg);
	else
		made = errpage_health(
		    SPAN(HEALTH_TEXT), now, text, msg, &ex->page);
	if (ex->site != NULL && ex->reason == REASON_NONE)
		ex->answer = ex->site->content;
	else
		ex->answer = span_from(buf_span(&ex->page), before);
	return made;
}

/* The client's side begins to send it. */
static void
begin_page(struct exchange *ex)
{
	struct http_msg *msg = &ex->w->msg;
	struct errpage_text text;
	enum body_end end = ex->is_head ? BODY_NONE : BODY_LENGTH;
	bool made = make_answer(ex, &text);

	if (made)
		zones_apply(ex->w->zones, asked_host(&ex->asked),
		    ex->asked.https, msg);
	if (!made || !ex->ops->head(ex, msg, end, ex->answer.len)) {
		cut(ex, REASON_INTERNAL);
		return;
	}
	ex->log.status = msg->status;
	if (ex->is_head)
		ex->answer.len = 0;
	ex->client_ms = ex->w->loop.now_ms;
	ex->stage = STAGE_PAGE;
}

static void
reset(struct exchange *ex)
{
	assert(ex->upstream.conn == NULL && ex->slot == 0);
	ex->stage = STAGE_HEAD;
	ex->reason = REASON_NONE;
	ex->is_head = ex->request_done = ex->client_blocked = false;
	ex->half_closed = false;
	ex->waited_ms = ex->waiting_ms = 0;
	ex->redirect = ex->retry_after = 0;
	ex->to_default = false;
	ex->site = NULL;
	ex->received = 0;
	ex->client_ms = ex->w->loop.now_ms;
	buf_consume(&ex->page, buf_len(&ex->page));
	sink_begin(&ex->upstream.sink);
}

/* Hand the request to a backend of the route. */
static enum reason
proxy(struct exchange *ex, const struct exchange_request *r,
    const struct decision *d)
{
	struct upstream *u = &ex->upstream;
	const struct ip *client =
	    forward_tells_client(ex->w->conf, &ex->asked) ? ex->client : NULL;
	struct span upgrade;

	if (forward_passes(r->msg) > PASSES_MAX)
		return REASON_LOOP;
	if (r->end == BODY_LENGTH && r->length > ex->w->conf->request_body_max)
		return REASON_BODY_TOO_LARGE;
	upgrade = http_upgrade_asked(r->msg);
	if (!forward_head(&u->sink.out, &(struct forward){ .msg = r->msg,
					    .upgrade = upgrade,
					    .target = r->target,
					    .asked = &ex->asked,
					    .trace = &ex->w->trace,
					    .client = client,
					    .proto = r->proto,
					    .forwarded_host = r->forwarded_host,
					    .port = r->port,
					    .end = r->end,
					    .length = r->length }))
		return REASON_HEADER_TOO_LARGE;
	ex->to_default = *ex->w->router.tool.key.ptr == KEY_DEFAULT;
	if (r->msg->method == HTTP_GET || r->msg->method == HTTP_HEAD)
		ex->site = site_find(&ex->w->site, r->target->path);
	u->sink.chunked = r->end == BODY_CHUNKED;
	return upstream_begin(u, &ex->w->router.tool, d->route, r->msg->method,
	    r->end == BODY_CHUNKED || (r->end == BODY_LENGTH && r->length > 0),
	    upgrade, (struct span){ d->host, d->host_len });
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

/* Whom it is for, as far as that was found out. */
static void
remember(struct exchange *ex, const struct decision *d)
{
	struct span key = ex->w->router.tool.key;
	bool refused = d->action == ACTION_REFUSE;
	/* found out in the table; maintenance does not look there */
	bool found = !refused || (d->reason != REASON_TOOL_MAINTENANCE &&
				     reason_info(d->reason)->voice ==
					 VOICE_TOOL);

	if (!refused || d->reason != REASON_NO_HOST)
		asked_set_host(
		    &ex->asked, (struct span){ d->host, d->host_len });
	if (found && d->action != ACTION_HEALTH && key.len > 0 &&
	    *key.ptr == KEY_TOOL)
		asked_set_tool(&ex->asked, span_from(key, 1));
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
	asked_begin(
	    &ex->asked, &ex->w->trace, r->msg, r->target, r->proto);
	ex->is_head = r->msg->method == HTTP_HEAD;
	decide(ex, r, &d);
	remember(ex, &d);
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
	if (msg != NULL)
		asked_begin(
		    &ex->asked, &ex->w->trace, msg, NULL, SPAN("http"));
	else
		asked_nothing(&ex->asked, &ex->w->trace);
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

/* Measure how long the client is waited for, and nobody else. */
static void
note_waiting(struct exchange *ex, bool waiting)
{
	uint64_t now = ex->w->loop.now_ms;

	if (ex->waiting_ms != 0)
		ex->waited_ms += now - ex->waiting_ms;
	ex->waiting_ms = waiting ? now : 0;
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
	note_waiting(ex, pull == PULL_WAIT);
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

/* The site's own file, in place of a 404: what came of that is dropped. */
static void
begin_site_file(struct exchange *ex, enum body_end end, uint64_t length)
{
	upstream_head_done(&ex->upstream, end, length);
	upstream_end(&ex->upstream, ex->request_done);
	leave_tool(ex);
	ex->stage = STAGE_ANSWER;
}

/*
 * Compress the body, if it is worth it and the client takes it; then it ends
 * with its last chunk.  HEAD is told what GET would be.
 */
static void
begin_compression(struct exchange *ex, enum body_end *end, uint64_t length,
    char etag[ENCODE_ETAG_MAX])
{
	struct http_msg *msg = &ex->w->msg;
	enum coding coding = ex->asked.coding;

	if (!ex->w->conf->compression ||
	    !encode_may(msg, ex->is_head, *end, length) ||
	    coding == CODING_NONE)
		return;
	if (!ex->is_head) {
		ex->compressor = compress_begin(&ex->w->compressors, coding);
		if (ex->compressor == NULL)
			return;
		*end = BODY_CHUNKED;
	}
	encode_head(msg, coding, etag);
}

/* The response's head has come; its body follows. */
static void
begin_body(struct exchange *ex, enum body_end end, uint64_t length)
{
	struct http_msg *msg = &ex->w->msg;
	char etag[ENCODE_ETAG_MAX];
	enum body_end sent_end = end;

	if (msg->status == 404 && ex->site != NULL) {
		begin_site_file(ex, end, length);
		return;
	}
	ex->site = NULL;
	ex->client_ms = ex->w->loop.now_ms;
	respond_location(msg, &ex->asked, &ex->page);
	begin_compression(ex, &sent_end, length, etag);
	zones_apply(ex->w->zones, asked_host(&ex->asked), ex->asked.https, msg);
	if (!ex->ops->head(ex, msg, sent_end, length)) {
		end_compression(ex);
		buf_consume(&ex->page, buf_len(&ex->page));
		fail(ex, REASON_BACKEND_BAD_RESPONSE);
		return;
	}
	buf_consume(&ex->page, buf_len(&ex->page));
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

/* Receive some of the body.  False: it was cut. */
static bool
read_body(struct exchange *ex)
{
	struct upstream *u = &ex->upstream;

	if (u->conn != NULL && !upstream_read_body(u)) {
		cut(ex, REASON_BACKEND_CLOSED);
		return false;
	}
	/* the connection is free as soon as all was received */
	if (u->source.done && ex->request_done)
		upstream_end(u, true);
	return true;
}

/* Is there more of the body, at once? */
static bool
body_at_hand(const struct exchange *ex)
{
	const struct upstream *u = &ex->upstream;

	assert(u->source.done || u->conn != NULL); /* see read_body() */
	return u->source.ready > 0 || u->source.done ||
	       u->conn->stream.readable;
}

/* Compress some of the body.  When the backend pauses, nothing is held back. */
static bool
compress_body(struct exchange *ex)
{
	struct upstream *u = &ex->upstream;
	enum compress op;
	size_t taken;

	/* until an operation is complete it gets no more */
	if (!compress_busy(ex->compressor) && !read_body(ex))
		return false;
	assert(u->source.done || u->conn != NULL); /* see read_body() */
	op = u->source.done			 ? COMPRESS_LAST
	     : u->conn->stream.readable ? COMPRESS_MORE
					 : COMPRESS_FLUSH;
	if (!compress_piece(ex->compressor, source_piece(&u->source, &u->in),
		op, &taken)) {
		cut(ex, REASON_INTERNAL);
		return false;
	}
	source_taken(&u->source, &u->in, taken);
	return spend(ex, taken);
}

static void
relay_compressed(struct exchange *ex)
{
	struct compressor *c = ex->compressor;
	bool more = true;
	size_t taken;

	while (more && ex->stage == STAGE_BODY) {
		if (compress_out(c).len == 0 && !compress_ended(c))
			more = compress_body(ex);
		if (ex->stage != STAGE_BODY)
			return;
		if (compress_out(c).len > 0 || compress_ended(c)) {
			more = push(ex, compress_out(c), compress_ended(c),
				   &taken) &&
			       more;
			compress_sent(c, taken);
		}
		more = more && (compress_busy(c) || compress_out(c).len > 0 ||
				   body_at_hand(ex));
	}
}

static void
relay_body(struct exchange *ex)
{
	struct upstream *u = &ex->upstream;
	bool more = true;
	size_t taken;

	while (more && ex->stage == STAGE_BODY) {
		if (!read_body(ex))
			return;
		more = push(ex, source_piece(&u->source, &u->in),
		    u->source.done, &taken);
		source_taken(&u->source, &u->in, taken);
		more = more && body_at_hand(ex);
	}
}

static void
send_page(struct exchange *ex)
{
	size_t taken;

	push(ex, ex->answer, true, &taken);
	ex->answer = span_from(ex->answer, taken);
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
		if (ex->stage == STAGE_BODY && ex->compressor != NULL)
			relay_compressed(ex);
		else if (ex->stage == STAGE_BODY)
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

static uint64_t
earlier(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
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
	case WAIT_HALF_CLOSED:
		cut(ex, REASON_CLIENT_GONE);
		break;
	case WAIT_CLIENT:
		reason = REASON_CLIENT_GONE;
		break;
	}
	if (reason != REASON_NONE)
		fail(ex, reason);
}
