/*
 * Connections of each address.
 *
 * A worker counts its own, in its slab, so that the master can forget what a
 * dead one had; the sum over the slabs is what an address has.  It counts
 * first and looks then: two workers that do so at the same time see each
 * other's, and the limit is not passed.
 *
 * Two addresses with the same 29 bits of hash share their limit.  When all
 * words of a set are in use, which takes more addresses than a worker has
 * connections or luck with a key that strangers do not know, one more is let
 * through and not counted.
 */
#include "shm/limits_layout.h"

#define COUNT_BITS 16
#define COUNT_MASK ((1u << COUNT_BITS) - 1)

static uint32_t
tag_of(uint64_t hash)
{
	return (uint32_t)(hash >> 48) << COUNT_BITS;
}

static uint32_t
count_in(uint32_t word)
{
	return word & COUNT_MASK;
}

/*
 * The word of that tag, or one that nobody uses; *word is what is in it.
 * NULL: all are in use.
 */
static address *
find(address set[ADDRESS_WAYS], uint32_t tag, uint32_t *word)
{
	address *unused = NULL;
	uint32_t w;

	for (size_t i = 0; i < ADDRESS_WAYS; i++) {
		w = atomic_load(&set[i]);
		if (count_in(w) > 0 && count_in(w) < COUNT_MASK &&
		    (w & ~COUNT_MASK) == tag) {
			*word = w;
			return &set[i];
		}
		if (unused == NULL && count_in(w) == 0) {
			*word = w;
			unused = &set[i];
		}
	}
	return unused;
}

/* Count one more in our slab.  0: there is no room; else where, from 1. */
static uint32_t
count_one(struct limits *l, uint64_t hash)
{
	address *first = &l->segment->slabs[l->own].addresses[0][0], *a;
	uint32_t tag = tag_of(hash), word;

	do {
		a = find(
		    l->segment->slabs[l->own].addresses[hash % ADDRESS_SETS],
		    tag, &word);
		if (a == NULL)
			return 0;
	} while (!atomic_compare_exchange_weak(
	    a, &word, tag | (count_in(word) + 1)));
	return (uint32_t)(a - first) + 1;
}

static uint64_t
count_all(const struct limits *l, uint64_t hash)
{
	uint32_t word;
	uint64_t sum = 0;
	size_t used = atomic_load(&l->segment->used);

	for (size_t i = 0; i < used && i < l->nslabs; i++) {
		address *set =
		    l->segment->slabs[i].addresses[hash % ADDRESS_SETS];

		for (size_t way = 0; way < ADDRESS_WAYS; way++) {
			word = atomic_load(&set[way]);
			if ((word & ~COUNT_MASK) == tag_of(hash))
				sum += count_in(word);
		}
	}
	return sum;
}

bool
limits_connect(struct limits *l, const struct ip *ip, uint32_t *place)
{
	uint64_t hash;

	*place = 0;
	if (l->connections == 0)
		return true;
	hash = hash_client(l, ip);
	*place = count_one(l, hash);
	if (*place == 0 || count_all(l, hash) <= l->connections)
		return true;
	limits_disconnect(l, *place);
	*place = 0;
	return false;
}

void
limits_disconnect(struct limits *l, uint32_t place)
{
	address *a;
	uint32_t word;

	if (place == 0)
		return;
	a = &l->segment->slabs[l->own].addresses[0][0] + (place - 1);
	word = atomic_load(a);
	while (count_in(word) > 0 && !atomic_compare_exchange_weak(a, &word,
					 count_in(word) == 1 ? 0 : word - 1))
		;
}
