/* Values have a unit, are exact, and are written as they are read. */
#include "conf/value.h"

#include <inttypes.h>

#include "t/tap.h"

#define REFUSED UINT64_MAX

static const struct {
	bool (*parse)(uint64_t *, const char *);
	const char *(*format)(uint64_t, char *);
	const char *text;
	uint64_t value;
	const char *written; /* NULL: the same */
} numbers[] = {
	{ duration_parse, duration_format, "0ms", 0, NULL },
	{ duration_parse, duration_format, "500ms", 500, NULL },
	{ duration_parse, duration_format, "2s", 2000, NULL },
	{ duration_parse, duration_format, "5m", 300000, NULL },
	{ duration_parse, duration_format, "90s", 90000, NULL },
	{ duration_parse, duration_format, "60m", 3600000, "1h" },
	{ duration_parse, duration_format, "1d", 86400000, NULL },
	{ duration_parse, duration_format, "1500ms", 1500, NULL },
	{ duration_parse, NULL, "2", REFUSED, NULL },
	{ duration_parse, NULL, "2x", REFUSED, NULL },
	{ duration_parse, NULL, "2 s", REFUSED, NULL },
	{ duration_parse, NULL, "2S", REFUSED, NULL },
	{ duration_parse, NULL, "-2s", REFUSED, NULL },
	{ duration_parse, NULL, "+2s", REFUSED, NULL },
	{ duration_parse, NULL, "1.5s", REFUSED, NULL },
	{ duration_parse, NULL, "s", REFUSED, NULL },
	{ duration_parse, NULL, "", REFUSED, NULL },
	{ duration_parse, NULL, "99999999999999999999ms", REFUSED, NULL },
	{ duration_parse, NULL, "18446744073709551615d", REFUSED, NULL },

	{ size_parse, size_format, "0b", 0, NULL },
	{ size_parse, size_format, "513b", 513, NULL },
	{ size_parse, size_format, "8k", 8192, NULL },
	{ size_parse, size_format, "1024k", 1048576, "1m" },
	{ size_parse, size_format, "128m", 134217728, NULL },
	{ size_parse, size_format, "3g", 3221225472, NULL },
	{ size_parse, NULL, "8", REFUSED, NULL },
	{ size_parse, NULL, "8kb", REFUSED, NULL },
	{ size_parse, NULL, "18446744073709551615g", REFUSED, NULL },

	{ count_parse, count_format, "0", 0, NULL },
	{ count_parse, count_format, "20000", 20000, NULL },
	{ count_parse, NULL, "20k", REFUSED, NULL },
	{ count_parse, NULL, "0x10", REFUSED, NULL },
	{ count_parse, NULL, "1 ", REFUSED, NULL },
	{ count_parse, NULL, "18446744073709551616", REFUSED, NULL },
};

static const struct {
	const char *name;
	bool host, tool;
} names[] = {
	{ "localhost", true, true },
	{ "toolforge.org", true, false },
	{ "a-b.c-d.e1", true, false },
	{ "0a", true, true },
	{ "", false, false },
	{ ".", false, false },
	{ "toolforge.org.", false, false },
	{ "a..b", false, false },
	{ "-a", false, false },
	{ "a-.b", false, false },
	{ "a_b", false, false },
	{ "Alpha", false, false },
	{ "a b", false, false },
	{ "a/b", false, false },
	{ "a-", false, true }, /* as accounts are; no host name */
	{ "a23456789012345678901234567890123456789012345678901234567890123",
	    true, true },
	{ "a234567890123456789012345678901234567890123456789012345678901234",
	    false, false },
};

int
main(void)
{
	char text[VALUE_TEXT_MAX];
	uint64_t value;

	for (size_t i = 0; i < nitems(numbers); i++) {
		const char *in = numbers[i].text;

		value = REFUSED;
		ok(numbers[i].parse(&value, in) == (numbers[i].format != NULL),
		    "\"%s\" is %s", in,
		    numbers[i].format != NULL ? "read" : "refused");
		if (numbers[i].format == NULL)
			continue;
		is_int((long long)value, (long long)numbers[i].value,
		    "\"%s\" is %" PRIu64, in, numbers[i].value);
		is_str(numbers[i].format(value, text),
		    numbers[i].written != NULL ? numbers[i].written : in,
		    "\"%s\" is written so", in);
	}
	for (size_t i = 0; i < nitems(names); i++) {
		is_int(host_name_valid(names[i].name), names[i].host,
		    "host name \"%s\"", names[i].name);
		is_int(tool_name_valid(names[i].name), names[i].tool,
		    "tool name \"%s\"", names[i].name);
	}
	return done();
}
