/* A name leads to its thing, whatever else is in the set. */
#include "lib/names.h"

#include <stdio.h>
#include <stdlib.h>

#include "t/tap.h"

#define THINGS 1000 /* in 2^4 chains */

static struct thing {
	struct named named;
	char name[16];
} things[THINGS];

static void
test_many(struct names *set)
{
	unsigned wrong = 0;

	for (unsigned i = 0; i < THINGS; i++) {
		snprintf(things[i].name, sizeof(things[i].name), "%u", i);
		names_add(set, &things[i].named, things[i].name);
	}
	for (unsigned i = 0; i < THINGS; i++)
		wrong += names_find(set, things[i].name) != &things[i].named;
	is_int(wrong, 0, "each of %d is found by its name", THINGS);
	for (unsigned i = 0; i < THINGS; i += 2)
		names_remove(set, &things[i].named);
	for (unsigned i = 0; i < THINGS; i++)
		wrong += (names_find(set, things[i].name) != NULL) != i % 2;
	is_int(wrong, 0, "half of them removed, the others are found");
}

/* All things are seen, from any name on, be it there or not. */
static void
test_walk(const struct names *set)
{
	unsigned seen = 0, after = 0;
	const struct named *thing;

	for (thing = names_from(set, NULL); thing != NULL;
	     thing = names_next(set, thing))
		seen += (unsigned)strtol(thing->name, NULL, 10) % 2;
	is_int(seen, THINGS / 2, "a walk sees each");
	seen = 0;
	for (thing = names_from(set, NULL); thing != names_from(set, "0");
	     thing = names_next(set, thing))
		seen++;
	for (; thing != NULL; thing = names_next(set, thing))
		after++;
	is_int(seen + after, THINGS / 2, "one that begins at a name goes on");
}

int
main(void)
{
	static struct thing twice;
	struct names set;

	if (!ok(names_init(&set, 4), "a set"))
		return done();
	ok(names_find(&set, "x") == NULL, "of nothing");
	test_many(&set);
	test_walk(&set);
	snprintf(twice.name, sizeof(twice.name), "%s", things[1].name);
	names_add(&set, &twice.named, twice.name);
	ok(names_find(&set, "1") == &twice.named, "the last of that name");
	names_remove(&set, &twice.named);
	ok(names_find(&set, "1") == &things[1].named, "then the other one");
	names_release(&set);
	return done();
}
