/* Where processes are, or may be: a place outlives each that takes it. */
#ifndef MASTER_PLACES_H
#define MASTER_PLACES_H

#include "master/master.h"

/* Workers that there is room for, in each of two generations. */
unsigned places_for(const struct conf *conf);

/* m->children: m->places for each generation.  -1 with errno. */
int places_make(struct master *m);
void places_release(struct master *m);

/* The place itself, be there a process or not; slot < m->places. */
struct child *places_worker(
    const struct master *m, unsigned generation, unsigned slot);
/* The same of the one process of a role that is no worker's. */
struct child *places_child(const struct master *m, enum role role);

/* Has a generation of workers any process, ours or a dead master's? */
bool places_any(const struct master *m, unsigned generation);

/* "waiting", "starting", "ready", ...: in `status` and the log. */
const char *child_state_name(enum child_state state);

#endif
