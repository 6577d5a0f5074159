/* Begins a request: decides, and hands it to a backend or to our own answer. */
#include "worker/exchange_parts.h"

#include <assert.h>

#include "lib/clock.h"
#include "worker/accesslog.h"
#include "worker/count.h"
#include "worker/forward.h"
#include "worker/process.h"
#include "worker/settings.h"
#include "worker/templates.h"

#define PASSES_MAX 1 /* through a dynproxy, before this one */

static void
reset(struct exchange *ex)
{
	assert(ex->upstream.conn == NULL && !ex->is_under_way);
	settings_drop(ex->settings);
	ex->settings = settings_hold(ex->w->settings);
	ex->stage = STAGE_HEAD;
	ex->reason = REASON_NONE;
	ex->is_head = ex->request_done = ex->client_blocked = false;
	ex->half_closed = ex->no_websocket = false;
	ex->waited_ms = ex->waiting_ms = 0;
	ex->redirect = ex->retry_after = 0;
	ex->to_default = false;
	ex->counted = COUNTERS_NONE;
	ex->method = HTTP_OTHER;
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
	    conf_tells_client(
		ex->w->conf, asked_tool(&ex->asked), asked_host(&ex->asked))
		? ex->client
		: NULL;
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
					    .client = client,
					    .proto = r->proto,
					    .forwarded_host = r->forwarded_host,
					    .port = r->port,
					    .end = r->end,
					    .length = r->length }))
		return REASON_HEADER_TOO_LARGE;
	ex->to_default = *ex->w->router.tool.key.ptr == KEY_DEFAULT;
	if (r->msg->method == HTTP_GET || r->msg->method == HTTP_HEAD)
		ex->site = site_find(&ex->settings->site, r->target->path);
	u->sink.chunked = r->end == BODY_CHUNKED;
	return upstream_begin(u, &ex->w->router.tool, d->route, r->msg->method,
	    upgrade, http_target_host(r->target));
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

/* What is there under that name waits where the page will be. */
static enum reason
answer_challenge(struct exchange *ex, struct span token)
{
	struct bundle_piece piece;

	for (size_t at = 0; bundle_next(&ex->w->challenges, &at, &piece);) {
		if (!span_eq(piece.name, token))
			continue;
		if (!buf_append_span(&ex->page, piece.bytes))
			return REASON_INTERNAL;
		ex->stage = STAGE_ANSWER;
		return REASON_NONE;
	}
	return REASON_NO_ROUTE;
}

static struct span
value_of(const struct http_msg *msg, enum http_field_id id)
{
	const struct http_field *field = http_msg_field(msg, id);

	return field == NULL ? SPAN("") : field->value;
}

/*
 * Too many, as it seems: our clock is that of the turn's begin, and another
 * worker may have served the client since, who is not in haste for that.
 */
static bool
is_late(struct visitor *visitor, const struct decision *d)
{
	uint64_t before_ms = visitor->now_ms;

	if (d->action != ACTION_REFUSE || d->reason != REASON_LIMIT_CLIENT)
		return false;
	visitor->now_ms = clock_mono_ms();
	return visitor->now_ms > before_ms;
}

static void
decide(
    struct exchange *ex, const struct exchange_request *r, struct decision *d)
{
	struct visitor visitor = { .ip = ex->client,
		.agent = value_of(r->msg, FIELD_USER_AGENT),
		.referer = value_of(r->msg, FIELD_REFERER),
		.now_ms = ex->w->loop.now_ms,
		.https = ex->asked.https,
		.safe = r->msg->method == HTTP_GET || ex->is_head };

	ex->w->router.tool.key = SPAN(""); /* nobody was looked up yet */
	route_decide(&ex->w->router, &visitor, r->target, d);
	while (is_late(&visitor, d))
		route_decide(&ex->w->router, &visitor, r->target, d);
	if (r->only_health && d->action != ACTION_HEALTH) {
		d->action = ACTION_REFUSE;
		d->reason = REASON_LIMIT_NODE;
		d->retry_after = 0;
	}
}

