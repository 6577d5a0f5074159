/* A client's connections, over all workers. */
#include "t/unit/shm/limits.h"

#include <pthread.h>
#include <stdatomic.h>

/* How many of n more connections are let in. */
static unsigned
connected(struct limits *l, const struct ip *ip, unsigned n, uint32_t *places)
{
	unsigned yes = 0;

	for (unsigned i = 0; i < n; i++)
		yes += limits_connect(l, ip, &places[yes]);
	return yes;
}

static void
test_connections(void)
{
	static const struct limits_set three = { .connections = 3 };
	struct limits *l = fresh(&three), *m = limits_open(fd, 1, &three);
	struct ip one = client(1), other = client(2);
	uint32_t places[2 * WORKERS * 3], theirs[8];

	is_int(connected(l, &one, 2, places), 2, "two connections of three");
	is_int(connected(m, &one, 5, theirs), 1, "one more, in any worker");
	is_int(connected(l, &one, 5, places + 2), 0, "and no more in any");
	is_int(connected(m, &other, 5, theirs + 1), 3, "others have theirs");
	limits_disconnect(l, places[0]);
	is_int(connected(m, &one, 5, theirs + 4), 1, "one left: one may come");
	limits_disconnect(m, theirs[4]);

	limits_close(m); /* killed */
	is_int(connected(l, &other, 5, places + 2), 0, "what the dead had");
	is_int(limits_forget(fd, 1), 0, "is forgotten by the master");
	is_int(connected(l, &other, 5, places + 2), 3, "and room again");
	is_int(connected(l, &one, 5, places + 5), 2, "for everybody");
	limits_disconnect(l, 0);
	limits_close(l);

	l = fresh(&(struct limits_set){ .rate = 100, .burst = 100 });
	is_int(connected(l, &one, 8, theirs), 8, "no limit");
	is_int((int)theirs[0], 0, "and nothing counted");
	limits_close(l);
}

/* As many addresses as a worker has connections, and as many again. */
static void
test_many_addresses(void)
{
	static const struct limits_set one = { .connections = 1 };
	struct limits *l = fresh(&one);
	static uint32_t places[20000];
	unsigned twice = 0, once = 0;
	struct ip ip;

	for (int round = 0; round < 2; round++) {
		for (uint32_t n = 0; n < nitems(places); n++) {
			uint32_t none;

			ip = client(n);
			once += limits_connect(l, &ip, &places[n]);
			twice += limits_connect(l, &ip, &none);
		}
		for (uint32_t n = 0; n < nitems(places); n++)
			limits_disconnect(l, places[n]);
	}
	/* 29 bits tell them apart */
	ok(once > 2 * nitems(places) - 20, "20,000 addresses: %u", once);
	ok(twice < 20, "each of them once: %u", twice);
	limits_close(l);
}

static _Atomic unsigned open_now, most;

/* Comes and goes as fast as it can. */
static void *
come_and_go(void *arg)
{
	static const struct limits_set three = { .connections = 3 };
	struct limits *l = limits_open(fd, *(unsigned *)arg, &three);
	struct ip ip = client(1);
	uint32_t places[4];
	unsigned now;

	for (unsigned i = 0; i < 100000; i++) {
		unsigned n = connected(l, &ip, 1 + i % 4, places);

		now = atomic_fetch_add(&open_now, n) + n;
		if (now > atomic_load(&most))
			atomic_store(&most, now);
		atomic_fetch_sub(&open_now, n);
		while (n-- > 0)
			limits_disconnect(l, places[n]);
	}
	limits_close(l);
	return NULL;
}

static void
test_connection_threads(void)
{
	static const struct limits_set three = { .connections = 3 };
	struct limits *l = fresh(&three);
	struct ip ip = client(1);
	unsigned numbers[] = { 0, 1, 1 }; /* two, while one drains */
	pthread_t threads[nitems(numbers)];
	uint32_t places[8];

	for (unsigned i = 0; i < nitems(numbers); i++)
		pthread_create(&threads[i], NULL, come_and_go, &numbers[i]);
	for (unsigned i = 0; i < nitems(numbers); i++)
		pthread_join(threads[i], NULL);
	ok(most > 0 && most <= 3, "never more than three: %u", most);
	is_int(connected(l, &ip, 8, places), 3, "and nothing was lost");
	limits_close(l);
}

int
main(void)
{
	test_connections();
	test_many_addresses();
	test_connection_threads();
	close(fd);
	return done();
}
