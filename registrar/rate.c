/* One number a bucket: when it is full again (GCRA, ITU-T I.371). */
#include "registrar/rate.h"

#include <bsd/stdlib.h>

#include "lib/siphash.h"

#define WAYS 4 /* cells that one may be in */

struct rate *
rate_new(void)
{
	struct rate *rate = calloc(1, sizeof(*rate));

	if (rate == NULL)
		return NULL;
	arc4random_buf(rate->key, sizeof(rate->key));
	return rate;
}

static struct rate_cell *
cell_of(struct rate *rate, uint64_t who)
{
	struct rate_cell *set = &rate->cells[who & (RATE_CELLS - WAYS)];
	struct rate_cell *oldest = set;

	for (size_t i = 0; i < WAYS; i++) {
		if (set[i].who == who)
			return &set[i];
		if (set[i].due_us < oldest->due_us)
			oldest = &set[i];
	}
	*oldest = (struct rate_cell){ .who = who };
	return oldest;
}

bool
rate_take(struct rate *rate, const void *who, size_t len, unsigned per_second,
    unsigned burst, uint64_t now_ms)
{
	struct rate_cell *cell = cell_of(rate, siphash(rate->key, who, len));
	uint64_t now = now_ms * 1000, each = 1000000 / per_second;
	uint64_t due = cell->due_us > now ? cell->due_us : now;

	if (due - now > (burst - 1) * each)
		return false;
	cell->due_us = due + each;
	return true;
}
