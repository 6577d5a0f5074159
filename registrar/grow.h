/*
 * Lets the route table grow between events, a slice a turn of the loop, and
 * counts what that takes.
 */
#ifndef REGISTRAR_GROW_H
#define REGISTRAR_GROW_H

#include <stdint.h>

#include "lib/ev.h"

struct table_writer;

struct growth {
	struct ev_task task;
	struct ev_loop *loop;       /* borrowed */
	struct table_writer *table; /* borrowed */
	uint64_t slices;            /* since the start */
	uint64_t slice_max_us;      /* the longest; CPU time of this thread */
};

void growth_init(struct growth *g, struct ev_loop *loop,
    struct table_writer *table);
void growth_release(struct growth *g);

/* A name was put: go on growing, if there is anything to do. */
void growth_later(struct growth *g);

#endif
