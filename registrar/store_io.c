/*
 * The thread that writes to SQLite.  It takes all that waits, commits it as
 * one, and hands it back, so that no fsync ever blocks the loop.
 */
#include <assert.h>
#include <bsd/string.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "lib/container.h"
#include "lib/log.h"
#include "lib/priority.h"
#include "registrar/process.h"
#include "registrar/store.h"
#include "registrar/store_batch.h"
#include "registrar/store_keep.h"
#include "registrar/store_sqlite.h"

#define ANSWERS 512 /* of one turn of the loop */
#define REST_S 1    /* what Redis has, too, waits so long for its like */

struct store_io {
	struct registrar *r;	 /* borrowed */
	struct store_sqlite *db; /* owned; the thread's while that runs */
	struct ev_io event;	 /* an eventfd: something was written */
	size_t nopen;		 /* that are not answered; the loop's only */
	uint64_t serial;	 /* of the last one */
	bool failing;		 /* the last answer was a failure */
	bool closing;		 /* store_io_close() has been called */
	struct jobs answered;	 /* by the thread, not yet by us */
	struct ev_task answers;
	struct store_keep keep;
	pthread_t thread;

	pthread_mutex_t lock; /* of the rest */
	pthread_cond_t wake;  /* it has begun; something waits; it is the end */
	bool begun;
	struct jobs waiting, written;
	bool empty;	     /* the file: it was damaged, and begun anew */
	bool urgent;	     /* one of the waiting ones is no copy */
	struct timespec due; /* CLOCK_MONOTONIC; else they are written then */
	bool ending;
};

static void
tell_loop(const struct store_io *io)
{
	uint64_t one = 1;
	ssize_t n = write(io->event.fd, &one, sizeof(one));

	assert(n == (ssize_t)sizeof(one)); /* fails only at 2^64 - 1 */
	(void)n;
}

/*
 * Until there is something to be written: at once what somebody waits for; a
 * copy of what Redis has may wait until there are many, which are much cheaper
 * together.  A million of them come in by a cold start.
 */
static void
wait_for_work(struct store_io *io)
{
	int rc = 0;

	while (!io->urgent && !io->ending && rc != ETIMEDOUT) {
		if (TAILQ_EMPTY(&io->waiting))
			pthread_cond_wait(&io->wake, &io->lock);
		else
			rc = pthread_cond_timedwait(
			    &io->wake, &io->lock, &io->due);
	}
	io->urgent = false;
}

static void *
run_thread(void *arg)
{
	struct store_io *io = arg;
	struct jobs batch = TAILQ_HEAD_INITIALIZER(batch);
	bool renewed;

	priority_behind();
	pthread_mutex_lock(&io->lock);
	io->begun = true;
	pthread_cond_signal(&io->wake);
	for (;;) {
		wait_for_work(io);
		if (TAILQ_EMPTY(&io->waiting))
			break;
		TAILQ_CONCAT(&batch, &io->waiting, queue);
		pthread_mutex_unlock(&io->lock);
		store_batch_sort(&batch);
		renewed = store_batch_write(io->db, &batch);
		pthread_mutex_lock(&io->lock);
		TAILQ_CONCAT(&io->written, &batch, queue);
		io->empty = io->empty || renewed;
		tell_loop(io);
	}
	pthread_mutex_unlock(&io->lock);
	return NULL;
}

static void
fail(struct store_io *io, struct change *change, const char *fault)
{
	snprintf(change->why, sizeof(change->why),
	    "the route cannot be stored (%s): try again later, or tell an "
	    "administrator",
	    fault);
	change_stored(io->r, change, false);
}

/* Logged when it begins and when it ends, not for each change. */
static void
note(struct store_io *io, const char *fault)
{
	if (fault != NULL && !io->failing)
		log_event(LOG_ERR, "store-failed",
		    "routes.sqlite: %s: nothing can be changed", fault);
	else if (fault == NULL && io->failing)
		log_event(LOG_NOTICE, "store-works", "routes.sqlite");
	io->failing = fault != NULL;
}

