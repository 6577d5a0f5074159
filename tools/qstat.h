/* What qstat -xml prints, which is not always XML. */
#ifndef TOOLS_QSTAT_H
#define TOOLS_QSTAT_H

#include <stdbool.h>

#include "lib/span.h"

#define QSTAT_MAX (16 * 1024 * 1024) /* bytes */

struct qstat_job {
	char name[128];
	char owner[128];
	char state[16]; /* letters: r running, qw waiting, d, E, h, s, ... */
	char number[16];
};

/*
 * Hand every job to found().  Element names that are none (<JATASK:...>, <>)
 * are read as if they had one.  False: it is broken beyond that, and the jobs
 * found so far may not be all.
 */
bool qstat_parse(struct span xml,
    void (*found)(void *arg, const struct qstat_job *job), void *arg);

#endif
