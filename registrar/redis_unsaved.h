/*
 * What Redis has not got: which patterns of which names, and whether they were
 * set or struck.  What a set one is set to stands in the book.
 */
#ifndef REGISTRAR_REDIS_UNSAVED_H
#define REGISTRAR_REDIS_UNSAVED_H

#include <bsd/sys/tree.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "registrar/change.h"

#define UNSAVED_MAX 1000000 /* as many routes as a table may hold */

struct unsaved_route {
	RB_ENTRY(unsaved_route) entry;
	char *key, *pattern;   /* owned, in the same allocation */
	enum change_kind kind;
	uint64_t version;      /* of that change */
	uint64_t serial;       /* new each time it is added */
};

struct unsaved {
	RB_HEAD(unsaved_routes, unsaved_route) routes; /* by key, pattern */
	size_t count;
	bool kept; /* SQLite has some of them, or had, or will */
	uint64_t serial;
};

void unsaved_init(struct unsaved *u);
void unsaved_release(struct unsaved *u);

/* Add, or replace what was there.  False: over the bound, or no memory. */
bool unsaved_add(struct unsaved *u, enum change_kind kind, const char *key,
    const char *pattern, uint64_t version);

/* Redis has it.  serial: unless it was added anew since; 0: in any case. */
void unsaved_remove(struct unsaved *u, const char *key, const char *pattern,
    uint64_t serial);

/* Is there one of this name?  Of this route? */
bool unsaved_has(struct unsaved *u, const char *key);
bool unsaved_has_route(struct unsaved *u, const char *key, const char *pattern);

/* The first after that one in order; key NULL: of all.  NULL: no more. */
struct unsaved_route *unsaved_after(struct unsaved *u, const char *key,
    const char *pattern);

/* The version that it was added with; 0: it is not there. */
uint64_t unsaved_version(
    struct unsaved *u, const char *key, const char *pattern);

#endif
