/* The children's lives: started, watched, replaced. */
#ifndef MASTER_SUPERVISE_H
#define MASTER_SUPERVISE_H

#include "master/master.h"

/* A place for each child, and nobody in it yet.  -1 with errno. */
int supervise_init(struct master *m);

/* Start every child; the loop may run from now on. */
void supervise_start(struct master *m);

/* A process of the image before us, in its place.  -1 with errno. */
int supervise_adopt(
    struct child *c, pid_t pid, int ctl, enum child_state state);

/* As supervise_start(), with those that were adopted. */
void supervise_resume(struct master *m);

/* SIGCHLD: take leave of those that ended, and replace them. */
void supervise_reap(struct master *m);

/*
 * Have the logger begin a new file; ctl_reopened() is told how it went.
 * False: there is no logger at the moment, or none at all.
 */
bool supervise_reopen(struct master *m);

/* Does everybody serve who is wanted? */
bool supervise_all_ready(const struct master *m);

/* Start who is wanted and not there, retire who is there and not wanted. */
void supervise_settle(struct master *m);

/* A worker of a dead master has ended. */
void supervise_orphan_gone(struct child *c);

/* Start a child, unless it is there. */
void supervise_begin(struct child *c);

/* Let it finish; none takes its place, unless it is wanted. */
void supervise_retire(struct child *c);

/* Let it go on when we are gone. */
void supervise_leave(struct child *c);

/* Another process in its place, when the one there has ended. */
void supervise_renew(struct child *c);

#endif
