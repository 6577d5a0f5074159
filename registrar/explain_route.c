/* Tells which route a request has, and where that leads. */
#include <inttypes.h>

#include "registrar/explain_parts.h"

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

		explain_tell(t, "route",
		    wins  ? "match"
		    : won ? "later"
			  : "pass over",
		    "%s %.*s: %zu backend%s%s", kinds[route->kind],
		    SPAN_ARG(route->text), route->nbackends,
		    route->nbackends == 1 ? "" : "s", closed[route->closed]);
		won |= wins;
	}
}

void
explain_name(struct telling *t)
{
	const struct tool *tool = &t->e->router.tool;

	if (tool->key.len == 0) {
		explain_tell(t, "table", "pass", "no name was found there");
		return;
	}
	explain_tell(t, "table", "pass",
	    "%s %.*s, %s, %zu routes, version %" PRIu64 "%s",
	    *tool->key.ptr == KEY_TOOL	     ? "the tool"
	    : *tool->key.ptr == KEY_FRONTEND ? "the domain proxy"
					     : "the default backend",
	    SPAN_ARG(span_from(tool->key, 1)), state_name(tool->state),
	    tool->nroutes, tool->version, tool->canonical ? ", canonical" : "");
	if (tool->state == TOOL_ACTIVE)
		tell_candidates(t);
}

const char *
explain_backend(const struct backend *b, char text[EXPLAIN_BACKEND_TEXT])
{
	char ip[INET6_ADDRSTRLEN];

	snprintf(text, EXPLAIN_BACKEND_TEXT,
	    b->ip.family == AF_INET6 ? "%s://[%s]:%u" : "%s://%s:%u",
	    b->scheme == BACKEND_HTTPS ? "https" : "http",
	    ip_format(&b->ip, ip), b->port);
	return text;
}

/* What the book knows of it: NULL, nothing. */
static const struct book_port *
find_port(const struct telling *t, const struct backend *b)
{
	const struct book_port *port = book_port_first(&t->r->book, b);
	const char *key = t->e->router.key;

	while (port != NULL && strcmp(port->route->name->key, key) != 0)
		port = book_port_next(port);
	return port;
}

/* One of these, by their load and by which of them have failed of late. */
void
explain_backends(struct telling *t)
{
	char text[EXPLAIN_BACKEND_TEXT];

	for (size_t i = 0; i < t->d.route->nbackends; i++) {
		const struct backend *b = &t->d.route->backends[i];
		const struct book_port *port = find_port(t, b);

		explain_backend(b, text);
		if (port == NULL)
			explain_tell(t, "backend", "may serve", "%s", text);
		else
			explain_tell(t, "backend", "may serve",
			    "%s, by %s, proof: %s%s%s", text,
			    origin_name(port->route->origin),
			    proof_result_name(port->to->proof),
			    port->to->lease != NULL ? ", lease of " : "",
			    port->to->lease != NULL ? port->to->lease : "");
	}
}

/* What the backend hears beside what the client said (2-http.md 2.3). */
void
explain_headers(struct telling *t, const struct listener_conf *listener)
{
	struct span key = t->e->router.tool.key;
	struct span tool = *key.ptr == KEY_TOOL ? span_from(key, 1) : SPAN("");
	char client[INET6_ADDRSTRLEN], port[8] = "?";

	if (listener != NULL)
		snprintf(port, sizeof(port), "%u", addr_port(&listener->addr));
	explain_tell(t, "headers", "add",
	    "X-Forwarded-Proto: %s, X-Forwarded-Host: %s, "
	    "X-Forwarded-Port: %s, X-Original-URI: %.*s, Via: 1.1 dynproxy, "
	    "X-Request-Id, traceparent, %s%s",
	    t->https ? "https" : "http", t->target.host, port,
	    SPAN_ARG(t->target.raw),
	    conf_tells_client(t->r->conf, tool, http_target_host(&t->target))
		? "X-Forwarded-For: "
		: "no client address",
	    conf_tells_client(t->r->conf, tool, http_target_host(&t->target))
		? ip_format(&t->client, client)
		: "");
}
