/* A backend that fails is left alone for longer and longer, never for ever. */
#include "shm/health.h"

#include <unistd.h>

#include "shm/segment.h"
#include "t/tap.h"

static struct backend
backend(unsigned n)
{
	struct backend b = { .ip = { .bytes = { 10, 0, (uint8_t)(n >> 8),
					 (uint8_t)n },
				 .family = AF_INET },
		.port = 8000 };

	return b;
}

#define TRY 2000
#define START 1000000

static int fd;
static struct health *one, *two;

static void
open_both(void)
{
	fd = segment_create("health", health_size());
	is_int(health_format(fd), 0, "a segment");
	one = health_open(fd);
	two = health_open(fd);
	ok(one != NULL && two != NULL, "that two workers have");
}

static void
close_both(void)
{
	health_close(one);
	health_close(two);
	close(fd);
}

static void
test_failures(void)
{
	struct backend a = backend(1), b = backend(2);
	uint64_t now = START;

	open_both();
	is_int(health_ask(one, &a, now, TRY), HEALTH_GOOD, "all is good");
	for (int i = 0; i < 100; i++)
		health_failed(one, &a, now);
	is_int(health_ask(two, &a, now, TRY), HEALTH_AVOID, "a failure is told");
	is_int(health_ask(two, &b, now, TRY), HEALTH_GOOD, "of this one only");
	is_int(health_ask(two, &a, now + 999, TRY), HEALTH_AVOID,
	    "100 at a time are one: 1 s");
	is_int(health_ask(one, &a, now + 1000, TRY), HEALTH_TRY, "then one tries");
	is_int(health_ask(two, &a, now + 1000, TRY), HEALTH_AVOID, "only one");
	now += 1000;
	health_failed(one, &a, now);
	is_int(health_ask(one, &a, now + 1999, TRY), HEALTH_AVOID, "again: 2 s");
	is_int(health_ask(two, &a, now + 2000, TRY), HEALTH_TRY, "another tries");
	is_int(health_ask(one, &a, now + 2000 + TRY, TRY), HEALTH_TRY,
	    "and another if that one is never heard of");
	for (int i = 0; i < 20; i++) {
		now += 100000;
		health_ask(one, &a, now, TRY);
		health_failed(one, &a, now);
	}
	is_int(health_ask(one, &a, now + 29999, TRY), HEALTH_AVOID, "up to 30 s");
	is_int(health_ask(one, &a, now + 30000, TRY), HEALTH_TRY, "and no more");
	health_reached(two, &a);
	is_int(health_ask(one, &a, now, TRY), HEALTH_GOOD, "success clears it");
	health_failed(one, &a, now + 1000000);
	is_int(health_ask(one, &a, now, TRY), HEALTH_TRY,
	    "a mark that lasts too long is not believed");
	close_both();
}

static void
test_answered(void)
{
	struct tool tool = { .key = SPAN("talpha"), .version = 7 };
	struct backend b = backend(2);
	uint64_t key;

	open_both();
	key = health_hash(one, tool.key) ^ tool.version;
	is_int(key == (health_hash(two, tool.key) ^ tool.version), true,
	    "a tool is the same to both");
	ok(!health_has_answered(one, &b, key), "it has not answered yet");
	health_answered(two, &b, key);
	ok(health_has_answered(one, &b, key), "now it has");
	tool.version++;
	key = health_hash(one, tool.key) ^ tool.version;
	ok(!health_has_answered(one, &b, key),
	    "but not since its routes were changed");
	close_both();
}

static void
test_many(void)
{
	unsigned known = 0;

	open_both();
	for (unsigned i = 0; i < 1000; i++) {
		struct backend some = backend(i);

		health_failed(one, &some, START);
	}
	for (unsigned i = 0; i < 1000; i++) {
		struct backend some = backend(i);

		known += health_ask(two, &some, START, TRY) == HEALTH_AVOID;
	}
	ok(known > 900, "a thousand at a time: %u are known", known);
	close_both();
}

int
main(void)
{
	test_failures();
	test_answered();
	test_many();
	return done();
}
