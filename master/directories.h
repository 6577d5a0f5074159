/* Where sockets, the pid file, the access log and the state are to be. */
#ifndef MASTER_DIRECTORIES_H
#define MASTER_DIRECTORIES_H

struct master;

/*
 * Make those of m->conf that are missing, for m->users.  -1: it was logged
 * which cannot be made.
 */
int directories_make(const struct master *m);

#endif