/* The last answer may end the change and start the next one of its name. */
static void
answer(struct store_io *io, struct job *job)
{
	struct change *change = job->change;
	struct policy_change *policy = job->policy;
	const char *fault = job->fault;

	io->nopen--;
	free(job);
	note(io, fault);
	if (policy != NULL)
		policy_stored(io->r, policy, fault);
	else if (change != NULL && fault == NULL)
		change_stored(io->r, change, true);
	else if (change != NULL)
		fail(io, change, fault);
}

/* So many a turn: a hundred thousand may come back at once. */
static void
answer_some(struct store_io *io, size_t most)
{
	struct job *job;

	for (; most > 0 && (job = TAILQ_FIRST(&io->answered)) != NULL; most--) {
		TAILQ_REMOVE(&io->answered, job, queue);
		answer(io, job);
	}
	if (io->closing)
		return;
	if (job != NULL)
		ev_later(&io->r->loop, &io->answers);
	else
		store_keep_go_on(&io->keep);
}

static void
answer_later(struct ev_task *task)
{
	answer_some(container_of(task, struct store_io, answers), ANSWERS);
}

static void
answer_written(struct store_io *io, size_t most)
{
	bool empty;

	pthread_mutex_lock(&io->lock);
	TAILQ_CONCAT(&io->answered, &io->written, queue);
	empty = io->empty;
	io->empty = false;
	pthread_mutex_unlock(&io->lock);
	if (empty && !io->closing) {
		policy_keep(io->r);
		store_keep_begin(&io->keep, true);
	}
	answer_some(io, most);
}

static void
event_ready(struct ev_io *event, uint32_t events)
{
	struct store_io *io = container_of(event, struct store_io, event);
	uint64_t count;

	(void)events;
	if (read(event->fd, &count, sizeof(count)) == -1)
		return; /* EAGAIN: seen before */
	answer_written(io, ANSWERS);
}

/*
 * Signals are the loop's: the thread is made with all of them blocked.  What it
 * begins with, it must not do when the sandbox is closed.
 */
static int
start_thread(struct store_io *io)
{
	sigset_t all, before;
	int error;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	error = pthread_create(&io->thread, NULL, run_thread, io);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (error != 0) {
		errno = error;
		return -1;
	}
	pthread_mutex_lock(&io->lock);
	while (!io->begun)
		pthread_cond_wait(&io->wake, &io->lock);
	pthread_mutex_unlock(&io->lock);
	return 0;
}

static int
start(struct store_io *io)
{
	io->event.fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (io->event.fd == -1)
		return -1;
	if (ev_add(&io->r->loop, &io->event, EPOLLIN) == -1)
		return -1;
	return start_thread(io);
}

static void
release(struct store_io *io)
{
	ev_forget(&io->r->loop, &io->answers);
	store_keep_release(&io->keep);
	if (io->event.fd != -1) {
		ev_del(&io->r->loop, &io->event);
		close(io->event.fd);
	}
	pthread_cond_destroy(&io->wake);
	pthread_mutex_destroy(&io->lock);
	store_sqlite_close(io->db);
	free(io);
}

struct load {
	struct registrar *r;
	void (*found)(struct registrar *r, const struct stored_route *route);
	void (*found_policy)(
	    struct registrar *r, const struct stored_policy *stored);
	void (*found_unsaved)(
	    struct registrar *r, const struct stored_unsaved *unsaved);
};

static void
load_one(void *arg, const struct stored_route *route)
{
	const struct load *load = arg;

	load->found(load->r, route);
}

static void
load_policy(void *arg, const struct stored_policy *stored)
{
	const struct load *load = arg;

	load->found_policy(load->r, stored);
}

static void
load_unsaved(void *arg, const struct stored_unsaved *unsaved)
{
	const struct load *load = arg;

	load->found_unsaved(load->r, unsaved);
}

static bool
load_all(struct store_sqlite *db, struct load *load)
{
	return store_sqlite_each(db, load_one, load) &&
	       store_sqlite_each_policy(db, load_policy, load) &&
	       store_sqlite_each_unsaved(db, load_unsaved, load);
}

struct store_io *
store_io_open(struct registrar *r, const char *directory,
    void (*found)(struct registrar *r, const struct stored_route *route),
    void (*found_policy)(
	struct registrar *r, const struct stored_policy *stored),
    void (*found_unsaved)(
	struct registrar *r, const struct stored_unsaved *unsaved))
{
	struct store_io *io = calloc(1, sizeof(*io));
	struct load load = { r, found, found_policy, found_unsaved };
	pthread_condattr_t clock;

