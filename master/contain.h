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
 * Give up what the master does not need, unless it has done so, and log what
 * cannot be had, as when it was not started as root.  NULL, or the step that
 * failed, with errno.
 */
const char *contain_begin(struct master *m);

/*
 * Before a process of this role starts: its user gets contain_path(), from root
 * or from the user that the role had before.  -1 with errno.
 */
int contain_hand_over(struct master *m, enum role role);

/* The directory or file that is to be the role's own; NULL: nothing. */
const char *contain_path(const struct master *m, enum role role);

#endif
