/* Brings changes to the stores, the book and the table, name by name. */
#include "registrar/change.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/clock.h"
#include "lib/log.h"
#include "registrar/process.h"
#include "registrar/publish.h"
#include "route/pattern.h"

#define DESTINATIONS_TEXT 1024 /* of them in the log */

/* The changes of one name: one is at the stores, the others wait. */
struct lane {
	RB_ENTRY(lane) entry;
	char *key;		      /* owned */
	struct change *current;	      /* owned */
	bool at_store;		      /* a store has to answer for it */
	bool turning;		      /* turn() is at work here */
	TAILQ_HEAD(, change) waiting; /* owned */
};

static int
compare(const struct lane *a, const struct lane *b)
{
	return strcmp(a->key, b->key);
}

RB_GENERATE_INTERNAL(
    lane_tree, lane, entry, compare, __attribute__((unused)) static)

struct change *
change_new(enum change_kind kind, const char *key, const char *pattern)
{
	struct change *c = calloc(1, sizeof(*c));

	if (c == NULL)
		return NULL;
	c->kind = kind;
	c->key = strdup(key);
	c->pattern = strdup(pattern);
	if (c->key == NULL || c->pattern == NULL) {
		change_free(c);
		return NULL;
	}
	return c;
}

void
change_free(struct change *c)
{
	free(c->key);
	free(c->pattern);
	destinations_release(&c->to);
	free(c);
}

void
changes_init(struct changes *changes)
{
	*changes = (struct changes){ .clock = 0 };
	RB_INIT(&changes->lanes);
}

uint64_t
change_version(struct changes *changes)
{
	uint64_t now = clock_real_ms() << 16;

	changes->clock = changes->clock < now ? now : changes->clock + 1;
	return changes->clock;
}

void
change_version_seen(struct changes *changes, uint64_t version)
{
	if (version > changes->clock)
		changes->clock = version;
}

static struct lane *
lane_find(struct changes *changes, const char *key)
{
	struct lane like = { .key = (char *)key };

	return RB_FIND(lane_tree, &changes->lanes, &like);
}

static struct lane *
lane_new(struct changes *changes, const char *key)
{
	struct lane *lane = calloc(1, sizeof(*lane));

	if (lane == NULL)
		return NULL;
	lane->key = strdup(key);
	if (lane->key == NULL) {
		free(lane);
		return NULL;
	}
	TAILQ_INIT(&lane->waiting);
	RB_INSERT(lane_tree, &changes->lanes, lane);
	return lane;
}

static void
lane_free(struct changes *changes, struct lane *lane)
{
	RB_REMOVE(lane_tree, &changes->lanes, lane);
	free(lane->key);
	free(lane);
}

void
changes_release(struct changes *changes)
{
	struct lane *lane;
	struct change *c;

	while ((lane = RB_MIN(lane_tree, &changes->lanes)) != NULL) {
		while ((c = TAILQ_FIRST(&lane->waiting)) != NULL) {
			TAILQ_REMOVE(&lane->waiting, c, queue);
			change_free(c);
		}
		if (lane->current != NULL)
			change_free(lane->current);
		lane_free(changes, lane);
	}
}

/* Tell who waits, and be done with it. */
static void
finish(struct registrar *r, struct change *c, enum change_result result)
{
	if (result == CHANGE_FAILED && c->why[0] == '\0')
		snprintf(c->why, sizeof(c->why),
		    "it could not be stored: try again in a minute");
	if (c->done != NULL)
		c->done(c, result);
	r->changes.open--;
	change_free(c);
}

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

/* May it go on its way?  If not, why says which bound it meets. */
static bool
within_bounds(struct registrar *r, struct change *c)
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
		    "or one with .* at its end", PATTERN_REGEXES_MAX);
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

/* It is stored: into the book and the table with it. */
static enum change_result
apply(struct registrar *r, struct change *c)
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

static void
hand_to_store(struct registrar *r, struct lane *lane)
{
	lane->at_store = true;
	if (lane->current->pending == 2)
		store_redis_save(r->redis, lane->current);
	else
		store_io_save(r->io, lane->current);
}

