/*
 * The operators' policy: bans, rules, maintenance.  Entered over the control
 * socket, kept in SQLite, published to the workers (shm/policy_write.h), in
 * this order, before the operator is answered; ended when its time is over.
 */
#ifndef REGISTRAR_POLICY_H
#define REGISTRAR_POLICY_H

#include <bsd/sys/queue.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/buf.h"
#include "registrar/policy_kind.h"

struct policy_entry;
struct registrar;

/* An entry as the SQLite file holds it. */
struct stored_policy {
	const char *kind, *subject;
	uint64_t since_ms, until_ms; /* CLOCK_REALTIME; until 0: for ever */
};

struct policy_change {
	enum policy_kind kind;
	bool strike;	   /* or else: set */
	uint64_t since_ms; /* set only */
	uint64_t until_ms; /* 0: for ever; since: it is struck, and the others
			      are told; to strike only what ends then */
	bool heard;	   /* from another node, or known already */
	uint64_t round;	   /* in which Redis had it; 0: none */

	/* called once, on the loop; NULL: nobody waits.  Then it is freed. */
	void (*done)(struct policy_change *change, const char *fault);
	void *arg; /* the waiter's; it sets done to NULL when it goes away */

	TAILQ_ENTRY(policy_change) queue;     /* policy.c only */
	char subject[POLICY_SUBJECT_MAX + 1]; /* in its one form */
};

/* How far a walk through the entries has come.  Zeroed: at its beginning. */
struct policy_listing {
	enum policy_kind kind;
	bool some;   /* anything was written */
	bool begun;  /* after is set */
	bool broken; /* something could not be written: no memory */
	char after[POLICY_SUBJECT_MAX + 1];
};

/* Become the policy's writer.  -1 with errno.  Ended by policy_end(). */
int policy_start(struct registrar *r);
void policy_end(struct registrar *r);

/* The start: an entry that SQLite kept; and all of them are there: publish. */
void policy_load(struct registrar *r, const struct stored_policy *stored);
int policy_loaded(struct registrar *r); /* -1: it was logged why not */

/*
 * Make a change.  NULL: it cannot be; why says what to do, in one line.
 *
 * subject  in its one form, as the kind's check() has made it
 */
struct policy_change *policy_change_new(struct registrar *r,
    enum policy_kind kind, bool strike, const char *subject, uint64_t until_ms,
    char *why, size_t why_size);

/* Start it on its way; it is ours from now on. */
void policy_submit_take(struct registrar *r, struct policy_change *change);

/* The store has answered; fault NULL: it is on disk.  On the loop's thread. */
void policy_stored(
    struct registrar *r, struct policy_change *change, const char *fault);

/*
 * Another node's word (redis_policy.h).
 *
 * text   "ban:192.0.2.0/24" and "1780000000000 0": since, until
 * round  a number that only grows; what was heard in it is known as heard
 * why    one line, for HEARD_MALFORMED
 */
enum policy_heard {
	HEARD_KNOWN,	 /* it is what we have */
	HEARD_TAKEN,	 /* it is newer, and on its way into the book */
	HEARD_OLDER,	 /* than ours, which is to be told */
	HEARD_OUTDATED,	 /* over for so long that nobody needs it any more */
	HEARD_FORGOTTEN, /* the same, if Redis says POLICY_FORGOTTEN, too */
	HEARD_MALFORMED, /* or more than there is room for */
};
enum policy_heard policy_hear(struct registrar *r, const char *field,
    const char *value, uint64_t round, const char **why);

/* The next entry that others should know, and that round did not have; it is
 * taken for heard from now on.  NULL: there is none. */
const struct policy_entry *policy_unheard(
    struct registrar *r, uint64_t round, struct policy_listing *at);

/*
 * A round has heard all that Redis has.  What was there once, and now is not,
 * because it was struck so long ago that this was forgotten, ends here, too,
 * when it is missed for so long.  Returns how many; look_again: one is missed
 * that another round has to tell of.  It comes before policy_unheard().
 */
#define POLICY_MISSING_MS 2000
size_t policy_end_missing(
    struct registrar *r, uint64_t round, bool *look_again);

/* Redis is another one, or was flushed: what it lacks it never had. */
void policy_untold(struct registrar *r);

/* In that round there was nothing to tell: Redis has all that we have, and
 * SQLite is to know.  Not after mere telling, which Redis may refuse. */
void policy_all_heard(struct registrar *r, uint64_t round);

/* How the two texts of policy_hear() are written. */
#define POLICY_FIELD_MAX (POLICY_SUBJECT_MAX + 16)
#define POLICY_VALUE_MAX 48
void policy_say(const struct policy_entry *e, char field[POLICY_FIELD_MAX],
    char value[POLICY_VALUE_MAX]);

/* The same on nodes where the same bans, blocks and maintenance hold. */
uint64_t policy_checksum(const struct registrar *r);

/* The store has lost all: every entry on its way there once more. */
void policy_keep(struct registrar *r);

/* What tools are told while registration is off; NULL: it is on. */
const char *policy_registration_off(const struct registrar *r);

/* Is this node to leave the floating address to others? */
bool policy_is_standby(const struct registrar *r);

/* How many entries of a kind there are. */
size_t policy_count(const struct registrar *r, enum policy_kind kind);

/* Is the tool in maintenance, or the whole site? */
bool policy_in_maintenance(const struct registrar *r, const char *tool);

/* The next subject of a kind that holds; after NULL: the first.  NULL: none. */
const char *policy_subject_after(
    const struct registrar *r, enum policy_kind kind, const char *after);

/*
 * Write the next entries of the kind into b, as JSON, about CLIENT_PIECE bytes
 * of them.  False: there are no more, or no memory.
 */
bool policy_list_more(
    struct registrar *r, struct policy_listing *l, struct buf *b);

#endif
