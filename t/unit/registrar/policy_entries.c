/*
 * registrar/policy_entries.c: what holds and what is over is counted as it
 * comes and goes, and so is the checksum; of what is over the oldest go first;
 * what was struck is over, whenever that is said to have been.
 */
#include "registrar/policy_entries.h"

#include <stdio.h>

#include "lib/clock.h"
#include "t/tap.h"

#define HOUR_MS (60 * 60 * 1000ULL)

static struct policy_entries all;
static uint64_t now;

static void
set(enum policy_kind kind, const char *subject, uint64_t since, uint64_t until)
{
	if (policy_entries_set(&all, kind, subject, since, until) == NULL)
		ok(false, "%s", subject);
}

static void
drop(enum policy_kind kind, const char *subject)
{
	policy_entries_drop(&all, policy_entries_find(&all, kind, subject));
}

static void
count_checksum(void)
{
	uint64_t one, both;

	is_int(all.checksum, 0, "of nothing");
	set(POLICY_BAN, "10.0.0.0/8", 5, 0);
	one = all.checksum;
	ok(one != 0, "of a ban");
	set(POLICY_MAINTENANCE, "alpha", 6, 0);
	both = all.checksum;
	ok(both != one, "of another word");
	set(POLICY_STANDBY, "", 7, 0);
	set(POLICY_FORGOTTEN, "ban", 7, 0);
	ok(all.checksum == both, "what is of this node does not count");
	set(POLICY_BAN, "10.0.0.0/8", 5, 0);
	ok(all.checksum == both, "the same once more");
	set(POLICY_BAN, "10.0.0.0/8", 8, 0);
	ok(all.checksum != both, "a later one is another");
	drop(POLICY_MAINTENANCE, "alpha");
	drop(POLICY_BAN, "10.0.0.0/8");
	is_int(all.checksum, 0, "all are gone");
	set(POLICY_MAINTENANCE, "alpha", 6, 0);
	set(POLICY_BAN, "10.0.0.0/8", 5, 0);
	ok(all.checksum == both, "the order does not matter");
	set(POLICY_BAN, "10.0.0.0/8", 9, 9);
	set(POLICY_MAINTENANCE, "alpha", 9, now + HOUR_MS);
	policy_entries_count(&all, now + 2 * HOUR_MS);
	is_int(all.checksum, 0, "what was struck, or is over, does not count");
	is_int(all.holding[POLICY_BAN] + all.holding[POLICY_MAINTENANCE], 0,
	    "nor hold");
	is_int(all.spent[POLICY_BAN] + all.spent[POLICY_MAINTENANCE], 2,
	    "but is there");
}

/* As after a word of a node whose clock is ahead. */
static void
count_yet_to_come(void)
{
	set(POLICY_BAN, "10.0.0.0/8", now + HOUR_MS, now + HOUR_MS);
	is_int(all.spent[POLICY_BAN], 1, "struck by and by: it is over");
	is_int(all.checksum, 0, "and does not count");
	set(POLICY_BAN, "10.0.0.0/8", now + HOUR_MS, now + HOUR_MS / 2);
	is_int(all.holding[POLICY_BAN], 1, "it ends before that: it holds");
	policy_entries_count(&all, now + HOUR_MS / 2);
	is_int(all.spent[POLICY_BAN], 1, "until then");
	set(POLICY_BAN, "10.0.0.0/8", now + HOUR_MS, 0);
	policy_entries_count(&all, now + 2 * HOUR_MS);
	is_int(all.holding[POLICY_BAN], 1, "it has no end: it holds");
}

static void
find_surplus(void)
{
	char subject[32];

	is_int(policy_entries_surplus(&all, POLICY_BAN, 10), 0, "none is over");
	for (unsigned i = 0; i < 100; i++) {
		unsigned since = (i * 37) % 100 + 1;

		snprintf(subject, sizeof(subject), "10.0.0.%u/32", i);
		set(POLICY_BAN, subject, since, since);
	}
	set(POLICY_BAN, "192.0.2.0/24", 1, 0);
	is_int(
	    policy_entries_surplus(&all, POLICY_BAN, 100), 0, "all may stay");
	is_int(policy_entries_surplus(&all, POLICY_BAN, 99), 1, "one must go");
	is_int(policy_entries_surplus(&all, POLICY_BAN, 10), 90, "90 must");
	is_int(policy_entries_surplus(&all, POLICY_BAN, 0), 100, "all must");
	is_int(policy_entries_surplus(&all, POLICY_MAINTENANCE, 0), 0,
	    "those of another kind do not");
	policy_entries_find(&all, POLICY_BAN, "10.0.0.0/32")->ending = true;
	is_int(policy_entries_surplus(&all, POLICY_BAN, 98), 2,
	    "what goes already is not counted");
}

int
main(void)
{
	now = clock_real_ms();
	policy_entries_init(&all);
	count_checksum();
	policy_entries_release(&all);
	policy_entries_init(&all);
	count_yet_to_come();
	policy_entries_release(&all);
	policy_entries_init(&all);
	find_surplus();
	policy_entries_release(&all);
	return done();
}
