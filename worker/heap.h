/* The worker's heap: how much of it is in use, and giving back what is not. */
#ifndef WORKER_HEAP_H
#define WORKER_HEAP_H

#include <stddef.h>
#include <stdint.h>

struct heap {
	uint64_t trim_again_ms; /* not before; CLOCK_MONOTONIC */
	uint64_t doubt_ms;	/* then it is not sure any more: */
	size_t given_back;	/* of what is free, about */
};

/*
 * Bytes in use.  When much of it is free, since thousands of clients have
 * left, that is given back to the kernel, which free(3) alone does not do with
 * what lies between things that stay.
 */
size_t heap_measure(struct heap *h, uint64_t now_ms);

#endif
