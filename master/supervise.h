/* The children's lives: started, watched, replaced, ended. */
#ifndef MASTER_SUPERVISE_H
#define MASTER_SUPERVISE_H

#include <stdbool.h>

struct master;

/* A place for each child.  -1 with errno. */
int supervise_init(struct master *m);
void supervise_release(struct master *m);

/* Start every child; the loop may run from now on. */
void supervise_start(struct master *m);

/* SIGCHLD: take leave of those that ended, and replace them. */
void supervise_reap(struct master *m);

/*
 * Have the logger begin a new file; ctl_reopened() is told how it went.
 * False: there is no logger at the moment, or none at all.
 */
bool supervise_reopen(struct master *m);

/*
 * Let workers finish what they have, for drain_timeout at most, then end.
 * Asked again, or while ending: nothing.
 */
void supervise_drain(struct master *m);

/* End every child, by force after a while; then the loop stops. */
void supervise_end(struct master *m);

#endif
