/*
 * The last minutes of each tool: its counters are read every few seconds, a
 * few tools in a turn of the loop, and what came since then is kept.
 */
#ifndef REGISTRAR_HISTORY_H
#define REGISTRAR_HISTORY_H

#include <stdint.h>

#include "shm/counters.h"

struct history;
struct registrar;

#define HISTORY_MS 5000	  /* between two readings */
#define HISTORY_POINTS 36 /* that are kept */

#define HISTORY_ALL COUNTERS_SLOTS /* instead of a slot: all together */

/* What came between two readings. */
struct history_point {
	uint32_t requests;
	uint32_t errors;  /* 5xx, and answers that never came */
	uint32_t took_ms; /* of a request, on average */
};

/* NULL with errno.  It reads from now on, until history_close(). */
struct history *history_open(struct registrar *r);
void history_close(struct history *h);

/*
 * The last points of a slot, the oldest first, HISTORY_POINTS of them; zeroes
 * where nothing is known.
 */
void history_points(const struct history *h, uint32_t slot,
    struct history_point out[HISTORY_POINTS]);

/* The sum of the points of the last minute: requests, errors, mean time. */
struct history_point history_minute(const struct history *h, uint32_t slot);

/* Its requests a second in the last minute, or since it is read, if later. */
double history_rate(const struct history *h, uint32_t slot);

/*
 * When it had its last request, to HISTORY_MS; CLOCK_REALTIME.  0: none since
 * it is read.
 */
uint64_t history_hit_ms(const struct history *h, uint32_t slot);

/* How the last requests fared. */
enum history_health { HISTORY_SILENT, HISTORY_GOOD, HISTORY_BAD, HISTORY_DOWN };
enum history_health history_health(const struct history *h, uint32_t slot);

#endif
