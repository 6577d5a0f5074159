/* Keeps the tombstones by key and by age, and one timer for the oldest. */
#include "registrar/tombstones.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "lib/container.h"
#include "registrar/publish.h"

struct tombstone {
	RB_ENTRY(tombstone) entry;
	TAILQ_ENTRY(tombstone) order;
	uint64_t due_ms; /* CLOCK_MONOTONIC */
	char key[];	 /* NUL-terminated */
};

static int
compare(const struct tombstone *a, const struct tombstone *b)
{
	return strcmp(a->key, b->key);
}

RB_GENERATE_INTERNAL(
    tomb_tree, tombstone, entry, compare, __attribute__((unused)) static)

struct tombstone *
tombstone_new(const char *key)
{
	size_t size = strlen(key) + 1;
	struct tombstone *t = calloc(1, sizeof(*t) + size);

	if (t != NULL)
		memcpy(t->key, key, size);
	return t;
}

void
tombstone_free(struct tombstone *t)
{
	free(t);
}

static struct tombstone *
find(struct tombstones *all, const char *key)
{
	struct tombstone *t = RB_ROOT(&all->by_key);
	int order;

	while (t != NULL && (order = strcmp(key, t->key)) != 0)
		t = order < 0 ? RB_LEFT(t, entry) : RB_RIGHT(t, entry);
	return t;
}

bool
tombstones_has(struct tombstones *all, const char *key)
{
	return find(all, key) != NULL;
}

static void
set_timer(struct tombstones *all)
{
	struct tombstone *first = TAILQ_FIRST(&all->by_age);

	timer_clear(&all->loop->timers, &all->timer);
	if (first != NULL)
		timer_set(&all->loop->timers, &all->timer, first->due_ms);
}

void
tombstones_add_take(struct tombstones *all, struct tombstone *t)
{
	struct tombstone *other = RB_INSERT(tomb_tree, &all->by_key, t);

	assert(other == NULL);
	(void)other;
	t->due_ms = all->loop->now_ms + TOMBSTONE_MS;
	TAILQ_INSERT_TAIL(&all->by_age, t, order);
	all->n++;
	set_timer(all);
}

static void
take_out(struct tombstones *all, struct tombstone *t)
{
	RB_REMOVE(tomb_tree, &all->by_key, t);
	TAILQ_REMOVE(&all->by_age, t, order);
	all->n--;
	tombstone_free(t);
}

void
tombstones_remove(struct tombstones *all, const char *key)
{
	struct tombstone *t = find(all, key);

	if (t == NULL)
		return;
	take_out(all, t);
	set_timer(all);
}

static void
bury(struct timer *timer)
{
	struct tombstones *all = container_of(timer, struct tombstones, timer);
	struct tombstone *t;

	while ((t = TAILQ_FIRST(&all->by_age)) != NULL &&
	       t->due_ms <= all->loop->now_ms) {
		all->buried(all, t->key);
		take_out(all, t);
	}
	set_timer(all);
}

void
tombstones_init(struct tombstones *all, struct ev_loop *loop,
    void (*buried)(struct tombstones *tombstones, const char *key))
{
	*all = (struct tombstones){
		.loop = loop,
		.timer.fire = bury,
		.buried = buried,
	};
	RB_INIT(&all->by_key);
	TAILQ_INIT(&all->by_age);
}

void
tombstones_release(struct tombstones *all)
{
	struct tombstone *t;

	while ((t = TAILQ_FIRST(&all->by_age)) != NULL)
		take_out(all, t);
	timer_clear(&all->loop->timers, &all->timer);
}
