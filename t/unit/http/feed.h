/* Give a head to a parser: whole, byte by byte, and in two pieces. */
#ifndef T_UNIT_HTTP_FEED_H
#define T_UNIT_HTTP_FEED_H

#include <stdlib.h>

#include "http/parse.h"
#include "t/tap.h"

/* Bytes with their length: NUL is a byte like others. */
#define BYTES(literal) { (literal), sizeof(literal) - 1 }

typedef enum http_fault parse_fn(const char *, size_t, size_t *,
    const struct http_limits *, struct http_msg *);

static const struct http_limits usual = { 8192, 16384, 8192, 100 };

static struct http_msg feed_msg; /* of the last call */

static inline const char *
fault_name(enum http_fault fault)
{
	static const char *const names[] = { "FINE", "MORE", "BAD",
		"BAD_VERSION", "TARGET_TOO_LONG", "HEAD_TOO_LARGE" };

	return names[fault];
}

/* In memory of just that size, elsewhere each time: a sanitizer sees all. */
static inline enum http_fault
feed(parse_fn *parse, struct span bytes, size_t *scanned,
    const struct http_limits *limits)
{
	static char *copy;

	free(copy);
	copy = malloc(bytes.len + (bytes.len == 0));
	memcpy(copy, bytes.ptr, bytes.len);
	return parse(copy, bytes.len, scanned, limits, &feed_msg);
}

static inline enum http_fault
feed_whole(parse_fn *parse, struct span bytes, const struct http_limits *limits)
{
	size_t scanned = 0;

	return feed(parse, bytes, &scanned, limits);
}

/*
 * Is it the same however the bytes are cut?  A part gives HTTP_MORE or what the
 * whole gives, byte by byte as at once, and so do two parts.
 */
static inline bool
feed_agrees(parse_fn *parse, struct span bytes,
    const struct http_limits *limits)
{
	enum http_fault whole = feed_whole(parse, bytes, limits), part, trickle;
	size_t slow = 0, twice;

	for (size_t n = 0; n <= bytes.len; n++) {
		struct span begin = { bytes.ptr, n };

		part = feed_whole(parse, begin, limits);
		trickle = feed(parse, begin, &slow, limits);
		if (part != trickle || (part != HTTP_MORE && part != whole)) {
			diag("after %zu bytes: %s at once, %s byte by byte, "
			     "%s in the end", n, fault_name(part),
			    fault_name(trickle), fault_name(whole));
			return false;
		}
		if (part != HTTP_MORE)
			return true;
		twice = 0;
		feed(parse, begin, &twice, limits);
		if (feed(parse, bytes, &twice, limits) != whole) {
			diag("cut after %zu bytes: not %s", n,
			    fault_name(whole));
			return false;
		}
	}
	return true;
}

#endif
