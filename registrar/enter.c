/* Enters a change in the book and publishes it, if its bounds allow. */
#include "registrar/enter.h"

#include <stdio.h>
#include <string.h>

#include "lib/clock.h"
#include "lib/log.h"
#include "registrar/process.h"
#include "registrar/proof.h"
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

/* Would this one stay, when another gets a lease, or goes? */
static bool
stays(const struct change *c, const struct destination *d)
{
	if (strcmp(d->url, c->to.at[0].url) == 0)
		return false;
	return c->kind != CHANGE_LEASE || d->lease != NULL;
}

/* The destination that it is about, as it shall be. */
static struct destination
changed(const struct change *c, const struct book_route *route)
{
	struct destination d = c->to.at[0];

	if (c->kind != CHANGE_MARK)
		return d;
	d = *destinations_find(&route->to, d.url);
	switch (c->mark) {
	case MARK_NOTHING:
		break;
	case MARK_DRAINED:
	case MARK_UNDRAINED:
		d.drained = c->mark == MARK_DRAINED;
		break;
	case MARK_STALE:
	case MARK_FRESH:
		d.stale = c->mark == MARK_STALE;
		d.unproved = false;
		break;
	}
	return d;
}

/* Does it leave those alone that stay, and their connections? */
static bool
narrows(const struct change *c)
{
	return c->kind == CHANGE_LEAVE ||
	       (c->kind == CHANGE_MARK &&
		   (c->mark == MARK_DRAINED || c->mark == MARK_UNDRAINED));
}

/* Those of the book with the change made.  False: why says what is wrong. */
static bool
merge(struct change *c, const struct book_route *route)
{
	struct destination to[ROUTE_BACKENDS_MAX + 1];
	struct destinations merged;
	size_t n = 0;

	for (size_t i = 0; i < route->to.n; i++)
		if (stays(c, &route->to.at[i]))
			to[n++] = route->to.at[i];
	if (c->kind != CHANGE_LEAVE)
		to[n++] = changed(c, route);
	if (n > ROUTE_BACKENDS_MAX) {
		snprintf(c->why, sizeof(c->why),
		    "the route has %d backends already: end a lease first",
		    ROUTE_BACKENDS_MAX);
		return false;
	}
	if (!destinations_copy(&merged, to, n)) {
		snprintf(c->why, sizeof(c->why), "no memory: try again later");
		return false;
	}
	c->narrows = narrows(c);
	c->kind = n > 0 ? CHANGE_SET : CHANGE_STRIKE;
	c->marked = destinations_find(&merged, c->to.at[0].url);
	destinations_release(&c->to);
	c->to = merged;
	return true;
}

/*
 * Is the destination there that it is about?  One whose lease is over may have
 * been registered meanwhile, or leased at another node: then it stays.
 */
static bool
finds(const struct change *c, const struct book_route *route)
{
	const struct destination *about = &c->to.at[0], *d;

	d = route == NULL ? NULL : destinations_find(&route->to, about->url);
	if (d == NULL || (c->prune != PRUNE_LEASE && c->prune != PRUNE_NODE))
		return d != NULL;
	return d->lease != NULL && strcmp(d->lease, about->lease) == 0;
}

/*
 * What it leaves as it is must be so in Redis, too: another node may have
 * changed that just now.  A lease goes there all the same: who loses his is
 * told, and comes again.
 */
static void
build_on(struct registrar *r, struct change *c, const struct book_route *route)
{
	c->base = route->version;
	change_version_seen(&r->changes, c->base);
	if (c->version <= c->base)
		c->version = change_version(&r->changes);
}

/* Make CHANGE_SET or CHANGE_STRIKE of a change of one destination. */
static enum enter_way
resolve(struct registrar *r, struct change *c)
{
	struct book_name *name = book_find(&r->book, c->key);
	struct book_route *route =
	    name == NULL ? NULL : book_find_route(name, c->pattern);

	if (c->kind == CHANGE_SET || c->kind == CHANGE_STRIKE)
		return ENTER_GO;
	if (name != NULL)
		c->canonical = name->canonical;
	if (c->kind != CHANGE_LEASE) {
		if (!finds(c, route))
			return ENTER_NOTHING;
		c->origin = route->origin;
		build_on(r, c, route);
	}
	if (route != NULL)
		return merge(c, route) ? ENTER_GO : ENTER_REFUSED;
	c->kind = CHANGE_SET;
	return ENTER_GO;
}

