/*
 * What the files of the policy share: policy.c (changes and their way),
 * policy_nodes.c (what other nodes say), policy_list.c (what is told of it).
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
};

/*
 * An entry that is over is remembered for so long where nodes share it: one
 * that was away meanwhile must not bring back what was struck.
 */
#define POLICY_KEPT_MS (7 * 24 * 60 * 60 * 1000ULL)

/* Does it go to other nodes? */
bool policy_is_shared(const struct registrar *r, enum policy_kind kind);

/* What is known already, or comes from another node.  NULL: no memory. */
struct policy_change *policy_change_of(enum policy_kind kind,
    const char *subject, uint64_t since_ms, uint64_t until_ms);

#endif
