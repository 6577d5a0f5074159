/*
 * A change of a name's routes on its way: stored durably, entered in the book
 * and published, answered; in that order (1-registration.md 1.1).  Changes of
 * one name go one after the other.
 */
#ifndef REGISTRAR_CHANGE_H
#define REGISTRAR_CHANGE_H

#include <bsd/sys/queue.h>
#include <bsd/sys/tree.h>
#include <stdbool.h>
#include <stdint.h>

#include "registrar/book.h"
#include "shm/counters.h"

struct registrar;

enum change_kind {
	CHANGE_SET,    /* this pattern goes to these destinations */
	CHANGE_STRIKE, /* this pattern goes nowhere */

	/*
	 * About one destination among those of the pattern.  When its turn has
	 * come it becomes one of the above, whichever the book then asks for.
	 */
	CHANGE_LEASE, /* in place of those without a lease, beside the others */
	CHANGE_LEAVE, /* it goes, if it is there still */
	CHANGE_MARK,  /* it is drained, stale, or neither, if it is there */
};

/* What CHANGE_MARK says of its destination. */
enum change_mark {
	MARK_NOTHING, /* it is no CHANGE_MARK */
	MARK_DRAINED,
	MARK_UNDRAINED,
	MARK_STALE,
	MARK_FRESH,
};

/* Who takes a backend out that nobody has unregistered. */
enum change_prune {
	PRUNE_NOT,   /* it was asked for by who may */
	PRUNE_LEASE, /* nobody holds its lease */
	PRUNE_NODE,  /* the node that held it is gone */
	PRUNE_TAKEN, /* another tool has registered its port */
	PRUNE_SCRUB, /* an operator, since it is not proved */
	PRUNE_REASONS
};

enum change_result {
	CHANGE_DONE,    /* stored and published: `ok` may be said */
	CHANGE_REFUSED, /* a bound was reached; change->why says which */
	CHANGE_FAILED,  /* it could not be stored; nothing was changed */
};

struct change {
	enum change_kind kind;
	enum change_mark mark;
	const struct destination *marked; /* one of to, when it was merged */
	enum origin origin;     /* of the route, from now on */
	enum origin by;         /* who changes it; set by change_submit_take() */
	enum change_prune prune;
	bool canonical;         /* the name's mark, from now on */
	bool at_home;           /* asked for from the destination's own host */
	char *key;              /* owned, like the next */
	char *pattern;
	struct destinations to; /* owned; not with CHANGE_STRIKE: at least one */
	uint64_t version;       /* set by change_submit_take(); a store may
	                           find that it needs a later one */
	uint64_t base;          /* version of what it keeps the rest of: it fails
	                           where Redis has something newer; 0: any */
	char why[128];          /* one line, for CHANGE_REFUSED and _FAILED */

	/* called once, on the loop; NULL: nobody waits.  Then it is freed. */
	void (*done)(struct change *change, enum change_result result);
	void *arg; /* the waiter's; it sets done to NULL when it goes away */
	bool abandoned; /* by change_abandon() */
	bool yields;    /* it fails when Redis has something newer */
	bool unsaved;   /* Redis has not got it: SQLite remembers that, too */
	bool narrows;   /* fewer, or more, of the same backends get requests:
	                   workers go on with what they know of those */

	/* change.c and the stores only */
	TAILQ_ENTRY(change) queue; /* of its name; then of the store it is at */
	uint64_t begun_ms;         /* CLOCK_MONOTONIC: it was submitted */
	unsigned pending;          /* stores that have not answered yet */
	bool failed;               /* one of them could not */
};

/* Changes under way, by name. */
struct lane;
struct changes {
	RB_HEAD(lane_tree, lane) lanes; /* names with a change under way */
	uint64_t clock;  /* the last version given; see change_version() */
	uint64_t saved;  /* changes that SQLite has taken, */
	uint64_t failed; /* and those it could not */
	uint64_t pruned[PRUNE_REASONS]; /* published */
	unsigned open;   /* changes not finished */
	uint64_t times[COUNTERS_TIMES]; /* until those were published; as of
	                                   counters_times_ms */
	uint64_t took_ms;
};

void changes_init(struct changes *changes);

/* All that is under way is forgotten: after the stores are closed. */
void changes_release(struct changes *changes);

/*
 * The next version: a hybrid logical clock, 48 bits of milliseconds and 16 of
 * a counter.  It never goes back, whatever the clock of this machine does.
 */
uint64_t change_version(struct changes *changes);

/* A version that exists: those to come are greater. */
void change_version_seen(struct changes *changes, uint64_t version);

static inline uint64_t
change_version_ms(uint64_t version)
{
	return version >> 16;
}

static inline uint64_t
change_version_at(uint64_t ms)
{
	return ms << 16;
}

/* Of so many destinations, which are copied; 0: none.  NULL: no memory. */
struct change *change_new(enum change_kind kind, const char *key,
    const char *pattern, const struct destination *to, size_t nto);

/*
 * Start it on its way; it is ours from now on.  First Redis, if configured,
 * then SQLite: what Redis would not take has left no trace here.
 */
void change_submit_take(struct registrar *r, struct change *change);

/*
 * Who waited has been told that it failed: done() is not called any more, and
 * it does not come about, whatever the stores say later.
 */
void change_abandon(struct change *change);

/*
 * A store has answered.  Called by the stores, once for each change they were
 * given, on the loop's thread.
 */
void change_stored(struct registrar *r, struct change *change, bool ok);

/* Is a change of this pattern at the stores? */
bool change_under_way(struct registrar *r, const char *key,
    const char *pattern);

/* Is there a change of this name at all? */
bool changes_busy(struct changes *changes, const char *key);

/*
 * Have SQLite keep what the book says already, or struck; nobody waits for it.
 *
 * route   copied; CHANGE_STRIKE: only its pattern counts
 */
void change_keep(struct registrar *r, enum change_kind kind, const char *key,
    const struct book_route *route, bool canonical);

#endif
