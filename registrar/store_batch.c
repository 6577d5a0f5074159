/* Commits what the thread of store_io.c has taken: as one, if that works. */
#include "registrar/store_batch.h"

#include <stdlib.h>
#include <string.h>

static bool
save(struct store_sqlite *db, const struct job *job)
{
	if (job->change != NULL)
		return store_sqlite_save(db, job->change);
	if (job->policy != NULL)
		return store_sqlite_save_policy(db, job->policy);
	return store_sqlite_clear_unsaved(db);
}

static bool
save_all(struct store_sqlite *db, const struct jobs *batch)
{
	const struct job *job;

	if (!store_sqlite_begin(db))
		return false;
	TAILQ_FOREACH(job, batch, queue)
	{
		if (!save(db, job))
			return false;
	}
	return store_sqlite_commit(db);
}

static const char *
save_one(struct store_sqlite *db, const struct job *job)
{
	if (store_sqlite_begin(db) && save(db, job) && store_sqlite_commit(db))
		return NULL;
	store_sqlite_rollback(db);
	return store_sqlite_error(db);
}

/* Where the disk has failed one, as when full, it fails the others, too. */
static void
save_each(struct store_sqlite *db, struct jobs *batch)
{
	const char *disk = NULL;
	struct job *job;

	TAILQ_FOREACH(job, batch, queue)
	{
		job->fault = disk != NULL ? disk : save_one(db, job);
		if (job->fault != NULL && store_sqlite_disk_failed(db))
			disk = job->fault;
	}
}

static void
say_all(struct jobs *batch, const char *fault)
{
	struct job *job;

	TAILQ_FOREACH(job, batch, queue)
	{
		job->fault = fault;
	}
}

/* The order of the file; of one name, that in which they came. */
static int
compare(const void *a, const void *b)
{
	const struct job *left = *(struct job *const *)a;
	const struct job *right = *(struct job *const *)b;
	int order = strcmp(left->name, right->name);

	return order != 0 ? order
			  : (left->serial > right->serial) -
				(left->serial < right->serial);
}

void
store_batch_sort(struct jobs *batch)
{
	struct job *job, **all;
	size_t n = 0;

	TAILQ_FOREACH(job, batch, queue)
	{
		n++;
	}
	all = reallocarray(NULL, n, sizeof(struct job *));
	if (all == NULL)
		return;
	for (size_t i = 0; i < n; i++) {
		all[i] = TAILQ_FIRST(batch);
		TAILQ_REMOVE(batch, all[i], queue);
	}
	qsort(all, n, sizeof(struct job *), compare);
	for (size_t i = 0; i < n; i++)
		TAILQ_INSERT_TAIL(batch, all[i], queue);
	free(all);
}

bool
store_batch_write(struct store_sqlite *db, struct jobs *batch)
{
	const char *fault;
	bool damaged, locked, renewed;

	if (save_all(db, batch)) {
		say_all(batch, NULL);
		return false;
	}
	fault = store_sqlite_error(db);
	damaged = store_sqlite_damaged(db);
	locked = store_sqlite_locked(db);
	store_sqlite_rollback(db);
	renewed = damaged && store_sqlite_renew(db);
	if (locked || damaged) {
		say_all(batch, fault);
		return renewed;
	}
	save_each(db, batch);
	return false;
}
