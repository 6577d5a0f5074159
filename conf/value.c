/* Reads and writes durations, sizes, counts and names. */
#include "conf/value.h"

#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

/* The units of one dimension, the smallest first; ended by a NULL. */
struct unit {
	const char *suffix;
	uint64_t factor;
};

static const struct unit durations[] = {
	{ "ms", 1 },
	{ "s", 1000 },
	{ "m", 60 * 1000 },
	{ "h", 60 * 60 * 1000 },
	{ "d", 24 * 60 * 60 * 1000 },
	{ NULL, 0 },
};

static const struct unit sizes[] = {
	{ "b", 1 },
	{ "k", 1024 },
	{ "m", 1024 * 1024 },
	{ "g", 1024 * 1024 * 1024 },
	{ NULL, 0 },
};

static const struct unit counts[] = {
	{ "", 1 },
	{ NULL, 0 },
};

/* The digits at *text, which moves on.  False: there are none, or too many. */
static bool
digits(const char **text, uint64_t *n)
{
	const char *p = *text;

	for (*n = 0; *p >= '0' && *p <= '9'; p++)
		if (__builtin_mul_overflow(*n, 10, n) ||
		    __builtin_add_overflow(*n, (uint64_t)(*p - '0'), n))
			return false;
	if (p == *text)
		return false;
	*text = p;
	return true;
}

static bool
quantity_parse(const struct unit *unit, uint64_t *value, const char *text)
{
	uint64_t n;

	if (!digits(&text, &n))
		return false;
	for (; unit->suffix != NULL; unit++)
		if (strcmp(unit->suffix, text) == 0)
			return !__builtin_mul_overflow(n, unit->factor, value);
	return false;
}

/* In the largest unit that leaves no remainder. */
static const char *
quantity_format(const struct unit *unit, uint64_t value, char *out)
{
	const struct unit *best = unit;

	for (; value != 0 && unit->suffix != NULL; unit++)
		if (value % unit->factor == 0)
			best = unit;
	snprintf(out, VALUE_TEXT_MAX, "%" PRIu64 "%s", value / best->factor,
	    best->suffix);
	return out;
}

bool
duration_parse(uint64_t *ms, const char *text)
{
	return quantity_parse(durations, ms, text);
}

const char *
duration_format(uint64_t ms, char out[VALUE_TEXT_MAX])
{
	return quantity_format(durations, ms, out);
}

bool
size_parse(uint64_t *bytes, const char *text)
{
	return quantity_parse(sizes, bytes, text);
}

const char *
size_format(uint64_t bytes, char out[VALUE_TEXT_MAX])
{
	return quantity_format(sizes, bytes, out);
}

bool
count_parse(uint64_t *n, const char *text)
{
	return quantity_parse(counts, n, text);
}

const char *
count_format(uint64_t n, char out[VALUE_TEXT_MAX])
{
	return quantity_format(counts, n, out);
}

/* The bytes of a label at the start of text; 0: there is none. */
static size_t
label(const char *text)
{
	size_t n = strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789-");

	if (n == 0 || n > 63 || text[0] == '-' || text[n - 1] == '-')
		return 0;
	return n;
}

bool
host_name_valid(const char *name)
{
	size_t n;

	if (strlen(name) > 253)
		return false;
	for (; (n = label(name)) != 0; name += n + 1) {
		if (name[n] == '\0')
			return true;
		if (name[n] != '.')
			return false;
	}
	return false;
}

bool
tool_name_valid(const char *name)
{
	size_t n = strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-");

	return n > 0 && n <= 63 && name[0] != '-' && name[n] == '\0';
}

bool
node_name_valid(const char *name)
{
	size_t len = strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				  "abcdefghijklmnopqrstuvwxyz0123456789._-");

	return len > 0 && len <= NODE_NAME_MAX && name[len] == '\0';
}
