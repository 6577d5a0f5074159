/* Goes through the order of decisions. */
#include "route/decide.h"

#include "route/host.h"
#include "route/pattern.h"

static void
refuse(struct decision *d, enum reason reason)
{
	d->action = ACTION_REFUSE;
	d->reason = reason;
}

/* Look a tool up; REASON_NONE when router->tool is it and active. */
static enum reason
find_tool(struct router *router, struct span name)
{
	char key[1 + HOST_NAME_MAX_DNS];

	key[0] = KEY_TOOL;
	memcpy(key + 1, name.ptr, name.len);
	switch (table_read(router->table, (struct span){ key, 1 + name.len },
	    &router->copy, &router->tool)) {
	case LOOKUP_FOUND:
		break;
	case LOOKUP_ABSENT:
		return REASON_NO_ROUTE;
	case LOOKUP_BUSY:
	case LOOKUP_DAMAGED:
	case LOOKUP_NOT_READY:
		return REASON_NOT_READY;
	}
	switch (router->tool.state) {
	case TOOL_ACTIVE:
		break;
	case TOOL_STOPPED:
		return REASON_TOOL_STOPPED;
	case TOOL_QUARANTINED:
		return REASON_NOT_READY;
	}
	return REASON_NONE;
}

/* The routes are in the order in which they are tried. */
static const struct route *
find_route(const struct tool *tool, struct span path)
{
	for (size_t i = 0; i < tool->nroutes; i++)
		if (pattern_match(&tool->routes[i], path))
			return &tool->routes[i];
	return NULL;
}

void
route_decide(struct router *router, const struct http_target *target,
    struct decision *d)
{
	struct span name;
	enum reason reason;

	d->route = NULL;
	if (!http_host_normalize(target->authority, d->host, &d->host_len)) {
		refuse(d, REASON_NO_HOST);
		return;
	}
	if (span_eq(target->path, SPAN(HEALTH_PATH))) {
		d->action = ACTION_HEALTH;
		return;
	}
	if (!table_ready(router->table)) {
		refuse(d, REASON_NOT_READY);
		return;
	}
	if (!host_tool(router->conf, (struct span){ d->host, d->host_len },
		&name)) {
		refuse(d, REASON_NO_ROUTE);
		return;
	}
	reason = find_tool(router, name);
	if (reason != REASON_NONE) {
		refuse(d, reason);
		return;
	}
	d->route = find_route(&router->tool, target->path);
	if (d->route == NULL) {
		refuse(d, REASON_NO_ROUTE);
		return;
	}
	d->action = ACTION_PROXY;
}
