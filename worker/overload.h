/*
 * How near a worker is to its end, and what it gives up on the way there
 * (7-security.md 7.5): first what is convenient, then what is new, at last
 * requests of who has most of them.
 */
#ifndef WORKER_OVERLOAD_H
#define WORKER_OVERLOAD_H

#include <bsd/sys/queue.h>
#include <stdbool.h>
#include <stdint.h>

#include "lib/timer.h"
#include "worker/heap.h"

struct exchange;
struct worker;

TAILQ_HEAD(exchange_list, exchange);

/* Each does what those before it do, too. */
enum overload_step {
	OVERLOAD_CALM,
	OVERLOAD_BUSY,  /* clients wait for a next request for a short time,
			   and have fewer streams */
	OVERLOAD_TIGHT, /* or not at all */
	OVERLOAD_FULL,  /* new clients are refused; but the health check is not */
	OVERLOAD_SHED,  /* newest requests of the tool with most are ended */
};

/* Of what a worker may have, in thousandths. */
struct load {
	unsigned heap;  /* worker_memory_max */
	unsigned files; /* descriptors */
	unsigned lag;   /* loop_lag_max, that the loop is late */
};

#define OVERLOAD_LAGS 4

struct overload {
	struct timer timer;
	uint64_t due_ms; /* when it should fire */
	enum overload_step step;
	uint64_t lags_ms[OVERLOAD_LAGS]; /* the last ones */
	unsigned nlags;                  /* seen so far */
	struct heap heap;
	unsigned files_max;
	struct exchange_list exchanges; /* of backends, oldest first */
	unsigned reserved; /* connections taken since OVERLOAD_FULL */
};

/* The step that follows: a little below where a step begins it is kept. */
enum overload_step overload_next(enum overload_step now, const struct load *l);

/* A request is under way with a backend; until it has left. */
void overload_enter(struct overload *o, struct exchange *ex);
void overload_leave(struct overload *o, struct exchange *ex);

/* How many streams an HTTP/2 client may have at a time, of that many. */
unsigned overload_streams(const struct overload *o, unsigned streams);

/* Measure from now on, four times a second, until the worker ends. */
void overload_start(struct worker *w);

#endif
