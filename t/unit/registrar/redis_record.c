/* registrar/redis_record.c: what is written is read back, nonsense is not. */
#include "registrar/redis_record.h"

#include <stdio.h>
#include <string.h>

#include "lib/array.h"
#include "registrar/change.h"
#include "t/tap.h"

#define NOW_MS 1800000000000

static const struct {
	const char *what, *text;
	bool good;
} cases[] = {
	{ "a tombstone", "00000000000000ff 0", true },
	{ "a destination", "00000000000000ff 12 http://192.0.2.1:80", true },
	{ "nothing", "", false },
	{ "version 0", "0000000000000000 0", false },
	{ "a short version", "ff 0", false },
	{ "capitals, which do not compare", "00000000000000FF 0", false },
	{ "no time", "00000000000000ff", false },
	{ "a time that is none", "00000000000000ff x", false },
	{ "something behind the time", "00000000000000ff 1x", false },
	{ "a version of the year 10000", "ffffffffffffffff 0", false },
};

static void
test_reading(void)
{
	struct redis_record record;
	char text[128];

	for (size_t i = 0; i < nitems(cases); i++) {
		snprintf(text, sizeof(text), "%s", cases[i].text);
		is_int(redis_record_read(&record, text, NOW_MS),
		    cases[i].good, "%s", cases[i].what);
	}
}

static void
test_both_ways(void)
{
	static char text[RECORD_MAX];
	struct destination at[] = {
		{ .url = "http://192.0.2.1:2000", .lease = "node-1" },
		{ .url = "http://192.0.2.2:2000", .drained = true },
	};
	const struct destinations to = { at, nitems(at) };
	uint64_t version = change_version_at(NOW_MS) + 5;
	struct redis_record record;
	char digits[RECORD_DIGITS + 1];

	ok(redis_record_write(text, version, 77, &to), "it is written");
	ok(strncmp(text, redis_version_text(version, digits), RECORD_DIGITS) ==
	        0,
	    "its version comes first");
	ok(redis_record_read(&record, text, NOW_MS), "and read");
	ok(record.version == version, "the same version");
	ok(strstr(record.destinations, "lease=node-1") != NULL, "the lease");
	ok(redis_record_write(text, version, 77, NULL), "a tombstone");
	ok(redis_record_read(&record, text, NOW_MS), "is read");
	is_str(record.destinations, "", "and leads nowhere");
	ok(redis_record_write(
	       text, change_version_at(NOW_MS + RECORD_AHEAD_MS + 1), 1, NULL),
	    "a clock that is ahead by more than an hour");
	ok(!redis_record_read(&record, text, NOW_MS), "makes no version");
}

int
main(void)
{
	test_reading();
	test_both_ways();
	return done();
}
