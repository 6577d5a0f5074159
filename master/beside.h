/*
 * A master that starts while children of a dead one are still there: its
 * registrar is waited for, its workers serve until ours do.  They are not our
 * children: locks tell that they are there (lib/presence.h), and tell them
 * what we do.
 */
#ifndef MASTER_BESIDE_H
#define MASTER_BESIDE_H

#include <stdbool.h>

struct child;
struct master;

/*
 * Be the master of this state directory; m->generation is one that they leave
 * free; when there is none, nothing is shared with them: m->segments are none.
 * -1: it was logged why not.
 */
int beside_begin(struct master *m);

/* After supervise_init(): they have their places. */
void beside_place(struct master *m);

/*
 * Workers of a dead master serve, and the table is not loaded: ours would only
 * have clients told that it is not.
 */
bool beside_waits(const struct master *m);

/* The registrar is ready: if they waited, our workers begin. */
void beside_loaded(struct master *m);

/* Our workers are ready: those of a dead master drain. */
void beside_serving(struct master *m);

/*
 * We end: so are they to, and systemd keeps nothing more; phase is one of the
 * last two.  When our start has failed they serve on, for the next one.
 */
void beside_ending(struct master *m);

/* What a child shows that it is there with, the caller's; -1 with errno. */
int beside_presence_of(const struct child *child);

#endif
