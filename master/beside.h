/*
 * A master that starts while children of a dead one are still there: its
 * registrar is waited for, its workers serve until ours do.
 */
#ifndef MASTER_BESIDE_H
#define MASTER_BESIDE_H

struct child;
struct master;

/* Be the master of this state directory.  -1: it was logged why not. */
int beside_begin(struct master *m);

/* Our workers are ready: those of a dead master drain. */
void beside_serving(struct master *m);

/* What a child shows that it is there with, the caller's; -1 with errno. */
int beside_presence_of(const struct child *child);

#endif
