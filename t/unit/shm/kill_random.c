/*
 * The writer is killed at random instructions while it inserts, changes,
 * deletes, grows and recovers; two readers check everything they read.
 *
 * kill_random.t [kills]     prints kills=N torn=N stalls=N max_retries=N lost=N
 */
#include <bsd/stdlib.h>
#include <limits.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "shm/segment.h"
#include "shm/table_read.h"
#include "shm/table_write.h"
#include "t/tap.h"
#include "t/unit/shm/sample.h"

#define KILLS_SHORT 300
#define KILLS_A_TABLE 100 /* then a new one, to grow again */
#define KILLS_MUTANT 10000
#define NAMES 3000
#define READERS 2
#define SIZE (32 * 1024 * 1024)
#define DELETED_EVERY 5 /* versions that are multiples of this: not there */
#define STALL_NS UINT64_C(1000000000)

/*
 * What the processes tell each other.  A name's version is begun, then done,
 * then acknowledged; a reader may see anything between what was acknowledged
 * before it looked and what was begun after it looked.
 */
static struct shared {
	_Atomic uint64_t begun[NAMES], acked[NAMES];
	_Atomic unsigned names;	  /* of those that are in use by now */
	_Atomic unsigned started; /* the writer; most kills come after that */
	_Atomic unsigned stop;
	_Atomic uint64_t looks, torn, stalls, lost, back, retries, recoveries;
} * shared;

static int fd;
static struct table *t;
static struct table_copy copy;
static struct tool got;
static struct sample sample;

static uint32_t
dice(uint32_t *seed, uint32_t sides)
{
	*seed = *seed * 1664525 + 1013904223;
	return (uint32_t)((uint64_t)*seed * sides >> 32);
}

static void
maximum(_Atomic uint64_t *to, uint64_t value)
{
	uint64_t was = atomic_load(to);

	while (was < value && !atomic_compare_exchange_weak(to, &was, value))
		continue;
}

/* Is there a version from lo to hi at which the name is not there? */
static bool
may_be_absent(uint64_t lo, uint64_t hi)
{
	return lo == 0 || hi / DELETED_EVERY * DELETED_EVERY >= lo;
}

/* Look a name up and judge the answer; last: what was seen of it before. */
static void
check(unsigned n, uint64_t *last)
{
	uint64_t lo = atomic_load(&shared->acked[n]), hi, version;
	enum lookup found;
	char key[32];

	if (lo < *last)
		lo = *last;
	found = table_read(t, sample_key(key, n), &copy, &got);
	hi = atomic_load(&shared->begun[n]);
	atomic_fetch_add(&shared->looks, 1);
	maximum(&shared->retries, copy.retries);
	switch (found) {
	case LOOKUP_FOUND:
		version = got.version;
		if (version < lo)
			atomic_fetch_add(
			    version < *last ? &shared->back : &shared->lost, 1);
		if (version > hi || version % DELETED_EVERY == 0 ||
		    !sample_is(&got, n, version))
			atomic_fetch_add(&shared->torn, 1);
		*last = version;
		break;
	case LOOKUP_ABSENT:
	case LOOKUP_NOT_READY:
		if (!may_be_absent(lo, hi))
			atomic_fetch_add(&shared->lost, 1);
		break;
	case LOOKUP_BUSY:
		atomic_fetch_add(&shared->stalls, 1);
		break;
	case LOOKUP_DAMAGED:
		atomic_fetch_add(&shared->torn, 1);
		break;
	}
}

static void
reader(uint32_t seed)
{
	static uint64_t last[NAMES];

	while (!atomic_load(&shared->stop))
		for (int i = 0; i < 64; i++) {
			uint32_t n = dice(&seed, atomic_load(&shared->names));

			check(n, &last[n]);
		}
	_exit(0);
}

static void
check_all(void)
{
	uint64_t last;

	for (unsigned n = 0; n < NAMES; n++) {
		last = 0;
		check(n, &last);
	}
}

