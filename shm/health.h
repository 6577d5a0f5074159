/*
 * What the workers tell each other about backends: which could not be reached
 * a moment ago, and which have ever answered.  Hints, in words that every
 * worker writes: what one of them says wrongly, or forgets to a backend that
 * falls on the same word, ends with its back-off.
 */
#ifndef SHM_HEALTH_H
#define SHM_HEALTH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shm/route.h"

#define HEALTH_BACKOFF_MIN_MS 1000
#define HEALTH_BACKOFF_MAX_MS 30000

struct health;

/* Of the segment, which begins with zeroes and a key: health_format(). */
size_t health_size(void);
int health_format(int fd);

/* The segment's descriptor stays the caller's.  NULL with errno. */
struct health *health_open(int fd);
void health_close(struct health *h);

enum health_advice {
	HEALTH_GOOD,  /* nothing is known against it */
	HEALTH_AVOID, /* try others first */
	HEALTH_TRY,   /* its back-off is over: you find out, the others wait */
};

/*
 * What to do with a backend.
 *
 * now_ms   CLOCK_MONOTONIC: the same for all processes
 * try_ms   whoever is told to try has told by then what became of it
 */
enum health_advice health_ask(struct health *h, const struct backend *b,
    uint64_t now_ms, uint64_t try_ms);

/* It could not be reached: each time in a row it is left alone for longer. */
void health_failed(struct health *h, const struct backend *b, uint64_t now_ms);

/* It was reached. */
void health_reached(struct health *h, const struct backend *b);

/* A hash of a tool's key, the same in every worker: nobody makes two alike. */
uint64_t health_hash(const struct health *h, struct span key);

/*
 * Has this backend answered for the tool, since its routes were last changed?
 *
 * tool     the hash of its key, and its version, by ^
 */
bool health_has_answered(
    const struct health *h, const struct backend *b, uint64_t tool);
void health_answered(
    struct health *h, const struct backend *b, uint64_t tool);

#endif