/* The tool that it is for, as far as that was found out; or empty. */
static struct span
tool_of(const struct exchange *ex, const struct exchange_request *r,
    const struct decision *d)
{
	const struct router *router = &ex->w->router;
	struct span key = router->tool.key;
	bool refused = d->action == ACTION_REFUSE;

	/* maintenance of a tool that is named needs no look into the table */
	if (refused && d->reason == REASON_TOOL_MAINTENANCE && key.len == 0)
		return admit_tool(
		    router->conf, http_target_host(r->target), r->target->path);
	if (refused && reason_info(d->reason)->voice != VOICE_TOOL)
		return SPAN("");
	return d->action != ACTION_HEALTH && key.len > 0 && *key.ptr == KEY_TOOL
		   ? span_from(key, 1)
		   : SPAN("");
}

/* For whom it counts: who was found in the table, if it came to that. */
static uint32_t
counted_for(const struct exchange *ex, const struct decision *d)
{
	const struct tool *tool = &ex->w->router.tool;

	if (d->action == ACTION_HEALTH || d->action == ACTION_CHALLENGE ||
	    tool->key.len == 0 ||
	    (d->action == ACTION_REFUSE &&
		(d->reason == REASON_TOOL_MAINTENANCE ||
		    reason_info(d->reason)->voice != VOICE_TOOL)))
		return COUNTERS_NONE;
	return *tool->key.ptr == KEY_DEFAULT ? (uint32_t)COUNTERS_DEFAULT
					     : tool->counter_slot;
}

static void
remember(struct exchange *ex, const struct exchange_request *r,
    const struct decision *d)
{
	asked_set_host(&ex->asked, http_target_host(r->target));
	asked_set_tool(&ex->asked, tool_of(ex, r, d));
	ex->counted = counted_for(ex, d);
	if (d->action == ACTION_REFUSE && d->reason == REASON_NO_ROUTE &&
	    ex->w->router.tool.key.len == 0)
		count_unknown(ex->w, r->target);
}

/* It is one of those that its tool has under way. */
static void
enter_tool(struct exchange *ex)
{
	ex->slot = ex->w->router.tool.counter_slot;
	counters_enter(ex->w->counters, ex->slot);
	overload_enter(&ex->w->overload, ex);
	ex->is_under_way = true;
}

static struct logline_client
log_client(const struct exchange *ex)
{
	return (struct logline_client){ .ip = ex->client,
		.ssl = ex->stream->ssl,
		.protocol = ex->ops->protocol };
}

/* What is remembered of a request that was understood, or nearly. */
static void
ask(struct exchange *ex, const struct exchange_request *r,
    const struct http_target *target)
{
	asked_begin(&ex->asked, &ex->w->trace, r->msg, target, r->proto);
	ex->asked.language =
	    (uint8_t)templates_language(ex->settings->templates, r->msg);
	ex->method = r->msg->method;
}

void
exchange_begin(struct exchange *ex, const struct exchange_request *r)
{
	const struct logline_client client = log_client(ex);
	struct decision d;
	enum reason reason = REASON_NONE;

	reset(ex);
	ask(ex, r, r->target);
	ex->is_head = ex->method == HTTP_HEAD;
	ex->no_websocket =
	    span_eq_nocase(http_upgrade_asked(r->msg), SPAN("websocket"));
	decide(ex, r, &d);
	remember(ex, r, &d);
	accesslog_begin(ex->w, &ex->log, &ex->asked, &client, r->msg, &d);
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
	case ACTION_CHALLENGE:
		reason = answer_challenge(ex, d.token);
		break;
	}
	if (reason != REASON_NONE)
		exchange_fail(ex, reason);
}

void
exchange_refuse(struct exchange *ex, enum reason reason,
    const struct exchange_request *r, struct span bytes)
{
	const struct logline_client client = log_client(ex);
	const struct http_msg *msg = r == NULL ? NULL : r->msg;

	reset(ex);
	if (msg != NULL)
		ask(ex, r, NULL);
	else
		asked_nothing(
		    &ex->asked, &ex->w->trace, stream_scheme(ex->stream));
	accesslog_begin_refused(
	    ex->w, &ex->log, &ex->asked, &client, bytes, msg);
	exchange_fail(ex, reason);
}
