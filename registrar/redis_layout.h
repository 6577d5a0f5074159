/*
 * The original's layout in Redis (1-registration.md 1.3): names of keys, and
 * what one name's entry says.
 */
#ifndef REGISTRAR_REDIS_LAYOUT_H
#define REGISTRAR_REDIS_LAYOUT_H

#include <hiredis/hiredis.h>
#include <stdbool.h>
#include <stddef.h>

#include "lib/span.h"
#include "registrar/foreign.h"
#include "registrar/redis_record.h"
#include "shm/route.h"

#define REDIS_KEY_MAX (KEY_MAX + 24) /* bytes, with the NUL */

/* "prefix:alpha", "frontend:www.example.org": where a name's routes are. */
const char *redis_routes_key(const char *key, char out[REDIS_KEY_MAX]);

/* "redirect:alpha": there while the tool is canonical. */
const char *redis_redirect_key(const char *key, char out[REDIS_KEY_MAX]);

/* "dynproxy:route:alpha": their records (redis_record.h). */
const char *redis_records_key(const char *key, char out[REDIS_KEY_MAX]);

/* The book's key of either of the first two.  False: not ours, or no valid
 * name. */
bool redis_key_parse(struct span redis_key, char key[KEY_MAX]);

#define RECORDS_MAX 1024 /* looked at, of one name; see redis_write.c */
#define DESTINATIONS_MAX (ROUTES_MAX * (ROUTE_BACKENDS_MAX + 1))

struct vet;

/* What Redis says of one name; the strings are the reply's. */
struct redis_view {
	bool exists;	/* its key holds anything at all */
	bool canonical; /* set by the asker, like the next */
	const struct vet *vet;
	size_t nroutes, nkept;
	size_t refused;	 /* entries left out as malformed, or too many */
	const char *why; /* the last of them was; a constant, or in why_text */
	char why_text[128];
	struct foreign_route routes[ROUTES_MAX];
	struct destination destinations[DESTINATIONS_MAX]; /* of all of them */
	size_t ndestinations, nregexes;
	const char
	    *kept[ROUTES_MAX]; /* patterns refused for what they lead to */
	struct redis_record records[RECORDS_MAX];
	size_t nrecords;
};

/* First: read HGETALL's reply about the records; what is none is refused. */
void redis_view_records(struct redis_view *view, const redisReply *reply);

/* Read HGETALL's, or of a frontend SMEMBERS', reply.  False: it is neither. */
bool redis_view_read(
    struct redis_view *view, const char *key, const redisReply *reply);

/* NULL: it has none. */
const struct redis_record *redis_view_record(
    const struct redis_view *view, const char *pattern);

const struct foreign_route *redis_view_find(
    const struct redis_view *view, const char *pattern);

/* Is this pattern there, but with a destination that was refused? */
bool redis_view_kept(const struct redis_view *view, const char *pattern);

#endif
