/* registrar/store_io.c: what was handed over is on disk, or said not to be. */
#include "registrar/store.h"

#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "lib/clock.h"
#include "lib/log.h"
#include "registrar/process.h"
#include "t/tap.h"
#include "t/unit/registrar/full_disk.h"

#define PATIENCE_MS 20000
#define LONG_S 600

static char directory[] = "/tmp/store_io.XXXXXX";
static struct registrar r;
static size_t nfound, npolicy, nunsaved;
static uint64_t expected; /* answers; the loop stops when they are there */
static bool in_time;
static struct timer watch;
static time_t ahead_s; /* of what others call now */

/* What it takes for now, when it says until when something may wait. */
int
clock_gettime(clockid_t clock, struct timespec *now)
{
	int rc = (int)syscall(SYS_clock_gettime, clock, now);

	if (clock == CLOCK_MONOTONIC)
		now->tv_sec += ahead_s;
	return rc;
}

static void
found(struct registrar *unused, const struct stored_route *route)
{
	(void)unused;
	(void)route;
	nfound++;
}

static void
found_policy(struct registrar *unused, const struct stored_policy *stored)
{
	(void)unused;
	(void)stored;
	npolicy++;
}

static void
found_unsaved(struct registrar *unused, const struct stored_unsaved *stored)
{
	(void)unused;
	(void)stored;
	nunsaved++;
}

static void
open_store(void)
{
	nfound = npolicy = nunsaved = 0;
	r.changes.saved = r.changes.failed = 0;
	r.io = store_io_open(&r, directory, found, found_policy, found_unsaved);
}

static void
close_store(void)
{
	store_io_close(r.io);
	r.io = NULL;
}

/* change_stored() counts it, and frees it: it is in no lane. */
static void
save(const char *key, const char *pattern, const char *url)
{
	struct destination to = { .url = url };

	store_io_save(
	    r.io, change_new(CHANGE_SET, key, pattern, &to, url != NULL));
}

/* What Redis has, too, waits for the next that is urgent, whenever that comes:
 * one batch. */
static void
save_copy(const char *key, const char *pattern, const char *url)
{
	struct destination to = { .url = url };
	struct change *c = change_new(CHANGE_SET, key, pattern, &to, 1);

	c->origin = ORIGIN_REDIS;
	ahead_s = LONG_S;
	store_io_save(r.io, c);
	ahead_s = 0;
}

static void
save_many(size_t n)
{
	char key[32];

	for (size_t i = 0; i < n; i++) {
		snprintf(key, sizeof(key), "ttool-%zu", i);
		save(key, ".*", "http://192.0.2.1:2000");
	}
}

static void
look(struct timer *t)
{
	static uint64_t since_ms;
	uint64_t now = clock_mono_ms();

	if (t == NULL) {
		since_ms = now;
	} else if (r.changes.saved + r.changes.failed >= expected ||
		   now - since_ms > PATIENCE_MS) {
		in_time = now - since_ms <= PATIENCE_MS;
		ev_stop(&r.loop);
		return;
	}
	timer_set(&r.loop.timers, &watch, now + 1);
}

/* Turn the loop until so many were answered. */
static bool
answered(uint64_t n)
{
	expected = n;
	watch.fire = look;
	look(NULL);
	ev_run(&r.loop);
	return in_time;
}

static void
test_many(void)
{
	open_store();
	save_many(5000);
	ok(answered(5000), "5000 changes are answered");
	is_int((long long)r.changes.saved, 5000, "all of them were stored");
	close_store();
	open_store();
	is_int((long long)nfound, 5000, "and are found at the next start");
	close_store();
}

static void
test_close(void)
{
	open_store();
	save_many(2000);
	save("tlast", ".*", "http://192.0.2.1:2000");
	close_store(); /* the loop has not turned */
	is_int((long long)r.changes.saved, 2001,
	    "closing waits for all, and answers them");
	open_store();
	is_int((long long)nfound, 5001, "and they are there");
	close_store();
}

static void
test_bad_one(void)
{
	open_store();
	for (int i = 0; i < 100; i++) {
		char pattern[16];

		snprintf(pattern, sizeof(pattern), "/%d", i);
		save("tmixed", pattern,
		    i == 50 ? NULL : "http://192.0.2.1:2000");
	}
	ok(answered(100), "a batch with a bad change is answered");
	is_int((long long)r.changes.saved, 99, "the good ones were stored");
	is_int((long long)r.changes.failed, 1, "the bad one alone was not");
	close_store();
}

static void
test_full_disk(void)
{
	open_store();
	limit_files(1);
	save_many(300);
	ok(answered(300), "with a full disk all are answered");
	is_int((long long)r.changes.failed, 300, "each as not stored");
	limit_files(RLIM_INFINITY);
	save("tafter", ".*", "http://192.0.2.1:2000");
	ok(answered(301), "with room again the next is answered");
	is_int((long long)r.changes.saved, 1, "as stored");
	close_store();
	open_store();
	is_int((long long)nfound, 5001 + 99 + 1, "what was there still is");
	close_store();
}

/* Where there is no room for one, those behind it are not tried. */
static void
test_nearly_full_disk(void)
{
	char large[60001];

	memset(large, 'a', sizeof(large) - 1);
	large[sizeof(large) - 1] = '\0';
	open_store();
	limit_files(40000); /* of the log that is written first */
	save("tearly", ".*", "http://192.0.2.1:2000");
	ok(answered(1), "a small one has room");
	is_int((long long)r.changes.saved, 1, "and is stored");
	save_copy("tfull", large, "http://192.0.2.1:2000");
	save("tlater", ".*", "http://192.0.2.1:2000");
	ok(answered(3), "a large one and the next are answered");
	is_int((long long)r.changes.failed, 2, "both as not stored");
	limit_files(RLIM_INFINITY);
	close_store();
}

/* Only the loop's thread blocks it here, after the other one was made. */
static void
test_signals(void)
{
	const struct timespec patience = { .tv_sec = 5 };
	sigset_t usr1;

	open_store();
	sigemptyset(&usr1);
	sigaddset(&usr1, SIGUSR1);
	sigprocmask(SIG_BLOCK, &usr1, NULL);
	kill(getpid(), SIGUSR1); /* a thread that takes it ends the process */
	save("tlast", ".*", "http://192.0.2.1:2000");
	ok(answered(1), "the thread has worked meanwhile");
	is_int(sigtimedwait(&usr1, NULL, &patience), SIGUSR1,
	    "a signal comes to the loop's thread");
	close_store();
}

static void
remove_directory(void)
{
	static const char *const names[] = { "routes.sqlite",
		"routes.sqlite-wal", "routes.sqlite-shm" };
	char path[sizeof(directory) + 32];

	for (size_t i = 0; i < nitems(names); i++) {
		snprintf(path, sizeof(path), "%s/%s", directory, names[i]);
		unlink(path);
	}
	rmdir(directory);
}

int
main(void)
{
	log_open(LOG_TO_STDERR, "test", LOG_ALERT);
	signal(SIGXFSZ, SIG_IGN);
	if (mkdtemp(directory) == NULL || ev_init(&r.loop) == -1)
		return 1;
	changes_init(&r.changes);
	test_many();
	test_close();
	test_bad_one();
	test_full_disk();
	test_nearly_full_disk();
	test_signals();
	remove_directory();
	ev_release(&r.loop);
	return done();
}
