/* From one generation of workers to the next. */
#ifndef MASTER_ROLLOVER_H
#define MASTER_ROLLOVER_H

#include "master/master.h"

/*
 * Start workers one by one beside those there are; when all are ready, the old
 * ones drain.  When one is not, in time, those that were started drain and the
 * old ones stay.  done() is told.  The other generation must have no process.
 */
void rollover_begin(
    struct master *m, void (*done)(struct master *m, bool good));

/* We end: forget one that is under way. */
void rollover_stop(struct master *m);

/* A child is ready, or gone: of a rollover under way, perhaps. */
void rollover_ready(struct child *c);
void rollover_gone(struct child *c);

#endif
