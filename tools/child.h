/* Commands that are run for what they print. */
#ifndef TOOLS_CHILD_H
#define TOOLS_CHILD_H

#include "lib/buf.h"

#define CHILD_SAID_MAX 256

/*
 * Run a command, and wait for its end.
 *
 * in          its standard input; len 0: there is nothing
 * out         what it prints is appended, up to the bound of the buffer, over
 *             which it is killed; NULL: it is dropped
 * timeout_ms  then it is killed, with all of its process group
 * said        CHILD_SAID_MAX bytes: the last line of its standard error, or
 *             why there is no exit status
 * Returns its exit status; -1: it could not be run, or was killed.
 */
int child_run_with(const char *const argv[], struct span in,
    unsigned timeout_ms, struct buf *out, char *said);

/* The same with nothing on its standard input. */
static inline int
child_run(
    const char *const argv[], unsigned timeout_ms, struct buf *out, char *said)
{
	return child_run_with(
	    argv, (struct span){ .len = 0 }, timeout_ms, out, said);
}

#endif
