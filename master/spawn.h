/*
 * Children: each is our own program again, executed anew so that nothing of
 * the master's memory, nor its layout, is in it (7-security.md 7.6).
 */
#ifndef MASTER_SPAWN_H
#define MASTER_SPAWN_H

#include <stdbool.h>

struct child;
struct master;

/*
 * What every child is given: the program, the configuration, the table.
 * -1: it was logged what could not be made.
 */
int spawn_prepare(struct master *m);
void spawn_release(struct master *m);

/*
 * Start a process for child and hand it what it needs; sets pid and ctl.fd.
 * -1 with errno; child is as before.
 */
int spawn_child(struct child *child);

/*
 * Send a child the configuration that there is now; it answers CTL_APPLIED.
 * False: it cannot be told.
 */
bool spawn_apply(const struct child *child);

/* "worker 0", "registrar"; returns out. */
#define CHILD_NAME_MAX 24
const char *child_name(const struct child *child, char out[CHILD_NAME_MAX]);

/*
 * Executed by spawn_child()?  Then be that child, and do not return.  Whoever
 * else says "worker" ends at once: at CTL_FD there is no master.
 * argv     main()'s
 */
void spawn_enter(int argc, char **argv);

#endif
