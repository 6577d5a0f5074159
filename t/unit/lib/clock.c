/* Times are written as RFC 3339 has them, in UTC, or not at all. */
#include "lib/clock.h"

#include "lib/array.h"
#include "t/tap.h"

static const struct {
	uint64_t real_ms;
	const char *text;
} cases[] = {
	{ 0, "1970-01-01T00:00:00Z" },
	{ 999, "1970-01-01T00:00:00Z" },
	{ 1795363200000, "2026-11-22T16:00:00Z" },
	{ 253402300799999, "9999-12-31T23:59:59Z" },
	{ 253402300800000, "" },
	{ UINT64_MAX, "" },
};

int
main(void)
{
	char text[CLOCK_UTC_SIZE];

	for (size_t i = 0; i < nitems(cases); i++)
		is_str(clock_format_utc(cases[i].real_ms, text), cases[i].text,
		    "%llu", (unsigned long long)cases[i].real_ms);
	return done();
}
