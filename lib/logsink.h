/*
 * Where the lines of the event log go: to standard error or to the system's
 * log.  Nobody waits for who reads there: what cannot go yet is kept, so much
 * of it, and goes later; what is more is dropped, and counted.
 */
#ifndef LIB_LOGSINK_H
#define LIB_LOGSINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/log.h"

/* bytes; a line that is kept takes two more */
#define LOGSINK_KEPT_MAX 65536

/*
 * From now on.  The system's log is connected at once: a sandbox may follow, in
 * which it cannot be found again.  Lines that are kept for another sink go
 * there now or are dropped; a child that was forked goes on with its parent's.
 */
void logsink_open(enum log_sink sink);

/* A line as it is to arrive; any thread. */
void logsink_write(const char *line, size_t len);

/* Write what was kept, as far as that is possible now. */
void logsink_flush(void);

/* The same, and wait for who reads, a quarter of a second at most. */
void logsink_finish(void);

/* Is anything kept? */
bool logsink_waits(void);

/*
 * How many lines were dropped that nobody was told of, as there is again
 * somebody to tell; from now on they are told.
 */
uint64_t logsink_take_dropped(void);

#endif
