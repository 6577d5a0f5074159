/* Finds things by name: a hash table with chains and a fixed size. */
#include "lib/names.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "lib/siphash.h"

static size_t
nheads(const struct names *set)
{
	return (size_t)1 << set->log2;
}

bool
names_init(struct names *set, unsigned log2)
{
	set->log2 = log2;
	arc4random_buf(set->key, sizeof(set->key));
	set->heads = calloc(nheads(set), sizeof(struct named *));
	return set->heads != NULL;
}

void
names_release(struct names *set)
{
	free(set->heads);
	set->heads = NULL;
}

static uint64_t
hash(const struct names *set, const char *name)
{
	return siphash(set->key, name, strlen(name));
}

/* The upper bits: chains are in the order of the hashes, too. */
static struct named **
head(const struct names *set, uint64_t h)
{
	return &set->heads[h >> (64 - set->log2)];
}

/* Where in its chain a name is, or would be: before that thing. */
static struct named **
place(const struct names *set, const char *name, uint64_t h)
{
	struct named **at = head(set, h);

	while (*at != NULL &&
	       ((*at)->hash < h ||
		   ((*at)->hash == h && strcmp((*at)->name, name) < 0)))
		at = &(*at)->next;
	return at;
}

struct named *
names_find(const struct names *set, const char *name)
{
	uint64_t h = hash(set, name);
	struct named *thing = *place(set, name, h);

	return thing != NULL && thing->hash == h &&
		       strcmp(thing->name, name) == 0
		   ? thing
		   : NULL;
}

void
names_add(struct names *set, struct named *thing, const char *name)
{
	struct named **at;

	thing->name = name;
	thing->hash = hash(set, name);
	at = place(set, name, thing->hash);
	thing->next = *at;
	*at = thing;
}

void
names_remove(struct names *set, struct named *thing)
{
	struct named **at = head(set, thing->hash);

	while (*at != thing) {
		assert(*at != NULL);
		at = &(*at)->next;
	}
	*at = thing->next;
}

/* The first of the chains from that one on. */
static struct named *
first_from(const struct names *set, struct named **at)
{
	while (at < set->heads + nheads(set))
		if (*at++ != NULL)
			return at[-1];
	return NULL;
}

struct named *
names_from(const struct names *set, const char *name)
{
	uint64_t h;
	struct named *thing;

	if (name == NULL)
		return first_from(set, set->heads);
	h = hash(set, name);
	thing = *place(set, name, h);
	return thing != NULL ? thing : first_from(set, head(set, h) + 1);
}

struct named *
names_next(const struct names *set, const struct named *thing)
{
	return thing->next != NULL
		   ? thing->next
		   : first_from(set, head(set, thing->hash) + 1);
}
