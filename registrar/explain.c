/* Has a request decided upon that nobody has made, and tells how. */
#include "registrar/explain.h"

#include <bsd/string.h>
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>

#include "http/parse.h"
#include "lib/array.h"
#include "registrar/listing.h"
#include "registrar/process.h"
#include "route/decide.h"
#include "route/host.h"

#define WHY_MAX 256
#define REQUEST_MAX 16384
#define AGENT_DEFAULT "Mozilla/5.0 (dynproxyctl explain)"

struct explainer {
	struct table *table;
	struct policy *policy;
	struct rules *rules;
	struct router router;
	struct http_msg msg;
	char request[REQUEST_MAX]; /* what the question would look like */
};

/* One explanation on its way. */
struct telling {
	struct explainer *e;
	const struct registrar *r;
	struct decision d;
	struct http_target target;
	struct ip client;
	json_t *steps; /* owned by the answer */
};

struct explainer *
explainer_new(const struct registrar *r)
{
	struct explainer *e = calloc(1, sizeof(*e));

	if (e == NULL)
		return NULL;
	e->table = table_open(r->boot.segment_fds[SEGMENT_TABLE]);
	e->policy = policy_open(r->boot.segment_fds[SEGMENT_POLICY]);
	e->rules = e->policy != NULL ? rules_new(e->policy) : NULL;
	if (e->table != NULL && e->rules != NULL)
		return e;
	explainer_free(e);
	return NULL;
}

void
explainer_free(struct explainer *e)
{
	if (e->rules != NULL)
		rules_free(e->rules);
	if (e->policy != NULL)
		policy_close(e->policy);
	if (e->table != NULL)
		table_close(e->table);
	free(e);
}

static void tell(struct telling *t, const char *step, const char *result,
    const char *fmt, ...) __attribute__((format(printf, 4, 5)));

static void
tell(struct telling *t, const char *step, const char *result, const char *fmt,
    ...)
{
	char text[1024];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	json_array_append_new(
	    t->steps, json_pack("{s:s, s:s, s:o}", "step", step, "result",
			  result, "text", listing_text(text)));
}

/* The question as a client would put it on the wire.  False: why. */
static bool
make_request(struct explainer *e, const struct explain_question *q, size_t *len,
    char *why)
{
	const char *rest = q->url, *path;
	int n;

	if (strncmp(rest, "http://", 7) == 0)
		rest += 7;
	else if (strncmp(rest, "https://", 8) == 0)
		rest += 8;
	path = rest + strcspn(rest, "/?");
	n = snprintf(e->request, sizeof(e->request),
	    "GET %s%s HTTP/1.1\r\nHost: %.*s\r\nUser-Agent: %s\r\n\r\n",
	    *path == '/' ? "" : "/", path, (int)(path - rest), rest,
	    q->agent[0] != '\0' ? q->agent : AGENT_DEFAULT);
	if (n < 0 || (size_t)n >= sizeof(e->request)) {
		strlcpy(why, "the URL is too long", WHY_MAX);
		return false;
	}
	*len = (size_t)n;
	return true;
}

/* Read it as a worker would.  REASON_NONE: there is a target. */
static enum reason
understand(struct telling *t, size_t len)
{
	const struct conf *c = t->r->conf;
	struct http_limits limits = { .line = c->request_line_max,
		.head = c->request_head_max,
		.field = c->request_field_max,
		.fields = c->request_fields_max };
	size_t scanned = 0;
	enum http_fault fault = http_parse_request(
	    t->e->request, len, &scanned, &limits, &t->e->msg);

	if (fault == HTTP_FINE)
		return http_target_reason(http_target(&t->e->msg, &t->target));
	/* nothing more will come: what is not complete is not valid */
	return http_fault_reason(fault == HTTP_MORE ? HTTP_BAD : fault);
}

/* What the host stands for, before anything is looked up. */
static void
tell_host(struct telling *t)
{
	struct span name = http_target_host(&t->target), tool, rest;
	struct host host;

	host_classify(t->r->conf, name, &host);
	switch (host.kind) {
	case HOST_TOOL:
		tell(t, "host", "pass", "%s is the tool %.*s of %.*s",
		    t->target.host, SPAN_ARG(host.tool), SPAN_ARG(host.domain));
		break;
	case HOST_LEGACY:
		if (host_legacy_path(t->target.path, &tool, &rest))
			tell(t, "host", "pass",
			    "%s has its tools in the path: %.*s",
			    t->target.host, SPAN_ARG(tool));
		else
			tell(t, "host", "pass", "%s itself, without a tool",
			    t->target.host);
		break;
	case HOST_OTHER:
		tell(t, "host", "pass",
		    "%s is no tool: a domain proxy's, or the default backend's",
		    t->target.host);
		break;
	}
}

