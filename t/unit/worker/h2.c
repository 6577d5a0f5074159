/* Clients are told to leave one after the other: worker/h2.c. */
#include "worker/h2.h"

#include "lib/array.h"
#include "t/tap.h"

static const struct {
	unsigned clients, turns;
	unsigned most; /* at once */
} cases[] = {
	{ 0, 100, 0 },
	{ 1, 100, 1 },
	{ 100, 100, 1 },
	{ 101, 100, 1 },
	{ 102, 100, 2 },
	{ 1000, 100, 10 },
	{ 30000, 100, 298 },
	{ 7, 0, 7 },
};

int
main(void)
{
	for (size_t i = 0; i < nitems(cases); i++) {
		unsigned left = cases[i].clients, most = 0;

		for (unsigned turns = cases[i].turns + 1; turns-- > 0;) {
			unsigned n = h2_drain_share(left, turns);

			most = n > most ? n : most;
			left -= n;
		}
		is_int(left, 0, "%u clients in %u turns: all are told",
		    cases[i].clients, cases[i].turns);
		is_int(most, cases[i].most, "and so many at once");
	}
	return done();
}
