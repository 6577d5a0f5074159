/* Who the children are, what they own, and what the master itself gives up. */
#ifndef MASTER_CONTAIN_H
#define MASTER_CONTAIN_H

struct master;

/*
 * Look up the users of every role and give up what the master does not need;
 * says what cannot be had, as when it was not started as root.  -1: it was
 * logged why nothing can be started.
 */
int contain_begin(struct master *m);

/* Give the directories' new owners what is in them.  -1: it was logged why. */
int contain_hand_over(const struct master *m);

#endif