/* The gates in their order, up to the one that was shut. */
static const struct {
	const char *step;
	enum reason shut, also;
	const char *open;
} gates[] = {
	{ "maintenance", REASON_MAINTENANCE, REASON_TOOL_MAINTENANCE,
	    "neither the site nor the tool is in maintenance" },
	{ "ban", REASON_BANNED, REASON_BANNED, "the address is not banned" },
	{ "agent", REASON_NO_AGENT, REASON_BLOCKED_AGENT,
	    "the User-Agent is not blocked" },
	{ "referer", REASON_BLOCKED_REFERER, REASON_BLOCKED_REFERER,
	    "there is no Referer" },
};

/* False: one was shut. */
static bool
tell_gates(struct telling *t)
{
	enum reason reason =
	    t->d.action == ACTION_REFUSE ? t->d.reason : REASON_NONE;

	for (size_t i = 0; i < nitems(gates); i++) {
		if (reason != REASON_NONE &&
		    (reason == gates[i].shut || reason == gates[i].also)) {
			tell(t, gates[i].step, "refuse", "%s",
			    reason_info(reason)->says);
			return false;
		}
		tell(t, gates[i].step, "pass", "%s", gates[i].open);
	}
	tell(t, "limits", "pass",
	    "not counted here: %u requests/s of a client, bursts of %u",
	    t->r->conf->rate_limit, t->r->conf->rate_burst);
	return true;
}

static const char *
state_name(enum tool_state state)
{
	switch (state) {
	case TOOL_STOPPED:
		return "stopped a while ago";
	case TOOL_QUARANTINED:
		return "damaged in the table, until it is repaired";
	default:
		return "active";
	}
}

/* What was tried of the name's routes, in the order of the table. */
static void
tell_candidates(struct telling *t)
{
	static const char *const kinds[] = { [ROUTE_EXACT] = "exactly",
		[ROUTE_PREFIX] = "what begins with",
		[ROUTE_REGEX] = "the pattern",
		[ROUTE_ANY] = "everything" };
	static const char *const closed[] = { [ROUTE_OPEN] = "",
		[ROUTE_STALE] = ", stale",
		[ROUTE_DRAINED] = ", drained",
		[ROUTE_UNPROVED] = ", not proved yet" };
	const struct tool *tool = &t->e->router.tool;
	bool won = false;

	for (size_t i = 0; i < tool->nroutes; i++) {
		const struct route *route = &tool->routes[i];
		bool wins = t->d.action == ACTION_PROXY && route == t->d.route;

		tell(t, "route",
		    wins  ? "match"
		    : won ? "later"
			  : "pass over",
		    "%s %.*s: %zu backends%s", kinds[route->kind],
		    SPAN_ARG(route->text), route->nbackends,
		    closed[route->closed]);
		won |= wins;
	}
}

static void
tell_name(struct telling *t)
{
	const struct tool *tool = &t->e->router.tool;

	if (tool->key.len == 0) {
		tell(t, "table", "pass", "no name was found there");
		return;
	}
	tell(t, "table", "pass",
	    "%s %.*s, %s, %zu routes, version %" PRIu64 "%s",
	    *tool->key.ptr == KEY_TOOL	     ? "the tool"
	    : *tool->key.ptr == KEY_FRONTEND ? "the domain proxy"
					     : "the default backend",
	    SPAN_ARG(span_from(tool->key, 1)), state_name(tool->state),
	    tool->nroutes, tool->version, tool->canonical ? ", canonical" : "");
	if (tool->state == TOOL_ACTIVE)
		tell_candidates(t);
}

static json_t *
backend_text(const struct backend *b)
{
	char ip[INET6_ADDRSTRLEN], text[80];

	snprintf(text, sizeof(text),
	    b->ip.family == AF_INET6 ? "%s://[%s]:%u" : "%s://%s:%u",
	    b->scheme == BACKEND_HTTPS ? "https" : "http",
	    ip_format(&b->ip, ip), b->port);
	return json_string(text);
}

