/* Who the children are, what they own, and what the master itself gives up. */
#ifndef MASTER_CONTAIN_H
#define MASTER_CONTAIN_H

#include "master/master.h"

/*
 * Whom the children of each role become, by m->conf.  -1: it was logged whom
 * there is not.
 */
int contain_users(struct master *m);

/*
 * Give up what the master does not need, unless it has done so; says what
 * cannot be had, as when it was not started as root.  -1: it was logged why
 * nothing can be started.
 */
int contain_begin(struct master *m);

/*
 * Before a process of this role starts: its user gets the files that are to be
 * its own, from root or from the user that the role had before.  -1: it was
 * logged why not.
 */
int contain_hand_over(struct master *m, enum role role);

#endif
