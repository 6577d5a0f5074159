/* The master's half of dynproxyctl: messages of fixed size, for its own user. */
#ifndef MASTER_CTL_H
#define MASTER_CTL_H

#include <stdbool.h>

#include "master/reload.h"

/* Answer on the socket of LISTEN_MASTER.  -1 with errno. */
int ctl_open(struct master *m);

/*
 * We end.  Who waits for that keeps the connection until exit(3): then what is
 * locked or bound is free for the next master, too.
 */
void ctl_close(struct master *m);

/*
 * m->listeners are others: go on with these.  The old ones are still open.
 * -1 with errno.
 */
int ctl_listen(struct master *m);

/* Tell somebody who has waited, and take leave; fd is closed. */
void ctl_answer_take(int fd, enum reload_end end, const char *says);

/* The logger has tried to begin a new file: tell those who wait for that. */
void ctl_reopened(struct master *m, bool done);

#endif
