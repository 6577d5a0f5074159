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
	struct named **heads; /* owned; pages of it cost when they are used */
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

#endif
