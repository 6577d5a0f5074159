/* A client's rate, over all workers. */
#include "t/unit/shm/limits.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define START_MS 5000
#define RUN_MS 3000
#define STEP_MS 6 /* no divisor of a client's 10 ms */
#define CROWD 300000

static const struct limits_set set = { .rate = 100, .burst = 100 };
static const struct limits_set *workers_set = &set;

/* What the workers have in common in these tests. */
static struct shared {
	_Atomic uint64_t now_ms, admitted, refused;
	atomic_bool stop;
} * shared;

/* How many of n requests at once are let through. */
static unsigned
admitted(struct limits *l, const struct ip *ip, uint64_t now_ms, unsigned n)
{
	unsigned yes = 0;

	while (n-- > 0)
		yes += limits_client(l, ip, now_ms);
	return yes;
}

static void
test_rate(void)
{
	struct limits *l = fresh(&set);
	struct ip one = client(1), other = client(2);
	unsigned sum = 0;

	if (!ok(l != NULL, "limits"))
		return;
	is_int(admitted(l, &one, START_MS, 1000), 100, "a burst");
	is_int(admitted(l, &one, START_MS + 9, 10), 0, "and no more");
	is_int(admitted(l, &one, START_MS + 10, 10), 1, "one each 10 ms");
	is_int(admitted(l, &one, START_MS + 510, 1000), 50, "and so on");
	is_int(admitted(l, &other, START_MS + 510, 1000), 100,
	    "another client has a bucket of its own");
	is_int(admitted(l, &one, START_MS + 60000, 1000), 100,
	    "who was silent has a burst again, and no more");
	is_int(admitted(l, &one, START_MS + 59000, 1000), 0,
	    "a clock that is late finds nothing in it");
	for (uint64_t ms = 0; ms < 10000; ms++)
		sum += limits_client(l, &other, START_MS + 100000 + ms);
	is_int(sum, 1100 - 1,
	    "1,000 a second for 10 s: 1,100, the last of "
	    "them due when it is over");
	limits_close(l);
}

static void
test_prefix(void)
{
	static const struct {
		const char *what, *one, *other;
		bool same;
	} cases[] = {
		{ "a /64", "2001:db8::1", "2001:db8::ffff:1:2:3", true },
		{ "two /64", "2001:db8::1", "2001:db8:0:1::1", false },
		{ "two IPv4", "192.0.2.1", "192.0.2.2", false },
		{ "mapped IPv4", "192.0.2.1", "::ffff:192.0.2.1", true },
		{ "IPv4 and its bytes", "192.0.2.1", "c000:201::", false },
	};
	struct ip one, other;
	struct limits *l;

	for (size_t i = 0; i < nitems(cases); i++) {
		l = fresh(&set);
		ip_parse(&one, span_str(cases[i].one));
		ip_parse(&other, span_str(cases[i].other));
		admitted(l, &one, START_MS, 100);
		is_int(limits_client(l, &other, START_MS), !cases[i].same, "%s",
		    cases[i].what);
		limits_close(l);
	}
}

static void
test_settings(void)
{
	struct limits *l = fresh(&(struct limits_set){ .rate = 0 });
	struct ip ip = client(1);

	is_int(admitted(l, &ip, START_MS, 1000), 1000, "rate 0: no limit");
	limits_close(l);
	l = fresh(&(struct limits_set){ .rate = 1000000, .burst = 1 });
	is_int(admitted(l, &ip, START_MS, 10), 1, "a million a second");
	is_int(admitted(l, &ip, START_MS + 1, 10), 1, "in a burst of one");
	limits_close(l);
	l = fresh(&(struct limits_set){ .rate = 1, .burst = 1000000 });
	is_int(admitted(l, &ip, START_MS, 1000001), 1000000, "the other way");
	limits_close(l);
	l = limits_open(fd, WORKERS, &set);
	ok(l == NULL && errno == EPROTO, "a worker too many");

	/* the limits were lowered: no debts of days */
	l = limits_open(fd, 1, &set);
	is_int(admitted(l, &ip, START_MS, 1000), 100, "lower limits hold");
	limits_close(l);
}

