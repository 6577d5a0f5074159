/* add, del, strike, import, drain: an operator changes routes. */
#include <bsd/string.h>

#include "registrar/ctl_command.h"
#include "route/pattern.h"

static void
answer(struct ctl *ctl)
{
	if (ctl->why[0] != '\0')
		ctl_fail(ctl, CTL_REFUSED, "%s", ctl->why);
	else
		ctl_succeed_take(ctl,
		    json_pack("{s:I}", "changed", (json_int_t)ctl->nchanged));
}

static bool note_marks(struct ctl *ctl);

static void
changed(struct change *change, enum change_result result)
{
	struct ctl *ctl = change->arg;

	for (size_t i = 0; i < ctl->nchanges; i++)
		if (ctl->changes[i] == change)
			ctl->changes[i] = NULL;
	if (result != CHANGE_DONE && ctl->why[0] == '\0')
		strlcpy(ctl->why, change->why, sizeof(ctl->why));
	if (--ctl->pending > 0)
		return;
	ctl->nchanged += ctl->nchanges;
	if (ctl->why[0] == '\0' && note_marks(ctl))
		ctl_submit(ctl);
	else
		answer(ctl);
}

bool
ctl_add_change(struct ctl *ctl, enum change_kind kind, const char *key,
    const char *pattern, const struct destination *to, size_t nto)
{
	struct change *change = change_new(kind, key, pattern, to, nto);

	if (change == NULL)
		return false;
	change->origin = ORIGIN_OPERATOR;
	change->arg = ctl;
	change->done = changed;
	ctl->changes[ctl->nchanges++] = change;
	return true;
}

void
ctl_submit(struct ctl *ctl)
{
	size_t n = ctl->nchanges;

	client_work(&ctl->client);
	ctl->pending = n;
	for (size_t i = 0; i < n; i++)
		change_submit_take(ctl->client.r, ctl->changes[i]);
}

/*
 * Those that are not so yet, as many as go together: thousands of domains may
 * be at one address.  False: there are no more, unless somebody registers it
 * again and again.
 */
static bool
note_marks(struct ctl *ctl)
{
	const struct book_port *port =
	    book_port_first(&ctl->client.r->book, &ctl->marked);
	const struct book_route *route;

	ctl->nchanges = 0;
	for (; port != NULL && ctl->unmarked > 0 && ctl->nchanges < ROUTES_MAX;
	     port = book_port_next(port)) {
		if (port->to->drained == (ctl->mark == MARK_DRAINED))
			continue;
		route = port->route;
		if (!ctl_add_change(ctl, CHANGE_MARK, route->name->key,
			route->pattern, port->to, 1)) {
			strlcpy(ctl->why, "no memory: try again later",
			    sizeof(ctl->why));
			break;
		}
		ctl->changes[ctl->nchanges - 1]->mark = ctl->mark;
		ctl->unmarked--;
	}
	return ctl->nchanges > 0;
}

void
ctl_add(struct ctl *ctl)
{
	char key[TOOL_NAME_MAX + 2], why[128];
	const char *pattern = ctl->args[1];
	struct destination to = { .url = ctl->args[2] };
	enum vet_fault fault;

	if (!ctl_tool_key(ctl, ctl->args[0], key))
		return;
	if (!pattern_valid(span_str(pattern), why, sizeof(why))) {
		ctl_fail(ctl, CTL_USAGE, "%s", why);
		return;
	}
	fault = vet_url(span_str(to.url), &to.backend);
	if (fault != VET_FINE) {
		ctl_fail(ctl, CTL_USAGE, "%s", vet_says(fault));
		return;
	}
	if (ctl_add_change(ctl, CHANGE_SET, key, pattern, &to, 1))
		ctl_submit(ctl);
	else
		ctl_fail(ctl, CTL_REFUSED, "no memory: try again later");
}

void
ctl_del(struct ctl *ctl)
{
	const char *pattern = ctl->args[1];
	char key[TOOL_NAME_MAX + 2];
	struct book_name *name = ctl_find_tool(ctl, ctl->args[0], key);
	const struct book_route *route;

	if (name == NULL)
		return;
	TAILQ_FOREACH(route, &name->routes, entry)
	if ((pattern == NULL || strcmp(pattern, route->pattern) == 0) &&
	    ctl->nchanges < ROUTES_MAX)
		ctl_add_change(
		    ctl, CHANGE_STRIKE, key, route->pattern, NULL, 0);
	if (ctl->nchanges > 0)
		ctl_submit(ctl);
	else
		ctl_fail(ctl, CTL_REFUSED,
		    "%s has no such route: dynproxyctl list %s shows them",
		    ctl->args[0], ctl->args[0]);
}

void
ctl_no_memory(struct ctl *ctl)
{
	ctl_fail(ctl, CTL_REFUSED, "no memory: try again later");
}

