/* kill_random.c finds a seqlock whose readers depend on a living writer. */
#define ODD_EVEN

/* A slow writer is caught within a second or two, not within many. */
#define LATCH_STORED() linger()

static void
linger(void)
{
	for (volatile int i = 0; i < 100; i++)
		continue;
}

#include "t/unit/shm/odd_even.h" /* takes shm/latch.h's place */

#include "shm/arena.c"
#include "shm/table_grow.c"
#include "shm/table_read.c"
#include "shm/table_recover.c"
#include "shm/table_write.c"
#include "t/unit/shm/kill_random.c"

int
main(void)
{
	unsigned kills = run(KILLS_MUTANT, (uint32_t)getpid());

	ok(faults() > 0, "an odd/even seqlock does not survive %u kills",
	    kills);
	return done();
}
