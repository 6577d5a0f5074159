/* registrar/rate.c: a burst at once, then so many a second, each for itself. */
#include "registrar/rate.h"

#include <stdio.h>
#include <stdlib.h>

#include "t/tap.h"

#define NOW 1000000

/* How many of so many at that time are let through. */
static unsigned
taken(struct rate *rate, const char *who, unsigned per_second, unsigned burst,
    uint64_t now_ms, unsigned tries)
{
	unsigned n = 0;

	while (tries-- > 0)
		n += rate_take(
		    rate, who, strlen(who), per_second, burst, now_ms);
	return n;
}

static void
bursts(struct rate *rate)
{
	is_int(taken(rate, "a", 10, 30, NOW, 100), 30, "a burst");
	is_int(taken(rate, "b", 10, 30, NOW, 100), 30, "another has its own");
	is_int(taken(rate, "a", 10, 30, NOW + 99, 10), 0, "too early");
	is_int(taken(rate, "a", 10, 30, NOW + 100, 10), 1, "one is due");
	is_int(taken(rate, "a", 10, 30, NOW + 1100, 100), 10, "ten a second");
	is_int(taken(rate, "a", 10, 30, NOW + 60000, 100), 30,
	    "full again, and no fuller");
	is_int(taken(rate, "c", 1, 1, NOW, 5), 1, "a burst of one");
	is_int(taken(rate, "c", 1, 1, NOW + 1000, 5), 1, "and one a second");
}

/* More than it has room for: who has been good for longest is forgotten. */
static void
floods(struct rate *rate)
{
	char who[16];
	unsigned refused = 0;

	taken(rate, "bad", 1, 100, NOW, 100);
	for (unsigned n = 0; n < 10 * RATE_CELLS; n++) {
		snprintf(who, sizeof(who), "%u", n);
		refused += taken(rate, who, 1000, 1, NOW, 1) != 1;
	}
	is_int(refused, 0, "nobody is refused for another");
	is_int(taken(rate, "bad", 1, 100, NOW, 1), 0,
	    "who has taken most is not forgotten for them");
}

int
main(void)
{
	struct rate *rate = rate_new();

	bursts(rate);
	floods(rate);
	free(rate);
	return done();
}