/* Take up the next of the lane.  False: there is none. */
static bool
next(struct registrar *r, struct lane *lane)
{
	struct change *c;

	while ((c = TAILQ_FIRST(&lane->waiting)) != NULL) {
		TAILQ_REMOVE(&lane->waiting, c, queue);
		if (!c->abandoned && within_bounds(r, c)) {
			c->pending = r->redis != NULL ? 2 : 1;
			lane->current = c;
			return true;
		}
		finish(r, c, CHANGE_REFUSED);
	}
	return false;
}

static void undo(struct registrar *r, const struct change *c);

/*
 * Go on with a lane as far as possible; it is gone with its last change.  A
 * store may answer, and who waits may submit more, while it is at work.
 */
static void
turn(struct registrar *r, struct lane *lane)
{
	enum change_result result;
	struct change *c;

	if (lane->turning)
		return;
	lane->turning = true;
	while (lane->current != NULL || next(r, lane)) {
		c = lane->current;
		if (c->pending > 0 && !c->failed && !c->abandoned) {
			if (!lane->at_store)
				hand_to_store(r, lane);
			if (lane->at_store) {
				lane->turning = false;
				return;
			}
			continue;
		}
		result = CHANGE_FAILED;
		if (c->failed || c->abandoned)
			undo(r, c);
		else
			result = apply(r, c);
		lane->current = NULL;
		finish(r, c, result);
	}
	lane_free(&r->changes, lane);
}

void
change_submit_take(struct registrar *r, struct change *c)
{
	struct lane *lane = lane_find(&r->changes, c->key);

	c->version = change_version(&r->changes);
	r->changes.open++;
	if (lane == NULL)
		lane = lane_new(&r->changes, c->key);
	if (lane == NULL) {
		finish(r, c, CHANGE_FAILED);
		return;
	}
	TAILQ_INSERT_TAIL(&lane->waiting, c, queue);
	turn(r, lane);
}

void
change_abandon(struct change *c)
{
	c->done = NULL;
	c->abandoned = true;
}

void
change_stored(struct registrar *r, struct change *c, bool ok)
{
	struct lane *lane = lane_find(&r->changes, c->key);
	bool ours = lane != NULL && lane->current == c;

	if (!ours || c->pending == 1) {
		r->changes.saved += ok;
		r->changes.failed += !ok;
	}
	if (!ours) { /* a copy of what is in Redis, from change_foreign() */
		change_free(c);
		return;
	}
	lane->at_store = false;
	c->pending--;
	c->failed = !ok;
	turn(r, lane);
}

/*
 * What others wrote into Redis.  A pattern that is being changed here is left
 * to that change: what comes back is its own echo mostly.
 */

static bool
under_way(struct registrar *r, const char *key, const char *pattern)
{
	const struct lane *lane = lane_find(&r->changes, key);

	return lane != NULL && lane->current != NULL &&
	       strcmp(lane->current->pattern, pattern) == 0;
}

/* Keep a difference in SQLite; nobody waits for it. */
static void
keep(struct registrar *r, enum change_kind kind, const char *key,
    const struct foreign_route *route, enum origin origin, bool canonical)
{
	struct change *c = change_new(kind, key, route->pattern);

	if (c == NULL || (kind == CHANGE_SET &&
			     !destinations_copy(&c->to, route->to, route->nto))) {
		if (c != NULL)
			change_free(c);
		r->changes.failed++;
		return;
	}
	c->origin = origin;
	c->canonical = canonical;
	c->version = change_version(&r->changes);
	store_io_save(r->io, c);
}

/* A route of the book, for keep(). */
static struct foreign_route
as_route(const struct book_route *route)
{
	return (struct foreign_route){ .pattern = route->pattern,
		.to = route->to.at,
		.nto = route->to.n };
}

/*
 * `fail` was said, or will be: what a store has taken, or may have taken
 * without an answer, must not be published by a restart or as another's.
 */
