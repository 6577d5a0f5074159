/* Finds things by name: a hash table with chains and a fixed size. */
#include "lib/names.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "lib/siphash.h"

bool
names_init(struct names *set, unsigned log2)
{
	set->log2 = log2;
	arc4random_buf(set->key, sizeof(set->key));
	set->heads = calloc((size_t)1 << log2, sizeof(struct named *));
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

static struct named **
head(const struct names *set, uint64_t h)
{
	return &set->heads[h & (((uint64_t)1 << set->log2) - 1)];
}

struct named *
names_find(const struct names *set, const char *name)
{
	uint64_t h = hash(set, name);
	struct named *thing = *head(set, h);

	while (thing != NULL &&
	       (thing->hash != h || strcmp(thing->name, name) != 0))
		thing = thing->next;
	return thing;
}

void
names_add(struct names *set, struct named *thing, const char *name)
{
	struct named **at;

	thing->name = name;
	thing->hash = hash(set, name);
	at = head(set, thing->hash);
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
