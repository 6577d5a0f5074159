/*
 * What is over, and when it may be forgotten: at once on a single node; where
 * nodes share the policy a week later, or sooner, the oldest first, where that
 * would be too many.  How far that has come (POLICY_FORGOTTEN) is a word like
 * the others: it goes to all nodes before anything is missed in Redis, so who
 * finds there neither an entry nor its end knows which of the two is news.
 */
#include <stdlib.h>
#include <string.h>

#include "lib/clock.h"
#include "lib/container.h"
#include "registrar/policy_book.h"
#include "registrar/process.h"

/* What has ended holds no longer, but stands in SQLite until a sweep. */
#define SWEEP_MS 4000

/* When it may be forgotten for its age; UINT64_MAX: never. */
static uint64_t
ends_ms(const struct policy_book *p, const struct policy_entry *e)
{
	if (e->until_ms == 0)
		return UINT64_MAX;
	return e->until_ms +
	       (policy_is_shared(p->r, e->kind) ? POLICY_KEPT_MS : 0);
}

/* The word of how far the kind is forgotten; NULL: there is none. */
static const struct policy_entry *
find_far(struct policy_book *p, enum policy_kind kind)
{
	return policy_entries_find(
	    &p->all, POLICY_FORGOTTEN, policy_kind_info(kind)->name);
}

uint64_t
policy_forgotten_ms(struct policy_book *p, enum policy_kind kind)
{
	const struct policy_entry *e = find_far(p, kind);

	return e == NULL ? 0 : e->since_ms;
}

/* Is it over, and what is as old forgotten, as all know or will? */
static bool
is_below(const struct policy_entry *e, const uint64_t forgotten[POLICY_KINDS])
{
	return e->spent && e->since_ms <= forgotten[e->kind];
}

static void
find_forgotten(struct policy_book *p, uint64_t forgotten[POLICY_KINDS])
{
	for (enum policy_kind kind = 0; kind < POLICY_KINDS; kind++)
		forgotten[kind] = policy_is_shared(p->r, kind)
				      ? policy_forgotten_ms(p, kind)
				      : 0;
}

/* One that is set already, and comes earlier, stands. */
static void
sweep_in(struct policy_book *p, uint64_t ms)
{
	uint64_t due_ms = p->r->loop.now_ms + ms;

	if (!timer_is_set(&p->sweep) || due_ms < p->sweep.due_ms)
		timer_set(&p->r->loop.timers, &p->sweep, due_ms);
}

void
policy_sweep_again(struct policy_book *p)
{
	sweep_in(p, SWEEP_MS);
}

/* least_ms: not sooner, even if there is too much. */
static void
set_sweep(struct policy_book *p, uint64_t least_ms)
{
	uint64_t now = clock_real_ms(), first = UINT64_MAX, at;
	uint64_t forgotten[POLICY_KINDS];
	size_t over[POLICY_KINDS] = { 0 }, most = 0;
	struct policy_entry *e;

	find_forgotten(p, forgotten);
	RB_FOREACH(e, policy_tree, &p->all.tree)
	{
		if (e->ending)
			continue; /* policy_stored() is to come */
		at = e->spent || e->until_ms == 0 ? ends_ms(p, e) : e->until_ms;
		if (is_below(e, forgotten))
			at = now;
		if (at < first)
			first = at;
		if (e->spent && ++over[e->kind] > most)
			most = over[e->kind];
	}
	if (most > POLICY_STRUCK_MOST && p->coming[POLICY_FORGOTTEN] == 0)
		sweep_in(p, least_ms);
	else if (first != UINT64_MAX)
		sweep_in(p, SWEEP_MS + (first > now ? first - now : 0));
}

void
policy_sweep_set(struct policy_book *p)
{
	set_sweep(p, 0);
}

/* Have SQLite forget it, and the book when that is done. */
static bool
forget(struct policy_book *p, struct policy_entry *e)
{
	struct policy_change *c =
	    policy_change_of(e->kind, e->subject, e->since_ms, e->until_ms);

	if (c == NULL)
		return false;
	c->strike = true;
	e->ending = true;
	policy_submit_take(p->r, c);
	return true;
}

/* A word of this node's own; no memory: with the next sweep, or round. */
static void
say(struct registrar *r, enum policy_kind kind, const char *subject,
    uint64_t since_ms, uint64_t until_ms)
{
	struct policy_change *c =
	    policy_change_of(kind, subject, since_ms, until_ms);

	if (c != NULL)
		policy_submit_take(r, c);
}