static void
undo(struct registrar *r, const struct change *c)
{
	struct book_name *name = book_find(&r->book, c->key);
	const struct book_route *entered =
	    name == NULL ? NULL : book_find_route(name, c->pattern);
	struct foreign_route route = { .pattern = c->pattern };
	enum change_kind kind = entered != NULL ? CHANGE_SET : CHANGE_STRIKE;

	if (r->redis != NULL && c->pending < 2 &&
	    !(c->failed && c->pending == 1)) /* it said so itself */
		store_redis_restore(r->redis, c->key, c->pattern);
	if (c->pending > 0 || c->failed)
		return; /* SQLite has not got it */
	if (entered != NULL)
		route = as_route(entered);
	keep(r, kind, c->key, &route,
	    entered != NULL ? entered->origin : c->origin,
	    name != NULL && name->canonical);
}

bool
change_is_known(const char *key, const struct book_route *ours,
    const struct foreign_route *theirs)
{
	if (*key == KEY_TOOL && theirs->nto == 1)
		return destinations_has(&ours->to, theirs->to[0].url);
	return destinations_eq(&ours->to, theirs->to, theirs->nto);
}

static bool
is_among(
    const struct foreign_route *routes, size_t nroutes, const char *pattern)
{
	for (size_t i = 0; i < nroutes; i++)
		if (strcmp(routes[i].pattern, pattern) == 0)
			return true;
	return false;
}

/* Enter what is new or different.  Returns how many. */
static size_t
set_new(struct registrar *r, const char *key, bool canonical,
    const struct foreign_route *routes, size_t nroutes)
{
	const struct book_route *old;
	struct book_name *name;
	size_t set = 0;

	for (size_t i = 0; i < nroutes; i++) {
		name = book_find(&r->book, key);
		old = name != NULL ? book_find_route(name, routes[i].pattern)
				   : NULL;
		if (under_way(r, key, routes[i].pattern) ||
		    (old != NULL && change_is_known(key, old, &routes[i])))
			continue;
		if (book_set(&r->book, key, routes[i].pattern, routes[i].to,
			routes[i].nto, ORIGIN_REDIS, clock_real_ms()) == NULL)
			continue;
		keep(r, CHANGE_SET, key, &routes[i], ORIGIN_REDIS, canonical);
		set++;
	}
	return set;
}

/*
 * Strike what is not in Redis any more.  Returns how many.  SQLite gets the
 * name's mark with each, which goes with the last one.
 */
static size_t
strike_others(struct registrar *r, struct book_name *name, bool canonical,
    const struct foreign_route *routes, size_t nroutes)
{
	struct book_route *route = TAILQ_FIRST(&name->routes), *after;
	size_t left = name->nroutes, struck = 0;
	struct foreign_route gone;

	for (; left > 0; left--, route = after) {
		after = TAILQ_NEXT(route, entry);
		if (is_among(routes, nroutes, route->pattern) ||
		    under_way(r, name->key, route->pattern))
			continue;
		gone = as_route(route);
		keep(r, CHANGE_STRIKE, name->key, &gone, ORIGIN_REDIS,
		    canonical && name->nroutes > 1);
		book_strike(&r->book, name, route);
		struck++;
	}
	return struck;
}

/* Its canonical mark; SQLite keeps it with any of its routes. */
static size_t
mark(struct registrar *r, struct book_name *name, bool canonical)
{
	const struct book_route *route = TAILQ_FIRST(&name->routes);
	struct foreign_route same = as_route(route);

	if (name->canonical == canonical ||
	    under_way(r, name->key, route->pattern))
		return 0;
	name->canonical = canonical;
	keep(r, CHANGE_SET, name->key, &same, route->origin, canonical);
	return 1;
}

void
change_foreign(struct registrar *r, const char *key, bool canonical,
    const struct foreign_route *routes, size_t nroutes)
{
	struct book_name *name;
	size_t differences;

	if (nroutes > ROUTES_MAX)
		nroutes = ROUTES_MAX;
	differences = set_new(r, key, canonical, routes, nroutes);
	name = book_find(&r->book, key);
	if (name != NULL)
		differences += strike_others(r, name, canonical, routes, nroutes);
	name = book_find(&r->book, key);
	if (name != NULL)
		differences += mark(r, name, canonical);
	if (differences == 0)
		return;
	publish_name(r, key, change_version(&r->changes));
	log_event(
	    LOG_INFO, "route-foreign", "name=%s routes=%zu", key + 1, nroutes);
}
