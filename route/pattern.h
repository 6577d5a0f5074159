/* A route's pattern: what it matches and in which order routes are tried. */
#ifndef ROUTE_PATTERN_H
#define ROUTE_PATTERN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shm/route.h"

/* Routes of one name that may be regexes. */
#define PATTERN_REGEXES_MAX 8

/*
 * What one request may spend on all the regexes it meets, some milliseconds:
 * one for each byte of the path that is looked at, more for each step.
 */
#define PATTERN_WORK 500000

/*
 * Which kind a registered pattern is (2-http.md 2.2): no metacharacters:
 * exact; literal + ".*": a prefix; ".*": any; all others: a regex.
 * text   the part to match with, as struct route holds it
 */
enum route_kind pattern_kind(struct span pattern, struct span *text);

/*
 * May it be registered?  Printable, within ROUTE_PATTERN_MAX, and it compiles.
 * False: why says what to do, in one line.
 */
bool pattern_valid(struct span pattern, char *why, size_t why_size);

/* Say why one did not compile: PCRE2's error, and where in it. */
void pattern_explain(int error, size_t at, char *why, size_t why_size);

/* qsort(3) order of struct route: exact, longest prefix, regex by length, any. */
int pattern_order(const void *a, const void *b);

/*
 * Does the raw path, without its query, match?
 *
 * work     of the request, PATTERN_WORK at first; goes down
 * Returns  false also where that, or a limit of its own, ends a regex
 */
bool pattern_match(const struct route *route, struct span path,
    uint64_t *work);

#endif