/* How it ends, in a word and its circumstances. */
static json_t *
verdict(struct telling *t)
{
	static const char *const actions[] = { [ACTION_PROXY] = "proxy",
		[ACTION_HEALTH] = "health",
		[ACTION_REDIRECT] = "redirect",
		[ACTION_REFUSE] = "refuse" };
	const struct decision *d = &t->d;
	json_t *answer =
	    json_pack("{s:o, s:s, s:s%}", "steps", t->steps, "action",
		actions[d->action], "host", t->target.host, t->target.host_len);
	json_t *backends;

	if (d->action == ACTION_REFUSE) {
		json_object_set_new(answer, "status",
		    json_integer(reason_info(d->reason)->status));
		json_object_set_new(answer, "reason",
		    json_string(reason_info(d->reason)->word));
	} else if (d->action == ACTION_REDIRECT) {
		json_object_set_new(answer, "status", json_integer(d->status));
		json_object_set_new(answer, "location",
		    json_stringn(d->location.ptr, d->location.len));
	} else if (d->action == ACTION_PROXY) {
		backends = json_array();
		for (size_t i = 0; i < d->route->nbackends; i++)
			json_array_append_new(
			    backends, backend_text(&d->route->backends[i]));
		json_object_set_new(answer, "backends", backends);
		json_object_set_new(answer, "tool",
		    json_stringn(t->e->router.tool.key.ptr + 1,
			t->e->router.tool.key.len - 1));
	}
	return answer;
}

/* Refused before there was anything to decide upon. */
static json_t *
not_understood(struct telling *t, enum reason reason)
{
	t->d.action = ACTION_REFUSE;
	t->d.reason = reason;
	tell(t, "request", "refuse", "%s", reason_info(reason)->says);
	return verdict(t);
}

static json_t *
decide(struct telling *t)
{
	struct router *router = &t->e->router;
	const struct http_field *agent =
	    http_msg_field(&t->e->msg, FIELD_USER_AGENT);
	struct visitor visitor = { .ip = &t->client,
		.agent = agent != NULL ? agent->value : SPAN(""),
		.now_ms = t->r->loop.now_ms };

	*router = (struct router){ .conf = t->r->conf,
		.table = t->e->table,
		.gate = { t->e->policy, t->e->rules, NULL } };
	route_decide(router, &visitor, &t->target, &t->d);
	tell(t, "request", "pass", "GET %.*s for %s", SPAN_ARG(t->target.raw),
	    t->target.host);
	if (t->d.action == ACTION_HEALTH) {
		tell(t, "health", "match", "answered by the proxy itself");
		return verdict(t);
	}
	tell_host(t);
	if (!tell_gates(t))
		return verdict(t);
	tell_name(t);
	if (t->d.action == ACTION_REDIRECT)
		tell(t, "redirect", "match", "%u to %.*s", t->d.status,
		    SPAN_ARG(t->d.location));
	else if (t->d.action == ACTION_REFUSE)
		tell(t, "answer", "refuse", "%s",
		    reason_info(t->d.reason)->says);
	return verdict(t);
}

json_t *
explain(struct explainer *e, const struct registrar *r,
    const struct explain_question *q, char *why)
{
	struct telling t = { .e = e, .r = r };
	enum reason reason;
	size_t len;

	if (q->client[0] != '\0' && !ip_parse(&t.client, span_str(q->client))) {
		snprintf(why, WHY_MAX, "\"%.64s\" is no IP address", q->client);
		return NULL;
	}
	if (q->client[0] == '\0')
		ip_parse(&t.client, SPAN("192.0.2.1")); /* RFC 5737: nobody's */
	if (!make_request(e, q, &len, why))
		return NULL;
	t.steps = json_array();
	reason = understand(&t, len);
	return reason != REASON_NONE ? not_understood(&t, reason) : decide(&t);
}

json_t *
explain_live(struct registrar *r, const struct explain_question *q, char *why)
{
	if (r->explainer == NULL)
		r->explainer = explainer_new(r);
	if (r->explainer != NULL)
		return explain(r->explainer, r, q, why);
	snprintf(why, WHY_MAX, "cannot read the table: %s", strerror(errno));
	return NULL;
}
