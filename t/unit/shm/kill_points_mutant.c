/* kill_points.c finds a seqlock whose readers depend on a living writer. */
#define ODD_EVEN
#define LATCH_STORED() stored()
static void stored(void);

#include "t/unit/shm/odd_even.h" /* takes shm/latch.h's place */

#include "shm/table_read.c"

#include "t/unit/shm/kill_points.c"

int
main(void)
{
	unsigned n, bad = 0;

	for (size_t i = 0; i < nitems(scripts); i++)
		if (!script_survives(&scripts[i], &n)) {
			diag("%s: wrong after store %u", scripts[i].what, n);
			bad++;
		}
	ok(bad > 0, "an odd/even seqlock does not survive: %u scripts", bad);
	return done();
}
