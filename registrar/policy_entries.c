/* A tree of entries, and how many there are of each kind. */
#include "registrar/policy_entries.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/clock.h"
#include "lib/siphash.h"
#include "registrar/policy.h"

static int
compare(const struct policy_entry *a, const struct policy_entry *b)
{
	if (a->kind != b->kind)
		return a->kind < b->kind ? -1 : 1;
	return strcmp(a->subject, b->subject);
}

RB_GENERATE(policy_tree, policy_entry, tree, compare)

void
policy_entries_init(struct policy_entries *all)
{
	*all = (struct policy_entries){ .holding = { 0 } };
	RB_INIT(&all->tree);
}

void
policy_entries_release(struct policy_entries *all)
{
	struct policy_entry *e;

	while ((e = RB_MIN(policy_tree, &all->tree)) != NULL)
		policy_entries_drop(all, e);
}

struct policy_entry *
policy_entries_find(
    struct policy_entries *all, enum policy_kind kind, const char *subject)
{
	struct policy_entry like = { .kind = kind, .subject = (char *)subject };

	return RB_FIND(policy_tree, &all->tree, &like);
}

struct policy_entry *
policy_entries_from(
    struct policy_entries *all, enum policy_kind kind, const char *subject)
{
	struct policy_entry like = { .kind = kind, .subject = (char *)subject };

	return RB_NFIND(policy_tree, &all->tree, &like);
}

struct policy_entry *
policy_entries_next(struct policy_entry *e)
{
	return RB_NEXT(policy_tree, NULL, e);
}

static size_t *
counter(struct policy_entries *all, const struct policy_entry *e)
{
	return e->spent ? &all->spent[e->kind] : &all->holding[e->kind];
}

void
policy_say(const struct policy_entry *e, char field[POLICY_FIELD_MAX],
    char value[POLICY_VALUE_MAX])
{
	snprintf(field, POLICY_FIELD_MAX, "%s:%s",
	    policy_kind_info(e->kind)->name, e->subject);
	snprintf(value, POLICY_VALUE_MAX, "%" PRIu64 " %" PRIu64, e->since_ms,
	    e->until_ms);
}

static uint64_t
hash(const struct policy_entry *e)
{
	static const uint64_t key[2]; /* it finds faults, not foes */
	char field[POLICY_FIELD_MAX], value[POLICY_VALUE_MAX];

	if (e->spent || e->kind == POLICY_FORGOTTEN ||
	    !policy_kind_info(e->kind)->shared)
		return 0;
	policy_say(e, field, value);
	return siphash(key, field, strlen(field)) *
	       (siphash(key, value, strlen(value)) | 1);
}

static void
count_anew(struct policy_entries *all, struct policy_entry *e, bool spent)
{
	--*counter(all, e);
	e->spent = spent;
	++*counter(all, e);
	all->checksum -= e->hash;
	e->hash = hash(e);
	all->checksum += e->hash;
}

static struct policy_entry *
add(struct policy_entries *all, enum policy_kind kind, const char *subject)
{
	struct policy_entry *e = calloc(1, sizeof(*e));

	if (e == NULL)
		return NULL;
	e->kind = kind;
	e->subject = strdup(subject);
	if (e->subject == NULL ||
	    (kind == POLICY_BAN && !cidr_parse(&e->network, subject))) {
		free(e->subject);
		free(e);
		return NULL;
	}
	RB_INSERT(policy_tree, &all->tree, e);
	++*counter(all, e);
	return e;
}

struct policy_entry *
policy_entries_set(struct policy_entries *all, enum policy_kind kind,
    const char *subject, uint64_t since_ms, uint64_t until_ms)
{
	struct policy_entry *e = policy_entries_find(all, kind, subject);

	if (e == NULL)
		e = add(all, kind, subject);
	if (e == NULL)
		return NULL;
	e->since_ms = since_ms;
	e->until_ms = until_ms;
	e->ending = false;
	e->heard = 0;
	count_anew(all, e, policy_is_over(e, clock_real_ms()));
	return e;
}

void
policy_entries_drop(struct policy_entries *all, struct policy_entry *e)
{
	RB_REMOVE(policy_tree, &all->tree, e);
	--*counter(all, e);
	all->checksum -= e->hash;
	free(e->subject);
	free(e);
}

void
policy_entries_count(struct policy_entries *all, uint64_t now_ms)
{
	struct policy_entry *e;

	RB_FOREACH(e, policy_tree, &all->tree)
	if (!e->spent && policy_is_over(e, now_ms))
		count_anew(all, e, true);
}

static int
compare_late_first(const void *a, const void *b)
{
	uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;

	return (left < right) - (left > right);
}

uint64_t
policy_entries_surplus(
    struct policy_entries *all, enum policy_kind kind, size_t keep)
{
	size_t n = 0, room = all->spent[kind];
	uint64_t *since, last = 0;
	struct policy_entry *e;

	if (room <= keep)
		return 0;
	since = reallocarray(NULL, room, sizeof(*since));
	if (since == NULL)
		return 0; /* the next sweep comes */
	for (e = policy_entries_from(all, kind, "");
	     e != NULL && e->kind == kind; e = policy_entries_next(e))
		if (e->spent && !e->ending)
			since[n++] = e->since_ms;
	qsort(since, n, sizeof(*since), compare_late_first);
	if (n > keep)
		last = since[keep];
	free(since);
	return last;
}
