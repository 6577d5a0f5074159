/* Brings changes to the stores, the book and the table, name by name. */
#include "registrar/change.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/clock.h"
#include "registrar/enter.h"
#include "registrar/process.h"

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

static void
change_free(struct change *c)
{
	free(c->key);
	free(c->pattern);
	destinations_release(&c->to);
	free(c);
}

struct change *
change_new(enum change_kind kind, const char *key, const char *pattern,
    const struct destination *to, size_t nto)
{
	struct change *c = calloc(1, sizeof(*c));

	if (c == NULL)
		return NULL;
	c->kind = kind;
	c->key = strdup(key);
	c->pattern = strdup(pattern);
	if (c->key == NULL || c->pattern == NULL ||
	    (nto > 0 && !destinations_copy(&c->to, to, nto))) {
		change_free(c);
		return NULL;
	}
	return c;
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
	enum enter_way way;
	struct change *c;

	while ((c = TAILQ_FIRST(&lane->waiting)) != NULL) {
		TAILQ_REMOVE(&lane->waiting, c, queue);
		way = c->abandoned ? ENTER_REFUSED : enter_prepare(r, c);
		if (way == ENTER_GO) {
			c->pending = r->redis != NULL ? 2 : 1;
			lane->current = c;
			return true;
		}
		finish(
		    r, c, way == ENTER_NOTHING ? CHANGE_DONE : CHANGE_REFUSED);
	}
	return false;
}

bool
change_under_way(struct registrar *r, const char *key, const char *pattern)
{
	const struct lane *lane = lane_find(&r->changes, key);

	return lane != NULL && lane->current != NULL &&
	       strcmp(lane->current->pattern, pattern) == 0;
}

bool
changes_busy(struct changes *changes, const char *key)
{
	return lane_find(changes, key) != NULL;
}

void
change_keep(struct registrar *r, enum change_kind kind, const char *key,
    const struct book_route *route, bool canonical)
{
	struct change *c = change_new(kind, key, route->pattern, route->to.at,
	    kind == CHANGE_STRIKE ? 0 : route->to.n);

	if (c == NULL) {
		r->changes.failed++;
		return;
	}
	c->origin = route->origin;
	c->canonical = canonical;
	c->version = route->version;
	store_io_save(r->io, c);
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
	const struct book_route struck = { .pattern = c->pattern };

	if (r->redis != NULL && c->pending < 2 &&
	    !(c->failed && c->pending == 1)) /* it said so itself */
		store_redis_restore(r->redis, c->key, c->pattern);
	if (c->pending > 0 || c->failed)
		return; /* SQLite has not got it */
	change_keep(r, entered != NULL ? CHANGE_SET : CHANGE_STRIKE, c->key,
	    entered != NULL ? entered : &struck,
	    name != NULL && name->canonical);
}

static bool
wants_store(const struct change *c)
{
	return c->pending > 0 && !c->failed && !c->abandoned;
}

/* Workers see it from now on. */
static void
note_published(struct registrar *r, const struct change *c)
{
	uint64_t ms = r->loop.now_ms - c->begun_ms;

	r->changes.times[counters_time_slot(ms)]++;
	r->changes.took_ms += ms;
	r->changes.pruned[c->prune]++;
}

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
		if (wants_store(c) && !lane->at_store)
			hand_to_store(r, lane);
		if (lane->at_store) { /* which holds it, abandoned or not */
			lane->turning = false;
			return;
		}
		if (wants_store(c))
			continue;
		result = CHANGE_FAILED;
		if (c->failed || c->abandoned)
			undo(r, c);
		else
			result = enter_change(r, c);
		if (result == CHANGE_DONE)
			note_published(r, c);
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
	c->by = c->origin;
	c->begun_ms = r->loop.now_ms;
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
	if (!ours) { /* a copy of what is in Redis, from foreign_enter() */
		change_free(c);
		return;
	}
	lane->at_store = false;
	c->pending--;
	c->failed = !ok;
	turn(r, lane);
}