/* Recover, check, then change names until killed. */
static void
writer(uint32_t seed)
{
	struct table_writer *w;
	uint64_t version, round = 0;
	char key[32];
	unsigned n;
	int ret;

	shared->started = 1;
	w = table_writer_new(fd, NULL, NULL);
	if (w == NULL)
		_exit(1);
	atomic_fetch_add(&shared->recoveries, 1);
	if (dice(&seed, 8) == 0)
		check_all();
	for (;; round++) {
		n = atomic_load(&shared->names);
		if (round % 8 == 0 && n < NAMES)
			atomic_store(&shared->names, ++n);
		n = dice(&seed, n);
		version = atomic_load(&shared->begun[n]) + 1;
		atomic_store(&shared->begun[n], version);
		if (version % DELETED_EVERY == 0)
			ret = table_delete(w, sample_key(key, n), version);
		else
			ret = table_put(
			    w, sample_tool(&sample, n, version), version);
		if (ret == -1)
			_exit(1);
		atomic_store(&shared->acked[n], version);
	}
}

static void
nap(uint64_t ns)
{
	struct timespec ts = { .tv_sec = (time_t)(ns / 1000000000),
		.tv_nsec = (long)(ns % 1000000000) };

	nanosleep(&ts, NULL);
}

static pid_t
start(void (*run)(uint32_t seed), uint32_t seed)
{
	pid_t pid = fork();

	if (pid == 0)
		run(seed);
	if (pid == -1)
		abort();
	return pid;
}

/* Run a writer for a random time, most often a short one.  False: it ended. */
static bool
kill_once(uint32_t *seed)
{
	pid_t pid;
	int status;

	shared->started = 0;
	pid = start(writer, dice(seed, UINT32_MAX));
	while (!shared->started)
		nap(1000);
	nap(dice(seed, UINT32_C(20000) << dice(seed, 8)));
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	return WIFSIGNALED(status);
}

/* Do the readers go on, now that no writer lives? */
static void
check_progress(void)
{
	uint64_t looks = atomic_load(&shared->looks);

	for (uint64_t ns = 0; ns < STALL_NS; ns += 100000) {
		if (atomic_load(&shared->looks) != looks)
			return;
		nap(100000);
	}
	atomic_fetch_add(&shared->stalls, 1);
}

static bool
one_table(unsigned kills, uint32_t *seed)
{
	pid_t readers[READERS];
	bool good = true;

	fd = segment_create("kill", SIZE);
	if (table_format(fd) == -1 || (t = table_open(fd)) == NULL)
		abort();
	memset(shared->begun, 0, sizeof(shared->begun));
	memset(shared->acked, 0, sizeof(shared->acked));
	shared->names = 1;
	shared->stop = 0;
	for (int i = 0; i < READERS; i++)
		readers[i] = start(reader, dice(seed, UINT32_MAX));
	while (kills-- > 0 && good) {
		good = kill_once(seed);
		check_progress();
		check_all();
	}
	shared->stop = 1;
	for (int i = 0; i < READERS; i++)
		waitpid(readers[i], NULL, 0);
	table_close(t);
	close(fd);
	return good;
}

static uint64_t
faults(void)
{
	return shared->torn + shared->stalls + shared->lost + shared->back +
	       (shared->retries > 8);
}

/* Until that many kills, or the first table with a fault. */
static unsigned
run(unsigned kills, uint32_t seed)
{
	unsigned n = 0;
	bool good = true;

	diag("seed=%u", seed);
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (shared == MAP_FAILED)
		abort();
	for (; n < kills && good && faults() == 0; n += KILLS_A_TABLE)
		good = one_table(KILLS_A_TABLE, &seed);
	ok(good, "the writer ends by nothing but being killed");
	diag("looks=%llu recoveries=%llu back=%llu",
	    (unsigned long long)shared->looks,
	    (unsigned long long)shared->recoveries,
	    (unsigned long long)shared->back);
	return n;
}

#ifndef ODD_EVEN
int
main(int argc, char **argv)
{
	unsigned kills = KILLS_SHORT;
	int failed;

	if (argc > 1)
		kills = (unsigned)strtonum(argv[1], 1, INT_MAX, NULL);
	kills = run(kills, (uint32_t)getpid());
	is_int((long long)shared->torn, 0, "no read was torn");
	is_int((long long)shared->stalls, 0, "no reader waited");
	is_int((long long)shared->lost, 0, "nothing acknowledged was lost");
	is_int((long long)shared->back, 0, "no version went back");
	ok(shared->retries <= 8, "at most 8 retries");
	failed = done();
	printf("kills=%u torn=%llu stalls=%llu max_retries=%llu lost=%llu\n",
	    kills, (unsigned long long)shared->torn,
	    (unsigned long long)shared->stalls,
	    (unsigned long long)shared->retries,
	    (unsigned long long)shared->lost);
	return failed;
}
#endif