/* How many of n handshakes may begin; those at once and those held back. */
static unsigned
handshakes(struct limits *l, const struct ip *ip, uint64_t now_ms, unsigned n)
{
	unsigned yes = 0;

	while (n-- > 0)
		yes += limits_handshake(l, ip, now_ms) != -1;
	return yes;
}

/* What a client is charged it has not got: 50 a second, 200 at once. */
static void
test_charges(void)
{
	static const struct limits_set fifty = { .rate = 100,
		.burst = 100,
		.handshakes = 50,
		.handshakes_burst = 200 };
	struct limits *l = fresh(&fifty);
	struct ip one = client(1), other = client(2);

	is_int(handshakes(l, &one, START_MS, 1000), 250, "all, and a second's");
	is_int(handshakes(l, &one, START_MS + 60000, 1), 1, "later");
	limits_charge_handshakes(l, &one, 2000, START_MS + 60000);
	is_int(limits_handshake(l, &one, START_MS + 60000), 0,
	    "who is charged two seconds' may still begin");
	is_int(handshakes(l, &one, START_MS + 60000, 1000), 148,
	    "but has so many fewer");
	for (int i = 0; i < 100; i++)
		limits_charge_handshakes(l, &one, 2000, START_MS + 60000);
	is_int(handshakes(l, &one, START_MS + 70000, 10), 0,
	    "beyond its limit it is locked out");
	is_int(handshakes(l, &one, START_MS + 70100, 10), 5,
	    "for ten seconds, however much it was");
	is_int(handshakes(l, &other, START_MS + 60000, 1000), 250,
	    "others are not");
	is_int(admitted(l, &one, START_MS + 60000, 1000), 100,
	    "nor are its requests");
	limits_close(l);
	l = fresh(&set);
	limits_charge_handshakes(l, &one, 2000, START_MS);
	is_int(limits_handshake(l, &one, START_MS), 0, "no limit: no charge");
	limits_close(l);
}

/* Only who owes nothing is forgotten. */
static void
test_crowd(void)
{
	struct limits *l = fresh(&set);
	struct ip ip = client(0);
	unsigned refused = 0;

	admitted(l, &ip, START_MS, 100);
	for (uint32_t n = 1; n <= CROWD; n++) {
		ip = client(n);
		refused += !limits_client(l, &ip, START_MS + 20 + n / 1000);
	}
	is_int(refused, 0, "nobody of a crowd is refused for the others");
	ip = client(0);
	is_int(admitted(l, &ip, START_MS + 320, 100), 32,
	    "who had too much before them still has");

	/* more debtors than there is room for */
	for (uint32_t n = 1; n <= CROWD; n++) {
		ip = client(n);
		refused += admitted(l, &ip, START_MS + 9000, 60) != 60;
	}
	/* 31 bits tell them apart: 21 pairs have the same ones */
	ok(refused < 100, "nor when there is no room for all: %u", refused);
	limits_close(l);
}

/* A worker: asks as fast as it can, as long as time goes on. */
static void *
work(void *arg)
{
	struct limits *l = limits_open(fd, *(unsigned *)arg, workers_set);
	struct ip ip = client(1);

	while (!atomic_load(&shared->stop))
		if (limits_client(l, &ip, atomic_load(&shared->now_ms)))
			atomic_fetch_add(&shared->admitted, 1);
		else
			atomic_fetch_add(&shared->refused, 1);
	limits_close(l);
	return NULL;
}

static void
start_time(void)
{
	atomic_store(&shared->now_ms, START_MS);
	atomic_store(&shared->admitted, 0);
	atomic_store(&shared->stop, false);
}

/* A step of time, when all that could be had until now was taken. */
static void
let_time_pass(void)
{
	uint64_t refused = atomic_load(&shared->refused);

	while (atomic_load(&shared->refused) - refused < 2)
		sched_yield();
	atomic_fetch_add(&shared->now_ms, STEP_MS);
}

/* All that was admitted, with what is still due now. */
static long long
total(struct limits *l)
{
	struct ip ip = client(1);

	return (long long)(atomic_load(&shared->admitted) +
			   admitted(l, &ip, START_MS + RUN_MS, 1000));
}

