/*
 * Things found by their name in constant time, however many there are.  The
 * hash is keyed at random: no stranger can choose names that fall together.
 */
#ifndef LIB_NAMES_H
#define LIB_NAMES_H

#include <stdbool.h>
#include <stdint.h>

/* A part of the thing; in one set at a time. */
struct named {
	struct named *next;
	uint64_t hash;
	const char *name; /* borrowed; stays as it is while it is in the set */
};

struct names {
	struct named **heads; /* owned; chains in order of hash, then name */
	unsigned log2;	      /* of their number: it is never changed */
	uint64_t key[2];
};

/* For about 2^log2 things; more are found more slowly.  False: no memory. */
bool names_init(struct names *set, unsigned log2);

/* The things stay: they are the caller's. */
void names_release(struct names *set);

/* NULL: not there.  Of several with the same name, the last one added. */
struct named *names_find(const struct names *set, const char *name);

void names_add(struct names *set, struct named *thing, const char *name);
void names_remove(struct names *set, struct named *thing);

/*
 * To see all, in an order of the set's own that stays the same whatever is
 * added or removed: the first at or after a name, be it there or not, and the
 * one after a thing.  names_from(set, NULL) is the first of all.
 */
struct named *names_from(const struct names *set, const char *name);
struct named *names_next(const struct names *set, const struct named *thing);

#endif
