/* Has a request decided upon that nobody has made, and tells how. */
#include "registrar/explain_parts.h"

#include <bsd/string.h>
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>

#include "http/parse.h"
#include "lib/array.h"
#include "registrar/listing.h"
#include "route/host.h"

#define WHY_MAX 256
#define AGENT_DEFAULT "Mozilla/5.0 (dynproxyctl explain)"

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

/* Maps the table and the policy for reading.  NULL with errno. */
static struct explainer *
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
explain_tell(struct telling *t, const char *step, const char *result,
    const char *fmt, ...)
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

/* What follows the scheme; without one it is TLS, where there is any. */
static const char *
read_scheme(struct telling *t, const char *url)
{
	t->https = conf_has_https(t->r->conf);
	if (strncmp(url, "http://", 7) == 0) {
		t->https = false;
		return url + 7;
	}
	if (strncmp(url, "https://", 8) == 0) {
		t->https = true;
		return url + 8;
	}
	return url;
}

/* The question as a client would put it on the wire.  False: why. */
static bool
make_request(
    struct telling *t, const struct explain_question *q, size_t *len, char *why)
{
	const char *rest = read_scheme(t, q->url), *path;
	struct explainer *e = t->e;
	int n;

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

/* One where it may come in.  NULL: none is made for it. */
static const struct listener_conf *
tell_listener(struct telling *t)
{
	enum listener_kind kind = t->https ? LISTEN_HTTPS : LISTEN_HTTP;
	const struct listener_conf *first = NULL;
	char where[ADDR_TEXT_MAX], all[512] = "";
	size_t n = 0;

	for (size_t i = 0; i < t->r->conf->nlisteners; i++) {
		const struct listener_conf *l = &t->r->conf->listeners[i];

		if (l->kind != kind)
			continue;
		first = first == NULL ? l : first;
		if (n < sizeof(all))
			n += (size_t)snprintf(all + n, sizeof(all) - n, "%s%s",
			    n > 0 ? ", " : "", addr_format(&l->addr, where));
	}
	if (first != NULL)
		explain_tell(t, "listener", "pass", "%s", all);
	else
		explain_tell(t, "listener", "none",
		    "nothing listens for %s here: a proxy in front may",
		    t->https ? "https" : "http");
	return first;
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
		explain_tell(t, "host", "pass", "%s is the tool %.*s of %.*s",
		    t->target.host, SPAN_ARG(host.tool), SPAN_ARG(host.domain));
		break;
	case HOST_LEGACY:
		if (host_legacy_path(t->target.path, &tool, &rest))
			explain_tell(t, "host", "pass",
			    "%s has its tools in the path: %.*s",
			    t->target.host, SPAN_ARG(tool));
		else
			explain_tell(t, "host", "pass",
			    "%s itself, without a tool", t->target.host);
		break;
	case HOST_OTHER:
		explain_tell(t, "host", "pass",
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
			explain_tell(t, gates[i].step, "refuse", "%s",
			    reason_info(reason)->says);
			return false;
		}
		explain_tell(t, gates[i].step, "pass", "%s", gates[i].open);
	}
	explain_tell(t, "limits", "pass",
	    "not counted here: %u requests/s of a client, bursts of %u",
	    t->r->conf->rate_limit, t->r->conf->rate_burst);
	return true;
}

/* How it ends, in a word and its circumstances. */
static json_t *
verdict(struct telling *t)
{
	static const char *const actions[] = { [ACTION_PROXY] = "proxy",
		[ACTION_HEALTH] = "health",
		[ACTION_CHALLENGE] = "challenge",
		[ACTION_REDIRECT] = "redirect",
		[ACTION_REFUSE] = "refuse" };
	const struct decision *d = &t->d;
	json_t *answer =
	    json_pack("{s:o, s:s, s:s%}", "steps", t->steps, "action",
		actions[d->action], "host", t->target.host, t->target.host_len);
	char text[EXPLAIN_BACKEND_TEXT];
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
			json_array_append_new(backends,
			    json_string(
				explain_backend(&d->route->backends[i], text)));
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
	explain_tell(t, "request", "refuse", "%s", reason_info(reason)->says);
	return verdict(t);
}

static void
tell_end(struct telling *t, const struct listener_conf *listener)
{
	switch (t->d.action) {
	case ACTION_PROXY:
		explain_backends(t);
		explain_headers(t, listener);
		break;
	case ACTION_REDIRECT:
		explain_tell(t, "redirect", "match", "%u to %.*s", t->d.status,
		    SPAN_ARG(t->d.location));
		break;
	default:
		explain_tell(t, "answer", "refuse", "%s",
		    reason_info(t->d.reason)->says);
	}
}

/* What is answered before anybody looks whom it is for.  False: nothing. */
static bool
tell_early(struct telling *t, const struct visitor *visitor)
{
	if (t->d.action == ACTION_CHALLENGE)
		explain_tell(t, "challenge", "match",
		    "answered from acme_directory, or 404");
	else if (t->d.action == ACTION_HEALTH)
		explain_tell(
		    t, "health", "match", "answered by the proxy itself");
	else if (route_wants_tls(t->r->conf, visitor)) {
		explain_tell(t, "tls", "match",
		    "without TLS: https_redirect sends it there");
		tell_end(t, NULL);
	} else
		return false;
	return true;
}

static json_t *
decide(struct telling *t)
{
	struct router *router = &t->e->router;
	const struct http_field *agent =
	    http_msg_field(&t->e->msg, FIELD_USER_AGENT);
	struct visitor visitor = { .ip = &t->client,
		.agent = agent != NULL ? agent->value : SPAN(""),
		.now_ms = t->r->loop.now_ms,
		.https = t->https,
		.safe = true };
	const struct listener_conf *listener;

	*router = (struct router){ .conf = t->r->conf,
		.table = t->e->table,
		.gate = { t->e->policy, t->e->rules, NULL } };
	route_decide(router, &visitor, &t->target, &t->d);
	explain_tell(t, "request", "pass", "GET %.*s for %s",
	    SPAN_ARG(t->target.raw), t->target.host);
	listener = tell_listener(t);
	if (tell_early(t, &visitor))
		return verdict(t);
	tell_host(t);
	if (!tell_gates(t))
		return verdict(t);
	explain_name(t);
	tell_end(t, listener);
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
	if (!make_request(&t, q, &len, why))
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