static void
test_threads(void)
{
	struct limits *l = fresh(&set);
	pthread_t threads[WORKERS];
	unsigned numbers[WORKERS];

	start_time();
	for (unsigned i = 0; i < WORKERS; i++) {
		numbers[i] = i;
		pthread_create(&threads[i], NULL, work, &numbers[i]);
	}
	for (unsigned i = 0; i < RUN_MS / STEP_MS; i++)
		let_time_pass();
	atomic_store(&shared->stop, true);
	for (unsigned i = 0; i < WORKERS; i++)
		pthread_join(threads[i], NULL);
	is_int(total(l), 100 + RUN_MS / 10, "two threads: burst + rate * time");
	limits_close(l);
}

/* Every request of both changes the same word. */
static void
test_contention(void)
{
	static const struct limits_set much = { .rate = 1000000,
		.burst = 2000000 };
	struct limits *l = fresh(&much);
	pthread_t threads[WORKERS];
	unsigned numbers[WORKERS];

	workers_set = &much;
	start_time();
	for (unsigned i = 0; i < WORKERS; i++) {
		numbers[i] = i;
		pthread_create(&threads[i], NULL, work, &numbers[i]);
	}
	let_time_pass(); /* waits until nothing is left */
	atomic_store(&shared->stop, true);
	for (unsigned i = 0; i < WORKERS; i++)
		pthread_join(threads[i], NULL);
	workers_set = &set;
	ok(atomic_load(&shared->admitted) >= much.burst &&
		atomic_load(&shared->admitted) <=
		    much.burst + STEP_MS * much.rate / 1000,
	    "two threads, one bucket: %llu of %u",
	    (unsigned long long)atomic_load(&shared->admitted), much.burst);
	limits_close(l);
}

/* One of them is killed again and again, in the middle of anything. */
static void
test_processes(void)
{
	struct limits *l = fresh(&set);
	unsigned numbers[WORKERS] = { 0, 1 };
	unsigned kills = 0;
	pid_t pids[WORKERS];
	long long all;

	start_time();
	for (unsigned i = 0; i < WORKERS; i++)
		if ((pids[i] = fork()) == 0) {
			work(&numbers[i]);
			_exit(0);
		}
	for (unsigned i = 0; i < RUN_MS / STEP_MS; i++) {
		let_time_pass();
		if (i % 10 != 5)
			continue;
		kill(pids[1], SIGKILL);
		waitpid(pids[1], NULL, 0);
		kills++;
		if ((pids[1] = fork()) == 0) {
			work(&numbers[1]);
			_exit(0);
		}
	}
	atomic_store(&shared->stop, true);
	for (unsigned i = 0; i < WORKERS; i++)
		waitpid(pids[i], NULL, 0);
	all = total(l);
	/* a killed one may not have counted its last */
	ok(all <= 100 + RUN_MS / 10 && all >= 100 + RUN_MS / 10 - kills,
	    "two processes, %u killed: %lld of %d", kills, all,
	    100 + RUN_MS / 10);
	limits_close(l);
}

static void
test_hostile(void)
{
	struct limits *l = fresh(&(struct limits_set){
	    .rate = 100, .burst = 100, .connections = 9 });
	struct ip ip = client(1);
	unsigned yes = 0;
	uint32_t place;
	size_t bytes;
	uint32_t *raw = segment_map(fd, true, &bytes);

	for (size_t i = 32; i < bytes / 4; i++)
		raw[i] = arc4random();
	for (uint32_t i = 0; i < 100000; i++) {
		ip = client(i);
		yes += limits_client(l, &ip, START_MS);
		limits_connect(l, &ip, &place);
		limits_disconnect(l, place);
	}
	ok(yes > 99000, "any bytes are survived, by clients too: %u", yes);
	raw[0]++;
	ok(limits_open(fd, 0, &set) == NULL && errno == EPROTO,
	    "what is no such segment is not opened");
	is_int(limits_forget(fd, 0), -1, "nor written");
	segment_unmap(raw, bytes);
	limits_close(l);
}

int
main(void)
{
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	test_rate();
	test_prefix();
	test_settings();
	test_charges();
	test_crowd();
	test_threads();
	test_contention();
	test_processes();
	test_hostile();
	close(fd);
	return done();
}