/* What is too old, and what is too much, as one number. */
static void
raise_forgotten(struct policy_book *p, enum policy_kind kind, uint64_t now)
{
	uint64_t most =
	    policy_entries_surplus(&p->all, kind, POLICY_STRUCK_MAX);
	struct policy_entry *e;

	for (e = policy_entries_from(&p->all, kind, "");
	     e != NULL && e->kind == kind; e = policy_entries_next(e))
		if (!e->ending && ends_ms(p, e) <= now && e->since_ms > most)
			most = e->since_ms;
	if (most > policy_forgotten_ms(p, kind))
		say(p->r, POLICY_FORGOTTEN, policy_kind_info(kind)->name, most,
		    0);
}

/* What nodes share goes when all can know of it: raised now, gone next time. */
void
policy_sweep_run(struct timer *timer)
{
	struct policy_book *p = container_of(timer, struct policy_book, sweep);
	uint64_t now = clock_real_ms(), forgotten[POLICY_KINDS];
	struct policy_entry *e;
	bool goes;

	policy_entries_count(&p->all, now);
	find_forgotten(p, forgotten);
	RB_FOREACH(e, policy_tree, &p->all.tree)
	{
		goes = policy_is_shared(p->r, e->kind) ? is_below(e, forgotten)
						       : ends_ms(p, e) <= now;
		if (goes && !e->ending && !forget(p, e))
			break;
	}
	for (enum policy_kind kind = 0; kind < POLICY_SPOKEN; kind++)
		if (policy_is_shared(p->r, kind))
			raise_forgotten(p, kind, now);
	/* sooner when SQLite has what was said; nothing was: no memory */
	set_sweep(p, SWEEP_MS);
}

/* Has Redis forgotten less than it knew once?  Then it has lost that. */
static bool
has_lost(struct policy_book *p, enum policy_kind kind)
{
	const struct policy_entry *e = find_far(p, kind);

	return e != NULL && e->told && p->forgotten_there[kind] < e->since_ms;
}

/*
 * Was it there once, is it not there now, and is what is as old forgotten?  If
 * Redis has lost how far it had forgotten, perhaps it has lost this, too.
 */
static bool
is_missing(struct policy_book *p, struct policy_entry *e, uint64_t round)
{
	if (e->spent || !e->told || e->heard == round || e->seen == round)
		return false;
	if (has_lost(p, e->kind))
		e->told = false;
	return e->told && e->since_ms <= p->forgotten_there[e->kind];
}

/*
 * What was never there is news, and is told.  Who scans while others write may
 * miss something, so one look is not enough.
 */
size_t
policy_end_missing(struct registrar *r, uint64_t round, bool *look_again)
{
	struct policy_book *p = r->policy;
	uint64_t now = r->loop.now_ms;
	struct policy_entry *e;
	size_t n = 0;

	if (p->round != round) /* it said nothing at all */
		memset(p->forgotten_there, 0, sizeof(p->forgotten_there));
	*look_again = false;
	RB_FOREACH(e, policy_tree, &p->all.tree)
	{
		if (!is_missing(p, e, round)) {
			e->missing_ms = 0;
			continue;
		}
		e->heard = round; /* and so it is not told */
		if (e->missing_ms == 0)
			e->missing_ms = now;
		if (now - e->missing_ms < POLICY_MISSING_MS) {
			*look_again = true;
			continue;
		}
		say(r, e->kind, e->subject, e->since_ms, e->since_ms);
		n++;
	}
	return n;
}

void
policy_untold(struct registrar *r)
{
	struct policy_entry *e;

	RB_FOREACH(e, policy_tree, &r->policy->all.tree)
	e->told = false;
}

void
policy_all_heard(struct registrar *r, uint64_t round)
{
	struct policy_book *p = r->policy;
	const struct policy_entry *told =
	    policy_entries_find(&p->all, POLICY_TOLD, "");

	if (p->round == round &&
	    p->heard_ms > (told == NULL ? 0 : told->since_ms))
		say(r, POLICY_TOLD, "", p->heard_ms, 0);
}

/* How far it is forgotten may have been raised later, while Redis was away. */
void
policy_find_told(struct policy_book *p)
{
	const struct policy_entry *told =
	    policy_entries_find(&p->all, POLICY_TOLD, "");
	struct policy_entry *e;

	RB_FOREACH(e, policy_tree, &p->all.tree)
	e->told = told != NULL && e->kind != POLICY_FORGOTTEN &&
		  policy_is_shared(p->r, e->kind) &&
		  e->since_ms <= told->since_ms;
}
