/*
 * The policy's entries, by kind and subject: those that hold, and those that
 * are over and not yet forgotten.  Memory only; policy.c decides.
 */
#ifndef REGISTRAR_POLICY_ENTRIES_H
#define REGISTRAR_POLICY_ENTRIES_H

#include <bsd/sys/tree.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/addr.h"
#include "registrar/policy_kind.h"

struct policy_entry {
	RB_ENTRY(policy_entry) tree;
	enum policy_kind kind;
	bool ending; /* its end is on its way to SQLite */
	bool spent;  /* counted as over; else as one that holds */
	bool told;   /* Redis has had it */
	uint64_t since_ms, until_ms; /* until 0: for ever; since: struck */
	uint64_t heard;	     /* policy*.c: the last round of Redis with it, */
	uint64_t seen;	     /* or with any word about it */
	uint64_t missing_ms; /* CLOCK_MONOTONIC: since when; 0: it is not */
	uint64_t hash;	     /* its part of the checksum */
	struct cidr network; /* POLICY_BAN only */
	char *subject;	     /* owned */
};

struct policy_entries {
	RB_HEAD(policy_tree, policy_entry) tree;
	size_t holding[POLICY_KINDS];
	size_t spent[POLICY_KINDS];
	uint64_t checksum; /* of those that hold, and that nodes share */
};

RB_PROTOTYPE(policy_tree, policy_entry, tree, );

void policy_entries_init(struct policy_entries *all);
void policy_entries_release(struct policy_entries *all);

/* NULL: there is none, not even one that is over. */
struct policy_entry *policy_entries_find(
    struct policy_entries *all, enum policy_kind kind, const char *subject);

/* The first that is not before that. */
struct policy_entry *policy_entries_from(
    struct policy_entries *all, enum policy_kind kind, const char *subject);
struct policy_entry *policy_entries_next(struct policy_entry *e);

/* Make it so, whatever was.  NULL: no memory. */
struct policy_entry *policy_entries_set(struct policy_entries *all,
    enum policy_kind kind, const char *subject, uint64_t since_ms,
    uint64_t until_ms);

void policy_entries_drop(struct policy_entries *all, struct policy_entry *e);

/*
 * Does what these times say hold no longer?  What was struck does not, even if
 * its since, which is later than all before it, is yet to come.
 *
 * now_ms  CLOCK_REALTIME
 */
static inline bool
policy_times_over(uint64_t since_ms, uint64_t until_ms, uint64_t now_ms)
{
	return until_ms != 0 && (until_ms == since_ms || until_ms <= now_ms);
}

static inline bool
policy_is_over(const struct policy_entry *e, uint64_t now_ms)
{
	return policy_times_over(e->since_ms, e->until_ms, now_ms);
}

/* Have those counted that time has ended. */
void policy_entries_count(struct policy_entries *all, uint64_t now_ms);

/*
 * The since of the latest that must go, so that no more than keep of those that
 * are over are left: with it goes what is as old, or older.  0: none must.
 */
uint64_t policy_entries_surplus(
    struct policy_entries *all, enum policy_kind kind, size_t keep);

#endif
