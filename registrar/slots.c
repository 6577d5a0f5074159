/* Gives slots in turn. */
#include "registrar/slots.h"

#include <bsd/sys/tree.h>
#include <stdlib.h>
#include <string.h>

#include "shm/limits.h"

struct holder {
	RB_ENTRY(holder) entry;
	uint32_t slot;
	char key[]; /* NUL-terminated */
};

struct slots {
	RB_HEAD(holder_tree, holder) by_key;
	struct holder *by_slot[LIMITS_TOOLS]; /* owned; [0] is nobody's */
	uint32_t last;			      /* that was given */
	uint32_t held;			      /* how many are */
};

static int
compare(const struct holder *a, const struct holder *b)
{
	return strcmp(a->key, b->key);
}

RB_GENERATE_INTERNAL(
    holder_tree, holder, entry, compare, __attribute__((unused)) static)

struct slots *
slots_new(void)
{
	return calloc(1, sizeof(struct slots));
}

void
slots_free(struct slots *s)
{
	for (size_t i = 0; i < LIMITS_TOOLS; i++)
		free(s->by_slot[i]);
	free(s);
}

/* There is no holder without its key: it is compared from the root by hand. */
static struct holder *
find(const struct slots *s, const char *key)
{
	struct holder *h = RB_ROOT(&s->by_key);
	int order;

	while (h != NULL && (order = strcmp(key, h->key)) != 0)
		h = order < 0 ? RB_LEFT(h, entry) : RB_RIGHT(h, entry);
	return h;
}

uint32_t
slots_find(const struct slots *s, const char *key)
{
	const struct holder *h = find(s, key);

	return h == NULL ? 0 : h->slot;
}

void
slots_adopt(struct slots *s, const char *key, uint32_t slot)
{
	size_t size = strlen(key) + 1;
	struct holder *h;

	if (slot == 0 || slot >= LIMITS_TOOLS || s->by_slot[slot] != NULL ||
	    find(s, key) != NULL)
		return;
	h = malloc(sizeof(*h) + size);
	if (h == NULL)
		return;
	h->slot = slot;
	memcpy(h->key, key, size);
	s->by_slot[slot] = h;
	RB_INSERT(holder_tree, &s->by_key, h);
	s->held++;
}

uint32_t
slots_take(struct slots *s, const char *key)
{
	uint32_t slot = slots_find(s, key);

	if (s->held == LIMITS_TOOLS - 1)
		return slot; /* a million names are not to search for more */
	for (uint32_t n = 1; slot == 0 && n < LIMITS_TOOLS; n++) {
		s->last = s->last % (LIMITS_TOOLS - 1) + 1;
		if (s->by_slot[s->last] != NULL)
			continue;
		slots_adopt(s, key, s->last);
		return slots_find(s, key);
	}
	return slot;
}

void
slots_drop(struct slots *s, const char *key)
{
	struct holder *h = find(s, key);

	if (h == NULL)
		return;
	RB_REMOVE(holder_tree, &s->by_key, h);
	s->by_slot[h->slot] = NULL;
	s->held--;
	free(h);
}
