/* Memory that a worker does not use any more is the kernel's, soon or later. */
#include "worker/heap.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/array.h"
#include "t/tap.h"

#define SIZE 50000
#define MUCH (16L * 1024 * 1024)

/* Bytes that are ours alone, and no file's. */
static long
memory(void)
{
	FILE *f = fopen("/proc/self/statm", "r");
	long resident = 0, shared = 0;

	if (f == NULL || fscanf(f, "%*d %ld %ld", &resident, &shared) != 2)
		diag("/proc/self/statm cannot be read");
	if (f != NULL)
		fclose(f);
	return (resident - shared) * sysconf(_SC_PAGESIZE);
}

/* Use 20 MB, below something that stays. */
static void
use(void)
{
	static char *some[400], *stays;

	for (size_t i = 0; i < nitems(some); i++) {
		some[i] = malloc(SIZE);
		memset(some[i], 1, SIZE);
	}
	if (stays == NULL)
		stays = malloc(100);
	for (size_t i = 0; i < nitems(some); i++)
		free(some[i]);
}

int
main(void)
{
	struct heap h = { 0 };

	use();
	ok(memory() > MUCH, "free(3) alone gives nothing back");
	heap_measure(&h, 1000);
	ok(memory() < MUCH / 2, "but a look at it");
	use();
	ok(memory() > MUCH, "used again, and free again before the next look");
	heap_measure(&h, 2000);
	heap_measure(&h, 62000);
	ok(memory() < MUCH / 2, "after a minute it is given back, too");
	return done();
}
