/* Counters: each worker's are added up, and no bytes in them do harm. */
#include "shm/counters.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#include "shm/segment.h"
#include "t/tap.h"

#define WORKERS 2
#define EACH 200000
#define TOOL (7 + 3 * COUNTERS_HOLDER)

static int fd;
static struct counters *l, *m, *reader;

static void
open_all(void)
{
	int ro;

	fd = segment_create("counters", counters_size(WORKERS));
	ok(fd != -1 && counters_format(fd) == 0, "a segment");
	ro = segment_reopen_readonly(fd);
	l = counters_open(fd, 0);
	m = counters_open(fd, 1);
	reader = counters_open_readonly(ro);
	close(ro);
	ok(l != NULL && m != NULL && reader != NULL,
	    "two workers and a reader");
}

static void
close_all(void)
{
	counters_close(l);
	counters_close(m);
	counters_close(reader);
	close(fd);
}

static const struct counted good = { .slot = TOOL,
	.by_backend = true,
	.status = 200,
	.method = 1,
	.received = 10,
	.sent = 100,
	.took_ms = 5 };
static const struct counted bad = { .slot = TOOL,
	.status = 502,
	.method = 3,
	.reason = 17,
	.no_websocket = true,
	.took_ms = 70000 };

static void
test_responses(void)
{
	const struct counted nobody = { .slot = COUNTERS_NONE, .status = 404 };
	struct counters_sum sum;

	open_all();
	counters_add(l, &good);
	counters_add(m, &good);
	counters_add(m, &bad);
	counters_add(m, &nobody);
	counters_read(reader, TOOL, &sum);
	is_int(sum.requests[1][2][1], 2, "two of backends, by two workers");
	is_int(sum.requests[0][5][3], 1, "one of ours");
	is_int(sum.reasons[17], 1, "for a reason");
	is_int(sum.times[0], 2, "within 5 ms");
	is_int(sum.times[COUNTERS_TIMES - 1], 1, "and in more than a minute");
	is_int(sum.took_ms, 70010, "together");
	is_int(counters_no_websockets(reader, 17), 1, "no WebSocket");
	is_int(counters_no_websockets(reader, 0), 0, "where one was wanted");
	is_int(sum.received, 20, "bytes received");
	is_int(sum.sent, 200, "bytes sent");
	counters_read_all(reader, &sum);
	is_int(sum.requests[0][4][0], 1, "all: nobody's, too");
	is_int(sum.requests[1][2][1], 2, "and the tools'");
	close_all();
}

static void
test_connects(void)
{
	struct counters_connects connects;

	open_all();
	counters_connected(l, 3);
	counters_connected(m, 20);
	counters_read_connects(reader, &connects);
	is_int(connects.times[0] + connects.times[2], 2,
	    "connections of two workers, by how long they took");
	is_int(connects.took_ms, 23, "together");
	close_all();
}

/* A place in the table is one tool's after another. */
static void
test_successor(void)
{
	struct counters_sum sum;

	open_all();
	counters_add(l, &good);
	counters_add(m, &good);
	counters_add(m, &bad);
	is_int(counters_forget(fd, 1), 0, "a worker is dead");
	counters_read(reader, TOOL, &sum);
	is_int(sum.requests[1][2][1], 2, "what it counted stays");

	counters_add(m, &(struct counted){ .slot = TOOL + COUNTERS_HOLDER,
			    .by_backend = true });
	counters_read(reader, TOOL, &sum);
	is_int(sum.requests[1][2][1], 1, "until another has the place there");
	counters_read(reader, TOOL + COUNTERS_HOLDER, &sum);
	is_int(sum.requests[1][2][1], 0, "who begins with nothing");
	is_int(sum.requests[1][0][0], 1, "but its own");
	is_int(sum.reasons[17], 0, "no trouble either");
	counters_read_all(reader, &sum);
	is_int(sum.reasons[17], 0, "nor all together");
	counters_add(m, &(struct counted){ .slot = TOOL + COUNTERS_HOLDER });
	counters_read(reader, TOOL + COUNTERS_HOLDER, &sum);
	is_int(sum.requests[0][0][0], 1, "until it has its own");
	is_int(sum.requests[0][5][3], 0, "and no more than that");
	close_all();
}

