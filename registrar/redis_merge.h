/* What Redis says of a name and what the book says, put together. */
#ifndef REGISTRAR_REDIS_MERGE_H
#define REGISTRAR_REDIS_MERGE_H

#include <stdbool.h>
#include <stddef.h>

#include "registrar/redis_layout.h"

struct store_redis;

struct redis_merge {
	struct foreign_route routes[ROUTES_MAX]; /* strings: both sides' */
	size_t nroutes;
	bool canonical;
	bool changed; /* a route is new or different, or the mark is */
	bool lost;    /* a route of the book is gone */
};

/*
 * Put a name together; the book is not touched.
 *
 * live   it has just changed in Redis: what is missing there was removed.
 *        Else (and after a loss) what is ours is added to the unsaved, and
 *        what others had written is kept until the pass has decided.
 * view   what does not fit is added to what was refused
 */
void redis_merge(struct redis_merge *m, struct store_redis *s,
    const char *key, bool live, struct redis_view *view);

/*
 * Of a name that is not put together, since Redis has yet to be told of one of
 * its routes: after a loss, the others that it lacks are added to the unsaved.
 */
void redis_merge_loss(struct store_redis *s, const char *key,
    const struct redis_view *view);

#endif
