/* How often something may happen for each of many: a token bucket each. */
#ifndef REGISTRAR_RATE_H
#define REGISTRAR_RATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RATE_CELLS 8192 /* a power of two */

/*
 * In a table of one size, whoever comes: of those that fall together the one
 * that has been good for longest is forgotten first, in its own favour.
 */
struct rate {
	uint64_t key[2]; /* strangers cannot choose what falls together */
	struct rate_cell {
		uint64_t who;    /* its hash */
		uint64_t due_us; /* when its bucket is full again */
	} cells[RATE_CELLS];
};

/* NULL: no memory.  The caller's to free(). */
struct rate *rate_new(void);

/*
 * May it happen once more?  Counted if so.
 *
 * who         any bytes that tell this one from the others
 * per_second  in the long run, 1 or more
 * burst       at once, 1 or more
 */
bool rate_take(struct rate *rate, const void *who, size_t len,
    unsigned per_second, unsigned burst, uint64_t now_ms);

#endif
