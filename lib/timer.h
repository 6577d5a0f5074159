/* Deadlines: a timer wheel, O(1) to set and to clear, no system calls. */
#ifndef LIB_TIMER_H
#define LIB_TIMER_H

#include <stdbool.h>
#include <stdint.h>

#define TIMER_TICK_MS 16    /* a timer is late by at most this, never early */
#define TIMER_SLOTS   4096  /* one lap: 65 s; later ones wait more laps */

/* Embedded in what it times; zeroed: not set. */
struct timer {
	struct timer *next;
	struct timer **link; /* what points at this one; NULL: not set */
	uint64_t due_ms;     /* CLOCK_MONOTONIC */
	void (*fire)(struct timer *t); /* cleared before the call */
};

struct timer_wheel {
	struct timer *slot[TIMER_SLOTS];
	uint64_t busy[TIMER_SLOTS / 64]; /* a bit for each slot in use */
	uint64_t tick;                   /* the next one to be run */
};

void timer_wheel_init(struct timer_wheel *w, uint64_t now_ms);

/*
 * Set, or move, a timer: O(1); to move a set one to a later time, as most
 * deadlines are, is a comparison and a store.  t->fire is set by its owner.
 */
void timer_set(struct timer_wheel *w, struct timer *t, uint64_t due_ms);

/* Harmless when it is not set. */
void timer_clear(struct timer_wheel *w, struct timer *t);

static inline bool
timer_is_set(const struct timer *t)
{
	return t->link != NULL;
}

/* Milliseconds until the wheel wants to run, -1 for never: epoll_wait(2). */
int timer_wait_ms(const struct timer_wheel *w, uint64_t now_ms);

/*
 * Fire all that are due.  A fired timer may set, clear and free any timer; one
 * it sets is not fired before the next run.
 */
void timer_run(struct timer_wheel *w, uint64_t now_ms);

#endif
