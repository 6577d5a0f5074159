/* How it ends: gracefully, fast, by force; and a start that fails. */
#ifndef MASTER_ENDING_H
#define MASTER_ENDING_H

#include "master/master.h"

/* The phase must be over by then. */
void ending_watch(struct master *m, uint64_t within_ms);

/* The start has failed: say why, and end. */
void ending_failed(struct master *m, const char *why);

/*
 * Let workers finish what they have, for drain_timeout at most, then end.
 * Asked again, or while ending: nothing.
 */
void ending_drain(struct master *m);

/* End every child, by force after a while; then the loop stops. */
void ending_begin(struct master *m);

/* A child is gone: go on. */
void ending_gone(struct master *m);

#endif
