/* Goes from the host and the path to a route (2-http.md 2.2). */
#include "route/choose.h"

#include <stdio.h>

#include "route/host.h"
#include "route/pattern.h"
#include "route/redirect.h"

/* A request on its way to a decision. */
struct search {
	struct router *router;
	const struct http_target *target;
	struct decision *d;
	struct span host; /* the target's, normalised */
	uint64_t work;	  /* left for regexes */
};

static void
refuse(struct decision *d, enum reason reason)
{
	d->action = ACTION_REFUSE;
	d->reason = reason;
}

/* len 0: the location did not fit. */
static void
redirect(struct search *s, unsigned status, size_t len)
{
	if (len == 0) {
		refuse(s->d, REASON_TARGET_TOO_LONG);
		return;
	}
	s->d->action = ACTION_REDIRECT;
	s->d->status = status;
	s->d->location = (struct span){ s->router->location, len };
}

/*
 * Look a name up; REASON_NONE when router->tool is it and active,
 * REASON_NO_ROUTE when nobody has it.
 */
static enum reason
find(struct search *s, enum key_kind kind, struct span prefix, struct span name)
{
	struct router *router = s->router;
	size_t len = 1 + prefix.len + name.len;
	char *key = router->key;

	if (len > sizeof(router->key))
		return REASON_NO_ROUTE;
	key[0] = (char)kind;
	memcpy(key + 1, prefix.ptr, prefix.len);
	memcpy(key + 1 + prefix.len, name.ptr, name.len);
	switch (table_read(router->table, (struct span){ key, len },
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

static enum reason
find_tool(struct search *s, struct span name)
{
	return find(s, KEY_TOOL, SPAN(""), name);
}

/* Found: it is proxied, unless none of its backends takes requests. */
static enum reason
take(struct search *s, const struct route *route)
{
	switch (route->closed) {
	case ROUTE_OPEN:
		break;
	case ROUTE_STALE:
		return REASON_STALE_ROUTE;
	case ROUTE_DRAINED:
		return REASON_TOOL_STOPPED;
	case ROUTE_UNPROVED:
		return REASON_TOOL_STARTING;
	}
	s->d->action = ACTION_PROXY;
	s->d->route = route;
	return REASON_NONE;
}

/* The routes are in the order in which they are tried. */
static enum reason
match(struct search *s, struct span path)
{
	const struct tool *tool = &s->router->tool;

	for (size_t i = 0; i < tool->nroutes; i++)
		if (pattern_match(&tool->routes[i], path, &s->work))
			return take(s, &tool->routes[i]);
	return REASON_NO_ROUTE;
}

static enum reason
choose_tool(struct search *s, struct span name)
{
	enum reason reason = find_tool(s, name);

	return reason == REASON_NONE ? match(s, s->target->path) : reason;
}

/* router->tool was named by the path; rest is what stands behind it. */
static enum reason
choose_by_path(
    struct search *s, struct span domain, struct span tool, struct span rest)
{
	const struct http_target *t = s->target;
	struct router *router = s->router;

	if (router->tool.canonical)
		redirect(s, 307,
		    redirect_location(router->conf, tool, domain,
			span_from(t->raw, t->path.len - rest.len),
			router->location));
	else if (rest.len == 0)
		redirect(s, 307, redirect_slash(t, router->location));
	else
		return match(s, rest);
	return REASON_NONE;
}

static enum reason
choose_legacy(struct search *s, struct span domain)
{
	struct span admin = span_str(s->router->conf->admin_tool);
	struct span tool, rest;
	enum reason reason = REASON_NO_ROUTE;

	if (host_legacy_path(s->target->path, &tool, &rest))
		reason = find_tool(s, tool);
	if (reason == REASON_NONE)
		return choose_by_path(s, domain, tool, rest);
	if (reason == REASON_NO_ROUTE && admin.len > 0)
		return choose_tool(s, admin);
	return reason;
}

/* `*.old` has another name now, if there is a frontend of that. */
static enum reason
choose_renamed(struct search *s)
{
	const struct conf *conf = s->router->conf;
	const struct redirect_conf *r;
	char name[HOST_NAME_MAX_DNS + 1 + HOST_TEXT_MAX + 1];
	struct span label;
	size_t at = 0;
	int len;

	while ((r = redirect_find_below(conf, s->host, &label, &at)) != NULL) {
		len = snprintf(
		    name, sizeof(name), "%.*s.%s", SPAN_ARG(label), r->to);
		if (find(s, KEY_FRONTEND, SPAN(""),
			(struct span){ name, (size_t)len }) != REASON_NONE)
			continue;
		redirect(s, r->status,
		    redirect_location(conf, label, span_str(r->to),
			s->target->raw, s->router->location));
		return REASON_NONE;
	}
	return REASON_NO_ROUTE;
}

/* A domain proxy: its own name, or the one for all names beside it. */
static enum reason
choose_frontend(struct search *s)
{
	struct span parent = host_parent(s->host);
	enum reason reason = find(s, KEY_FRONTEND, SPAN(""), s->host);

	if (reason == REASON_NO_ROUTE)
		reason = choose_renamed(s);
	else if (reason == REASON_NONE)
		return match(s, s->target->path);
	if (reason != REASON_NO_ROUTE || parent.len == 0)
		return reason;
	reason = find(s, KEY_FRONTEND, SPAN("*."), parent);
	return reason == REASON_NONE ? match(s, s->target->path) : reason;
}

/* Its entry is missing as long as none of its names could be looked up. */
static enum reason
choose_default(struct search *s)
{
	enum reason reason =
	    find(s, KEY_DEFAULT, SPAN(""), span_str(&KEY_DEFAULT_BACKEND[1]));

	if (reason == REASON_NONE)
		reason = match(s, s->target->path);
	return reason == REASON_NO_ROUTE ? REASON_DEFAULT_BACKEND_DOWN : reason;
}

void
route_choose(
    struct router *router, const struct http_target *target, struct decision *d)
{
	struct search s = { router, target, d, http_target_host(target),
		PATTERN_WORK };
	const struct redirect_conf *r = redirect_find(router->conf, s.host);
	enum reason reason = REASON_NO_ROUTE;
	struct host host;

	if (r != NULL) {
		redirect(&s, r->status,
		    redirect_location(router->conf, SPAN(""), span_str(r->to),
			target->raw, router->location));
		return;
	}
	host_classify(router->conf, s.host, &host);
	switch (host.kind) {
	case HOST_TOOL:
		reason = choose_tool(&s, host.tool);
		break;
	case HOST_LEGACY:
		reason = choose_legacy(&s, host.domain);
		break;
	case HOST_OTHER:
		reason = choose_frontend(&s);
		break;
	}
	if (reason == REASON_NO_ROUTE && router->conf->ndefault_backends > 0)
		reason = choose_default(&s);
	if (reason != REASON_NONE)
		refuse(d, reason);
}

/* REASON_NO_HOST: it is nobody's name here. */
static enum reason
find_owner(struct search *s)
{
	const struct conf *conf = s->router->conf;
	enum reason reason;
	struct span label;
	struct host host;
	size_t at = 0;

	host_classify(conf, s->host, &host);
	if (host.kind != HOST_OTHER || redirect_find(conf, s->host) != NULL ||
	    redirect_find_below(conf, s->host, &label, &at) != NULL)
		return REASON_NONE;
	if (!table_ready(s->router->table))
		return REASON_NOT_READY;
	reason = find(s, KEY_FRONTEND, SPAN(""), s->host);
	if (reason == REASON_NO_ROUTE)
		reason =
		    find(s, KEY_FRONTEND, SPAN("*."), host_parent(s->host));
	if (reason == REASON_TOOL_STOPPED)
		return REASON_NONE;
	return reason == REASON_NO_ROUTE ? REASON_NO_HOST : reason;
}

void
route_to_tls(
    struct router *router, const struct http_target *target, struct decision *d)
{
	struct search s = { router, target, d, http_target_host(target), 0 };
	enum reason reason = find_owner(&s);

	if (reason != REASON_NONE)
		refuse(d, reason);
	else
		redirect(&s, router->conf->https_redirect_status,
		    redirect_https(
			router->conf, s.host, target->raw, router->location));
}
