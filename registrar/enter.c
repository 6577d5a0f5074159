/* Enters a change in the book and publishes it, if its bounds allow. */
#include "registrar/enter.h"

#include <stdio.h>
#include <string.h>

#include "lib/clock.h"
#include "lib/log.h"
#include "registrar/process.h"
#include "registrar/publish.h"
#include "route/pattern.h"

#define DESTINATIONS_TEXT 1024 /* of them in the log */

static bool
is_regex(const char *pattern)
{
	struct span text;

	return pattern_kind(span_str(pattern), &text) == ROUTE_REGEX;
}

static size_t
regexes_of(const struct book_name *name)
{
	const struct book_route *route;
	size_t n = 0;

	TAILQ_FOREACH(route, &name->routes, entry)
	n += is_regex(route->pattern);
	return n;
}

bool
enter_allows(struct registrar *r, struct change *c)
{
	size_t max = c->origin == ORIGIN_TOOL ? r->conf->routes_per_tool_max
					      : ROUTES_MAX;
	struct book_name *name = book_find(&r->book, c->key);

	bool added = name != NULL && book_find_route(name, c->pattern) == NULL;

	if (c->kind != CHANGE_SET)
		return true;
	if (added && name->nroutes >= max) {
		snprintf(c->why, sizeof(c->why),
		    "the tool has %zu routes already: unregister one first",
		    name->nroutes);
		return false;
	}
	if (added && is_regex(c->pattern) &&
	    regexes_of(name) >= PATTERN_REGEXES_MAX) {
		snprintf(c->why, sizeof(c->why),
		    "the tool has %d regular expressions already: use a path, "
		    "or one with .* at its end",
		    PATTERN_REGEXES_MAX);
		return false;
	}
	if (!publish_fits(r, c)) {
		snprintf(c->why, sizeof(c->why),
		    "the tool's routes are too long together: shorten one");
		return false;
	}
	return true;
}

/* Enter it in the book.  -1: no memory.  1: what is published must change. */
static int
enter_set(struct registrar *r, const struct change *c)
{
	struct book_name *name = book_find(&r->book, c->key);
	struct book_route *old;
	bool same = false;

	if (name != NULL && (old = book_find_route(name, c->pattern)) != NULL)
		same = name->canonical == c->canonical && name->version != 0 &&
		       destinations_eq(&old->to, c->to.at, c->to.n);
	if (book_set(&r->book, c->key, c->pattern, c->to.at, c->to.n, c->origin,
		clock_real_ms()) == NULL)
		return -1;
	book_find(&r->book, c->key)->canonical = c->canonical;
	return !same;
}

static int
enter_strike(struct registrar *r, const struct change *c)
{
	struct book_name *name = book_find(&r->book, c->key);
	struct book_route *route;
	int changed = 0;

	if (name == NULL)
		return 0;
	if (name->canonical) {
		name->canonical = false;
		changed = 1;
	}
	route = book_find_route(name, c->pattern);
	if (route != NULL) {
		book_strike(&r->book, name, route);
		changed = 1;
	}
	return changed;
}

enum change_result
enter_change(struct registrar *r, struct change *c)
{
	int rc = c->kind == CHANGE_SET ? enter_set(r, c) : enter_strike(r, c);
	bool changed = rc == 1;
	char to[DESTINATIONS_TEXT];

	if (changed)
		rc = publish_name(r, c->key, c->version);
	if (rc == -1) {
		snprintf(c->why, sizeof(c->why),
		    "it is stored, but the route table did not take it: "
		    "tell an administrator");
		return CHANGE_FAILED;
	}
	if (c->kind == CHANGE_SET)
		log_event(LOG_INFO, "route-registered",
		    "name=%s route=%s destination=%s by=%s", c->key + 1,
		    c->pattern, destinations_text(&c->to, to, sizeof(to)),
		    origin_name(c->origin));
	else if (changed)
		log_event(LOG_INFO, "route-unregistered",
		    "name=%s route=%s by=%s", c->key + 1, c->pattern,
		    origin_name(c->origin));
	return CHANGE_DONE;
}
