/*
 * What stands under dynproxy:route:<tool>, and dynproxy:frontend:<fqdn>, a hash
 * of patterns, beside the original's layout: the version of the last change,
 * when it was, and all of the backends.  Without backends it is a tombstone:
 * the route was struck.
 *
 *	<version> <since> [<destination> ...]
 *
 * The version is 16 hexadecimal digits, so that text compares as the numbers
 * do (Lua has no 64-bit ones); since is Unix time in milliseconds; destinations
 * are as destination_store() has them.
 */
#ifndef REGISTRAR_REDIS_RECORD_H
#define REGISTRAR_REDIS_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "registrar/destination.h"

#define RECORD_DIGITS 16
#define RECORD_MAX                                                             \
	(ROUTE_BACKENDS_MAX * (DESTINATION_STORED_MAX + 1) + 64) /* bytes */

/* How far another node's clock may be ahead; what is more is no version. */
#define RECORD_AHEAD_MS (60 * 60 * 1000)

struct redis_record {
	const char *pattern; /* borrowed, like the next */
	char *destinations;  /* with blanks between; empty: a tombstone */
	uint64_t version;
};

/* Version as the record has it. */
const char *redis_version_text(uint64_t version, char out[RECORD_DIGITS + 1]);

/* to  NULL: a tombstone.  False: over RECORD_MAX. */
bool redis_record_write(char out[RECORD_MAX], uint64_t version, uint64_t since_ms,
    const struct destinations *to);

/* False: malformed, or from too far ahead of now_ms; the pattern is not set. */
bool redis_record_read(
    struct redis_record *record, char *text, uint64_t now_ms);

#endif