static void
test_cap(void)
{
	struct counters_sum sum;

	open_all();
	counters_set_cap(l, 10, 0);
	counters_set_cap(m, 10, 0);
	for (unsigned i = 0; i < 10; i++) {
		if (!ok(counters_may_enter(l, TOOL), "request %u of 10", i + 1))
			break;
		counters_enter(l, TOOL);
	}
	ok(!counters_may_enter(l, TOOL), "one more is too many");
	ok(counters_may_enter(l, TOOL + 1), "but not for another tool");
	counters_leave(l, TOOL);
	ok(counters_may_enter(l, TOOL), "until one is over");
	for (unsigned i = 0; i < 5; i++)
		counters_enter(m, TOOL);
	ok(!counters_may_enter(l, TOOL) && !counters_may_enter(m, TOOL),
	    "workers count together");
	counters_read(reader, TOOL, &sum);
	is_int(sum.under_way, 14, "as a reader sees");
	counters_leave(m, TOOL);
	ok(counters_may_enter(m, TOOL), "each has its share");

	ok(!counters_may_enter(l, TOOL), "what the dead had under way");
	is_int(counters_forget(fd, 1), 0, "is forgotten by the master");
	ok(counters_may_enter(l, TOOL), "and room again");
	counters_leave(m, TOOL);
	counters_read(reader, TOOL, &sum);
	is_int(sum.under_way, 9, "nobody leaves who did not enter");

	ok(counters_may_enter(l, TOOL + COUNTERS_HOLDER),
	    "who has the place next has nothing under way");
	counters_enter(l, TOOL + COUNTERS_HOLDER);
	counters_leave(l, TOOL);
	counters_read(reader, TOOL + COUNTERS_HOLDER, &sum);
	is_int(sum.under_way, 1, "nor do those of the one before count");
	for (unsigned i = 0; i < 1000; i++)
		counters_enter(l, COUNTERS_OTHER);
	ok(counters_may_enter(l, COUNTERS_OTHER), "no tool has no cap");
	close_all();
}

static void
test_clients(void)
{
	open_all();
	counters_client_is(l, COUNTED_GONE, COUNTED_ACTIVE);
	counters_client_is(l, COUNTED_GONE, COUNTED_ACTIVE);
	counters_client_is(m, COUNTED_GONE, COUNTED_ACTIVE);
	counters_client_is(m, COUNTED_ACTIVE, COUNTED_IDLE);
	is_int(counters_clients(reader, COUNTED_ACTIVE), 2, "two are active");
	is_int(counters_clients(reader, COUNTED_IDLE), 1, "one is idle");
	is_int(counters_forget(fd, 1), 0, "its worker is dead");
	is_int(counters_clients(reader, COUNTED_IDLE), 0, "so it is gone");
	counters_client_is(m, COUNTED_IDLE, COUNTED_GONE);
	is_int(counters_clients(reader, COUNTED_IDLE), 0,
	    "none leaves who was not there");
	counters_client_is(l, COUNTED_ACTIVE, COUNTED_GONE);
	is_int(counters_clients(reader, COUNTED_ACTIVE), 1, "one of two went");
	close_all();
}

/* A sum never goes back while workers count, and in the end it is exact. */
static void *
count(void *arg)
{
	for (unsigned i = 0; i < EACH; i++)
		counters_add(arg, &(struct counted){
				      .slot = TOOL, .status = 200, .sent = 3 });
	return NULL;
}

static void
test_threads(void)
{
	struct counters_sum sum = { .sent = 0 };
	uint64_t last = 0;
	bool back = false;
	pthread_t a, b;

	open_all();
	pthread_create(&a, NULL, count, l);
	pthread_create(&b, NULL, count, m);
	while (sum.sent < 6 * EACH && !back) {
		counters_read(reader, TOOL, &sum);
		back = sum.sent < last;
		last = sum.sent;
	}
	pthread_join(a, NULL);
	pthread_join(b, NULL);
	counters_read(reader, TOOL, &sum);
	ok(!back, "it never went back");
	is_int(sum.requests[0][2][0], 2 * EACH, "each was counted once");
	close_all();
}

/* Another worker may have written anything anywhere. */
static void
test_hostile(void)
{
	struct counters_sum sum;
	const uint64_t *words = (const uint64_t *)&sum;
	uint32_t *raw, large = 0;
	size_t bytes;

	open_all();
	counters_set_cap(l, 10, 0);
	raw = segment_map(fd, true, &bytes);
	for (size_t i = 4; i < bytes / 4; i++)
		raw[i] = (uint32_t)random();
	for (uint32_t i = 0; i < 100000; i++) {
		uint32_t slot = (uint32_t)random();

		counters_may_enter(l, slot);
		counters_enter(l, slot);
		counters_leave(l, slot);
		counters_add(l, &(struct counted){ .slot = slot,
				    .status = (unsigned)random(),
				    .method = (unsigned)random(),
				    .reason = (unsigned)random(),
				    .no_websocket = i % 2 == 0,
				    .took_ms = (uint64_t)random() });
		counters_read(reader, slot, &sum);
	}
	counters_read_all(reader, &sum);
	ok(counters_clients(reader, COUNTED_IDLE) <= 2000000,
	    "no absurd number of connections");
	for (size_t i = 0; i < sizeof(sum) / sizeof(*words); i++)
		large += words[i] > UINT64_C(1) << 53;
	is_int(large, 0, "any bytes are survived, and no number is absurd");
	raw[0]++;
	ok(counters_open(fd, 0) == NULL && errno == EPROTO,
	    "what is no such segment is not opened");
	is_int(counters_forget(fd, 0), -1, "nor written");
	segment_unmap(raw, bytes);
	close_all();
}

int
main(void)
{
	test_responses();
	test_connects();
	test_successor();
	test_cap();
	test_clients();
	test_threads();
	test_hostile();
	return done();
}
