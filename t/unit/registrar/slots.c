/* registrar/slots.c: a name keeps its counter, and no two have the same. */
#include "registrar/slots.h"

#include <stdio.h>
#include <stdlib.h>

#include "shm/counters.h"
#include "t/tap.h"

static const char *
key(unsigned n)
{
	static char text[16];

	snprintf(text, sizeof(text), "ttool-%u", n);
	return text;
}

static void
test_all(struct slots *s)
{
	static uint8_t seen[COUNTERS_TOOLS];
	unsigned twice = 0, changed = 0;
	uint32_t slot;

	for (unsigned n = 1; n < COUNTERS_TOOLS; n++)
		seen[counters_index(slots_take(s, key(n)))]++;
	for (unsigned n = 1; n < COUNTERS_TOOLS; n++) {
		twice += seen[n] != 1;
		slot = slots_find(s, key(n));
		changed += slot == 0 || slots_take(s, key(n)) != slot;
	}
	for (unsigned n = 1; n < COUNTERS_TOOLS; n++)
		changed += counters_index(slots_at(s, n)) != n;
	is_int(twice, 0, "%d names, each with a slot of its own",
	    COUNTERS_TOOLS - 1);
	is_int(changed, 0, "which it keeps, and where it is");
	is_int(slots_take(s, "tone-more"), 0, "there are no more");
	slot = slots_find(s, key(77));
	slots_drop(s, key(77));
	is_int(counters_index(slots_take(s, "tone-more")), counters_index(slot),
	    "until a name goes");
	ok(slots_find(s, "tone-more") != slot, "whose counts are not taken over");
	is_int(slots_find(s, key(77)), 0, "which has none any more");
}

int
main(void)
{
	struct slots *s = slots_new();
	uint32_t slot;

	if (!ok(s != NULL, "slots"))
		return done();
	is_int(slots_find(s, "talpha"), 0, "a name has none");
	slot = slots_take(s, "talpha");
	ok(counters_index(slot) > 0 && counters_index(slot) < COUNTERS_TOOLS,
	    "until it takes one");
	slots_drop(s, "talpha");
	ok(counters_index(slots_take(s, "tbeta")) != counters_index(slot),
	    "a slot rests before another's turn");
	slots_adopt(s, "tgamma", 500);
	is_int(slots_take(s, "tgamma"), 500, "one from before is kept");
	slots_adopt(s, "tdelta", 500);
	is_int(slots_find(s, "tdelta"), 0, "unless it is another's");
	slots_adopt(s, "tdelta", COUNTERS_TOOLS);
	slots_adopt(s, "tdelta", 0);
	is_int(slots_find(s, "tdelta"), 0, "or is none");
	slots_adopt(s, "tgamma", 501);
	is_int(slots_find(s, "tgamma"), 500, "and a name has one");
	slots_free(s);
	s = slots_new();
	test_all(s);
	slots_free(s);
	return done();
}
