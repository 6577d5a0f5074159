/* The event log: one event, one line, `event key=value ...`. */
#ifndef LIB_LOG_H
#define LIB_LOG_H

#include <stdbool.h>
#include <stdio.h>
#include <syslog.h>

#include "lib/span.h"

enum log_sink {
	LOG_TO_STDERR, /* with <N> priority prefixes when it is the journal */
	LOG_TO_SYSLOG, /* facility daemon */
};

/*
 * role     "master", "worker 0"; copied; stands in every line
 * priority the least urgent that is written: LOG_ERR .. LOG_DEBUG
 */
void log_open(enum log_sink sink, const char *role, int priority);

/*
 * Errors are also told to this stream, one a line, from now on: who asked for
 * something learns why it failed.  Borrowed; NULL: no more.
 */
void log_copy_to(FILE *to);

/* Write more, or less, from now on. */
void log_set_priority(int priority);

/*
 * Write one line: `<event> <what fmt says>`.  event is a fixed word that
 * dynproxy-errors(7) lists.  Control bytes in the result are escaped, so a
 * stranger's bytes cannot forge a line.
 */
void log_event(int priority, const char *event, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/*
 * Who reads the log may be behind, and nobody waits for him: lines are kept,
 * and go with the next event, or this; an event loop calls it.  When there were
 * too many to be kept, the event log-dropped says how many.
 */
#define LOG_RETRY_MS 20
bool log_waits(void); /* are any kept? */
void log_flush(void);

/*
 * Before exec(2), after which nothing is kept: the same, and wait for him, a
 * quarter of a second at most.
 */
void log_finish(void);

/*
 * Have each line of this thread handed over, too, without role and priority,
 * escaped, from LOG_INFO on whatever the log leaves out.  NULL: no more.
 */
void log_watch(void (*watch)(void *arg, const char *line), void *arg);

/* Cannot start: say why and exit(1).  In the master and before serving only. */
void fatal(const char *fmt, ...)
    __attribute__((format(printf, 1, 2), noreturn));

#endif
