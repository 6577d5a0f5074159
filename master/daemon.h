/* Life in the background: who started us learns how it went. */
#ifndef MASTER_DAEMON_H
#define MASTER_DAEMON_H

#include <stdbool.h>

struct conf;

/*
 * Go on in a child process; the caller of dynproxyd waits until daemon_ready()
 * or our end, and has exit status 0 or 1 from it.  -1 with errno.
 */
int daemon_begin(void);

/* Lock the pid file.  -1: it was logged; another instance has it, perhaps. */
int daemon_lock(const struct conf *conf);

/*
 * The same of a configuration that may come into force beside the one that is;
 * then one of the two goes: the new file, unless good.
 */
int daemon_lock_next(const struct conf *conf);
void daemon_settle(const struct conf *conf, bool good);

/* We serve: write the pid file, leave the terminal, then let the caller go. */
void daemon_ready(const struct conf *conf);

/*
 * Leave the terminal, or the pipe of an init script, to its owner: for good.
 * What the log needs stays.
 */
void daemon_leave_terminal(const struct conf *conf);

/* Remove the pid file, if there is one of ours. */
void daemon_end(void);

#endif
