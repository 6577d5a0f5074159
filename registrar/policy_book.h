/*
 * What the files of the policy share: policy.c (changes and their way),
 * policy_forget.c (what is over), policy_nodes.c (what other nodes say),
 * policy_list.c (what is told of it).
 */
#ifndef REGISTRAR_POLICY_BOOK_H
#define REGISTRAR_POLICY_BOOK_H

#include "lib/ev.h"
#include "registrar/policy.h"
#include "registrar/policy_entries.h"

struct policy_book {
	struct registrar *r;	      /* borrowed */
	struct policy_writer *writer; /* owned */
	struct policy_entries all;
	size_t coming[POLICY_KINDS];	    /* sets under way */
	TAILQ_HEAD(, policy_change) stored; /* owned; not yet published */
	struct ev_task publish;
	struct timer sweep;
	uint64_t round;	   /* of Redis, in which it said this: */
	uint64_t heard_ms; /* the latest since, not ahead of our clock */
	uint64_t forgotten_there[POLICY_KINDS];
};

/*
 * An entry that is over is remembered for so long where nodes share it, as one
 * of so many of its kind at most, or a few more until these are written: so one
 * that was away meanwhile does not bring back what was struck.
 */
#define POLICY_KEPT_MS (7 * 24 * 60 * 60 * 1000ULL)
#define POLICY_STRUCK_MAX 4096
#define POLICY_STRUCK_MOST (POLICY_STRUCK_MAX + POLICY_STRUCK_MAX / 4)

/* Does it go to other nodes? */
bool policy_is_shared(const struct registrar *r, enum policy_kind kind);

/*
 * Do nodes take a word of that time?  A clock may be ahead, but not by that
 * much: what was said by one that was waits until it is that late.
 */
bool policy_is_believed(uint64_t since_ms, uint64_t now_ms);

/* What is known already, or comes from another node.  NULL: no memory. */
struct policy_change *policy_change_of(enum policy_kind kind,
    const char *subject, uint64_t since_ms, uint64_t until_ms);

/* The since of the latest that may have been forgotten; 0: nothing was. */
uint64_t policy_forgotten_ms(struct policy_book *p, enum policy_kind kind);

/* A timer: end and forget what is over.  It is set after each change, ... */
void policy_sweep_run(struct timer *timer);
void policy_sweep_set(struct policy_book *p);
void policy_sweep_again(struct policy_book *p); /* ... or failure */

/* The start, when all is loaded: what of it Redis has had. */
void policy_find_told(struct policy_book *p);

#endif
