/* What waits for SQLite, and the commit of many at once; of store_io.c only. */
#ifndef REGISTRAR_STORE_BATCH_H
#define REGISTRAR_STORE_BATCH_H

#include <bsd/sys/queue.h>
#include <stdbool.h>
#include <stdint.h>

#include "registrar/change.h"
#include "registrar/policy.h"
#include "registrar/store_sqlite.h"

/* A change on its way through the thread; made and freed by the loop. */
struct job {
	TAILQ_ENTRY(job) queue; /* waiting, then the thread's, then written */
	const char *name;	/* borrowed; the change's, or empty */
	uint64_t serial;	/* grows */
	struct change *change;	/* borrowed; the thread reads its strings */
	struct policy_change *policy; /* or this one; neither: Redis has all */
	const char *fault;	      /* NULL: it is on disk */
};
TAILQ_HEAD(jobs, job);

/*
 * Bring many into the order of the file, which then is gone through once: with
 * a million names in it that is several times faster.  No memory: as they are.
 */
void store_batch_sort(struct jobs *batch);

/*
 * One commit for all, and in each job what became of it; where that fails, each
 * gets its own chance, once: but not where each would wait for the same lock,
 * find the same damage, or, after the first, the same failing disk.  True: the
 * file was damaged, and is begun anew.
 */
bool store_batch_write(struct store_sqlite *db, struct jobs *batch);

#endif
