/* Gives slots in turn. */
#include "registrar/slots.h"

#include <stdlib.h>
#include <string.h>

#include "lib/container.h"
#include "lib/names.h"
#include "shm/counters.h"

#define TOOLS_LOG2 14

struct holder {
	struct named named;
	uint32_t slot;
	char key[]; /* NUL-terminated */
};

struct slots {
	struct names by_key;
	struct holder *by_index[COUNTERS_TOOLS]; /* owned; [0] is nobody's */
	uint32_t last;				 /* that was given */
	uint32_t held;				 /* how many are */
};

struct slots *
slots_new(void)
{
	struct slots *s = calloc(1, sizeof(*s));

	if (s != NULL && !names_init(&s->by_key, TOOLS_LOG2)) {
		free(s);
		return NULL;
	}
	return s;
}

void
slots_free(struct slots *s)
{
	for (size_t i = 0; i < COUNTERS_TOOLS; i++)
		free(s->by_index[i]);
	names_release(&s->by_key);
	free(s);
}

static struct holder *
find(const struct slots *s, const char *key)
{
	struct named *named = names_find(&s->by_key, key);

	return named == NULL ? NULL : container_of(named, struct holder, named);
}

uint32_t
slots_find(const struct slots *s, const char *key)
{
	const struct holder *h = find(s, key);

	return h == NULL ? 0 : h->slot;
}

uint32_t
slots_at(const struct slots *s, uint32_t index)
{
	return s->by_index[index] == NULL ? 0 : s->by_index[index]->slot;
}

const char *
slots_key_at(const struct slots *s, uint32_t index)
{
	return s->by_index[index] == NULL ? NULL : s->by_index[index]->key;
}

void
slots_adopt(struct slots *s, const char *key, uint32_t slot)
{
	size_t size = strlen(key) + 1;
	uint32_t index = counters_index(slot);
	struct holder *h;

	if (index == 0 || index >= COUNTERS_TOOLS ||
	    s->by_index[index] != NULL || find(s, key) != NULL)
		return;
	h = malloc(sizeof(*h) + size);
	if (h == NULL)
		return;
	h->slot = slot;
	memcpy(h->key, key, size);
	s->by_index[index] = h;
	names_add(&s->by_key, &h->named, h->key);
	s->held++;
}

uint32_t
slots_take(struct slots *s, const char *key)
{
	uint32_t slot = slots_find(s, key);

	if (s->held == COUNTERS_TOOLS - 1)
		return slot; /* a million names are not to search for more */
	for (uint32_t n = 1; slot == 0 && n < COUNTERS_TOOLS; n++) {
		s->last = s->last % (COUNTERS_TOOLS - 1) + 1;
		if (s->by_index[s->last] != NULL)
			continue;
		slots_adopt(s, key,
		    s->last | arc4random() / COUNTERS_HOLDER * COUNTERS_HOLDER);
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
	names_remove(&s->by_key, &h->named);
	s->by_index[counters_index(h->slot)] = NULL;
	s->held--;
	free(h);
}
