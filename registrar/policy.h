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
	uint64_t until_ms; /* 0: for ever; to strike only what ends then */

	/* called once, on the loop; NULL: nobody waits.  Then it is freed. */
	void (*done)(struct policy_change *change, const char *fault);
	void *arg; /* the waiter's; it sets done to NULL when it goes away */

	TAILQ_ENTRY(policy_change) queue;     /* policy.c only */
	char subject[POLICY_SUBJECT_MAX + 1]; /* in its one form */
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
 * subject  as the operator wrote it
 */
struct policy_change *policy_change_new(struct registrar *r,
    enum policy_kind kind, bool strike, const char *subject, uint64_t until_ms,
    char *why, size_t why_size);

/* Start it on its way; it is ours from now on. */
void policy_submit_take(struct registrar *r, struct policy_change *change);

/* The store has answered; fault NULL: it is on disk.  On the loop's thread. */
void policy_stored(
    struct registrar *r, struct policy_change *change, const char *fault);

/* The store has lost all: every entry on its way there once more. */
void policy_keep(struct registrar *r);

/* What tools are told while registration is off; NULL: it is on. */
const char *policy_registration_off(const struct registrar *r);

/* Is this node to leave the floating address to others? */
bool policy_is_standby(const struct registrar *r);

/* How many entries of a kind there are. */
size_t policy_count(const struct registrar *r, enum policy_kind kind);

/* How far a walk through the entries has come.  Zeroed: at its beginning. */
struct policy_listing {
	enum policy_kind kind;
	bool some;  /* anything was written */
	bool begun; /* after is set */
	char after[POLICY_SUBJECT_MAX + 1];
};

/*
 * Write the next entries of the kind into b, as JSON, about CLIENT_PIECE bytes
 * of them.  False: there are no more, or no memory.
 */
bool policy_list_more(
    struct registrar *r, struct policy_listing *l, struct buf *b);

#endif