/* If not, why says which bound it meets. */
static bool
within_bounds(struct registrar *r, struct change *c)
{
	size_t max = c->origin == ORIGIN_TOOL ? r->conf->routes_per_tool_max
					      : ROUTES_MAX;
	struct book_name *name = book_find(&r->book, c->key);

	bool fresh = name == NULL || book_find_route(name, c->pattern) == NULL;
	bool added = fresh && name != NULL;

	if (c->kind != CHANGE_SET)
		return true;
	if (fresh && c->origin == ORIGIN_TOOL &&
	    r->book.nroutes >= r->conf->routes_max) {
		snprintf(c->why, sizeof(c->why),
		    "there are %zu routes already: tell an administrator",
		    r->book.nroutes);
		return false;
	}
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

enum enter_way
enter_prepare(struct registrar *r, struct change *c)
{
	enum enter_way way = resolve(r, c);

	if (way == ENTER_GO && !within_bounds(r, c))
		way = ENTER_REFUSED;
	return way;
}

/* Another tool has registered that port. */
static void
take_away(
    struct registrar *r, const struct change *c, const struct book_port *port)
{
	struct book_route *route = port->route;
	struct change *leave = change_new(
	    CHANGE_LEAVE, route->name->key, route->pattern, port->to, 1);

	if (leave == NULL)
		return;
	log_event(LOG_NOTICE, "route-taken",
	    "name=%s route=%s destination=%s by=%s", route->name->key + 1,
	    route->pattern, port->to->url, c->key + 1);
	leave->origin = route->origin;
	leave->prune = PRUNE_TAKEN;
	change_submit_take(r, leave);
}

/*
 * A port has one owner: what other tools have there is theirs no more, unless
 * it was proved to be.  Then a proof tells who is right: nobody can take a
 * port by naming it.
 */
static void
guard_port(
    struct registrar *r, const struct change *c, const struct backend *backend)
{
	const struct book_port *port = book_port_first(&r->book, backend),
			       *next;

	for (; port != NULL; port = next) {
		next = book_port_next(port);
		if (*port->route->name->key != KEY_TOOL ||
		    strcmp(port->route->name->key, c->key) == 0 ||
		    port->route->origin == ORIGIN_OPERATOR)
			continue;
		if (port->to->proof == PROOF_THEIRS)
			proof_again(r, port->route, port->to);
		else
			take_away(r, c, port);
	}
}

/* Enter it in the book.  -1: no memory.  1: what is published must change. */
static int
enter_set(struct registrar *r, const struct change *c)
{
	struct book_name *name = book_find(&r->book, c->key);
	struct book_route *route;
	bool same = false;

	if (name != NULL && (route = book_find_route(name, c->pattern)) != NULL)
		same = name->canonical == c->canonical && name->version != 0 &&
		       destinations_eq(&route->to, c->to.at, c->to.n) &&
		       destinations_serve_alike(&route->to, c->to.at);
	route = book_set(&r->book, c->key, c->pattern, c->to.at, c->to.n,
	    c->origin, clock_real_ms());
	if (route == NULL)
		return -1;
	route->version = c->version;
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

/* What the route leads to before the change; "-": there is none. */
static const char *
before(struct registrar *r, const struct change *c, char out[DESTINATIONS_TEXT])
{
	struct book_name *name = book_find(&r->book, c->key);
	const struct book_route *route =
	    name == NULL ? NULL : book_find_route(name, c->pattern);

	return route == NULL
		   ? "-"
		   : destinations_text(&route->to, out, DESTINATIONS_TEXT);
}

static void
log_drain(const struct change *c)
{
	log_event(LOG_INFO,
	    c->mark == MARK_DRAINED ? "route-drained" : "route-undrained",
	    "name=%s route=%s destination=%s by=%s", c->key + 1, c->pattern,
	    c->marked->url, origin_name(c->by));
}

/* The registration log: who, what, from where to where (4-operations.md). */
static void
log_change(const struct change *c, const char *old)
{
	char to[DESTINATIONS_TEXT];

	if (c->mark == MARK_STALE || c->mark == MARK_FRESH)
		return; /* who found that has told it */
	if (c->mark != MARK_NOTHING)
		log_drain(c);
	else if (c->kind == CHANGE_SET)
		log_event(LOG_INFO, "route-registered",
		    "name=%s route=%s destination=%s was=%s by=%s", c->key + 1,
		    c->pattern, destinations_text(&c->to, to, sizeof(to)), old,
		    origin_name(c->by));
	else
		log_event(LOG_INFO, "route-unregistered",
		    "name=%s route=%s was=%s by=%s", c->key + 1, c->pattern,
		    old, origin_name(c->by));
}

/*
 * The version that workers see: with a new one they forget which backends have
 * answered, and close the connections they kept.
 */
static uint64_t
version_shown(struct registrar *r, const struct change *c)
{
	const struct book_name *name = book_find(&r->book, c->key);

	return c->narrows && name != NULL && name->version != 0 ? name->version
								: c->version;
}

enum change_result
enter_change(struct registrar *r, struct change *c)
{
	char text[DESTINATIONS_TEXT];
	const char *old = before(r, c, text);
	int rc = c->kind == CHANGE_SET ? enter_set(r, c) : enter_strike(r, c);
	bool changed = rc == 1;

	if (changed)
		rc = publish_name(r, c->key, version_shown(r, c));
	if (rc == -1) {
		snprintf(c->why, sizeof(c->why),
		    "it is stored, but the route table did not take it: "
		    "tell an administrator");
		return CHANGE_FAILED;
	}
	leases_check(r, c->key);
	if (c->kind == CHANGE_SET)
		proof_soon(r, c->key, c->pattern);
	for (size_t i = 0; c->at_home && i < c->to.n; i++)
		guard_port(r, c, &c->to.at[i].backend);
	if (c->kind == CHANGE_SET || changed)
		log_change(c, old);
	return CHANGE_DONE;
}