/* One backend of a route goes: tool, route, URL. */
void
ctl_strike(struct ctl *ctl)
{
	struct destination to = { .url = ctl->args[2] };
	char key[TOOL_NAME_MAX + 2];
	struct book_name *name = ctl_find_tool(ctl, ctl->args[0], key);
	const struct book_route *route;

	if (name == NULL)
		return;
	route = book_find_route(name, ctl->args[1]);
	if (route == NULL || !destinations_has(&route->to, to.url))
		ctl_fail(ctl, CTL_REFUSED,
		    "%s has no such backend: dynproxyctl list %s shows them",
		    ctl->args[0], ctl->args[0]);
	else if (ctl_add_change(ctl, CHANGE_LEAVE, key, ctl->args[1], &to, 1)) {
		ctl->changes[0]->prune = PRUNE_SCRUB;
		ctl_submit(ctl);
	} else
		ctl_no_memory(ctl);
}

size_t
ctl_read_urls(struct ctl *ctl, char *urls, struct destination to[CTL_URLS_MAX])
{
	enum vet_fault fault;
	size_t n = 0;
	char *url;

	while ((url = strsep(&urls, " ")) != NULL) {
		to[n] = (struct destination){ .url = url };
		fault = vet_url(span_str(url), &to[n].backend);
		if (fault == VET_FINE && ++n <= ROUTE_BACKENDS_MAX)
			continue;
		ctl_fail(ctl, CTL_USAGE, "%s",
		    fault != VET_FINE ? vet_says(fault)
				      : "a route has 16 backends at most");
		return 0;
	}
	return n;
}

/*
 * As `list` had it: tool, route, URLs, origin, "canonical" or "".
 *
 * dry   say only whether it can be right
 */
static void
import(struct ctl *ctl, bool dry)
{
	struct destination to[CTL_URLS_MAX];
	char key[TOOL_NAME_MAX + 2], why[128], *urls = strdup(ctl->args[2]);
	size_t n = urls == NULL ? 0 : ctl_read_urls(ctl, urls, to);

	if (n == 0 || !ctl_tool_key(ctl, ctl->args[0], key)) {
		if (urls == NULL)
			ctl_no_memory(ctl);
	} else if (!pattern_valid(span_str(ctl->args[1]), why, sizeof(why))) {
		ctl_fail(ctl, CTL_USAGE, "%s", why);
	} else if (dry) {
		ctl_succeed_take(ctl, json_object());
	} else if (!ctl_add_change(ctl, CHANGE_SET, key, ctl->args[1], to, n)) {
		ctl_no_memory(ctl);
	} else {
		if (strcmp(ctl->args[3], "operator") != 0)
			ctl->changes[0]->origin = ORIGIN_TOOL;
		ctl->changes[0]->canonical = *ctl->args[4] != '\0';
		ctl_submit(ctl);
	}
	free(urls);
}

void
ctl_import(struct ctl *ctl)
{
	import(ctl, false);
}

void
ctl_import_dry(struct ctl *ctl)
{
	import(ctl, true);
}

/* Whatever is at that address, whoever's it is. */
static void
mark_backend(struct ctl *ctl, enum change_mark mark)
{
	const struct book_port *port;
	struct addr addr;

	if (!addr_parse(&addr, ctl->args[0]) ||
	    !addr_ip(&addr, &ctl->marked.ip)) {
		ctl_fail(ctl, CTL_USAGE,
		    "\"%.64s\" is no backend: write an address and a port",
		    ctl->args[0]);
		return;
	}
	ctl->marked.port = addr_port(&addr);
	ctl->mark = mark;
	port = book_port_first(&ctl->client.r->book, &ctl->marked);
	for (; port != NULL; port = book_port_next(port))
		ctl->unmarked++;
	if (ctl->unmarked == 0)
		ctl_fail(ctl, CTL_REFUSED,
		    "no backend is at %.64s: dynproxyctl list shows them",
		    ctl->args[0]);
	else if (note_marks(ctl))
		ctl_submit(ctl);
	else
		answer(ctl); /* they are so already */
}

void
ctl_drain(struct ctl *ctl)
{
	mark_backend(ctl, MARK_DRAINED);
}

void
ctl_undrain(struct ctl *ctl)
{
	mark_backend(ctl, MARK_UNDRAINED);
}

void
ctl_forget_changes(struct ctl *ctl, bool abandoned)
{
	for (size_t i = 0; i < ctl->nchanges; i++)
		if (ctl->changes[i] != NULL && abandoned)
			change_abandon(ctl->changes[i]);
		else if (ctl->changes[i] != NULL)
			ctl->changes[i]->done = NULL;
	ctl->nchanges = 0;
	if (ctl->policy_change != NULL)
		ctl->policy_change->done = NULL;
	ctl->policy_change = NULL;
}

void
ctl_believe(struct ctl *ctl)
{
	struct store_redis *redis = ctl->client.r->redis;
	size_t held = redis == NULL ? 0 : store_redis_believe(redis);

	if (held == 0)
		ctl_fail(ctl, CTL_REFUSED,
		    "nothing is held: dynproxyctl status shows what is");
	else
		ctl_succeed_take(
		    ctl, json_pack("{s:I}", "held", (json_int_t)held));
}
