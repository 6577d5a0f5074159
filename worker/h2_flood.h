/* What becomes of an HTTP/2 client that floods: see h2_guard.h. */
#ifndef WORKER_H2_FLOOD_H
#define WORKER_H2_FLOOD_H

#include "worker/h2.h"

/* It did too much of this, if of anything: the first one counts. */
void h2_flood_note(struct h2 *h, enum h2_flood kind);

/* Was that noted, and nothing done yet? */
static inline bool
h2_flood_is_new(const struct h2 *h)
{
	return h->flood != FLOOD_NONE && !h->calmed;
}

/* End its streams, and what it asked backends; its last words are queued. */
void h2_flood_end(struct h2 *h);

/* These were sent, or cannot be: the log and the counters hear of it. */
void h2_flood_ended(struct h2 *h);

#endif