	if (io == NULL) {
		log_event(LOG_ERR, "store-failed", "out of memory");
		return NULL;
	}
	io->r = r;
	io->event = (struct ev_io){ .fd = -1, .ready = event_ready };
	pthread_mutex_init(&io->lock, NULL);
	pthread_condattr_init(&clock);
	pthread_condattr_setclock(&clock, CLOCK_MONOTONIC);
	pthread_cond_init(&io->wake, &clock);
	pthread_condattr_destroy(&clock);
	TAILQ_INIT(&io->waiting);
	TAILQ_INIT(&io->written);
	TAILQ_INIT(&io->answered);
	io->answers.run = answer_later;
	store_keep_init(&io->keep, r);
	io->db = store_sqlite_open(directory); /* which says why not */
	if (io->db == NULL)
		goto fail;
	if (!load_all(io->db, &load)) {
		log_event(LOG_ERR, "store-failed", "routes.sqlite: %s",
		    store_sqlite_error(io->db));
		goto fail;
	}
	if (start(io) == -1) {
		log_event(
		    LOG_ERR, "store-failed", "its thread: %s", strerror(errno));
		goto fail;
	}
	return io;

fail:
	release(io);
	return NULL;
}

void
store_io_close(struct store_io *io)
{
	if (io == NULL)
		return;
	store_keep_finish(&io->keep);
	io->closing = true;
	pthread_mutex_lock(&io->lock);
	io->ending = true;
	pthread_cond_signal(&io->wake);
	pthread_mutex_unlock(&io->lock);
	pthread_join(io->thread, NULL);
	answer_written(io, SIZE_MAX);
	assert(io->nopen == 0);
	release(io);
}

/* NULL: *fault says why not. */
static struct job *
job_new(const struct store_io *io, const char **fault)
{
	struct job *job = io->closing ? NULL : calloc(1, sizeof(*job));

	*fault = io->closing ? "the registrar is ending" : "out of memory";
	return job;
}

/* Did another write it into Redis, so that it is there still? */
static bool
is_copy(const struct change *change)
{
	return change != NULL && change->origin == ORIGIN_REDIS &&
	       change->kind == CHANGE_SET;
}

/* name: the change's, or empty */
static void
submit(struct store_io *io, struct job *job, const char *name)
{
	bool first;

	job->name = name;
	io->nopen++;
	job->serial = ++io->serial;
	pthread_mutex_lock(&io->lock);
	first = TAILQ_EMPTY(&io->waiting);
	if (first) {
		clock_gettime(CLOCK_MONOTONIC, &io->due);
		io->due.tv_sec += REST_S;
	}
	TAILQ_INSERT_TAIL(&io->waiting, job, queue);
	io->urgent = io->urgent || !is_copy(job->change);
	if (first || io->urgent)
		pthread_cond_signal(&io->wake);
	pthread_mutex_unlock(&io->lock);
}

void
store_io_save(struct store_io *io, struct change *change)
{
	const char *fault;
	struct job *job = job_new(io, &fault);

	if (job == NULL) {
		fail(io, change, fault);
		return;
	}
	job->change = change;
	submit(io, job, change->key);
}

void
store_io_save_policy(struct store_io *io, struct policy_change *change)
{
	const char *fault;
	struct job *job = job_new(io, &fault);

	if (job == NULL) {
		policy_stored(io->r, change, fault);
		return;
	}
	job->policy = change;
	submit(io, job, "");
}

void
store_io_saved(struct store_io *io)
{
	const char *fault;
	struct job *job = job_new(io, &fault);

	if (job == NULL)
		return; /* the next start tells Redis once more: no harm */
	submit(io, job, "");
}

void
store_io_keep(struct store_io *io)
{
	store_keep_begin(&io->keep, false);
}

size_t
store_io_open_jobs(const struct store_io *io)
{
	return io->nopen;
}

void
store_io_hurry(struct store_io *io)
{
	pthread_mutex_lock(&io->lock);
	io->urgent = !TAILQ_EMPTY(&io->waiting);
	pthread_cond_signal(&io->wake);
	pthread_mutex_unlock(&io->lock);
}
