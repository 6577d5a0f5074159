/*
 * Enters what others wrote into Redis.  A pattern that is being changed here
 * is left to that change: what comes back is its own echo mostly.
 */
#include "registrar/foreign.h"

#include <string.h>

#include "lib/clock.h"
#include "lib/log.h"
#include "registrar/process.h"
#include "registrar/publish.h"

bool
foreign_is_known(const char *key, const struct book_route *ours,
    const struct foreign_route *theirs)
{
	if (theirs->version > ours->version)
		return false;
	if (*key == KEY_TOOL && theirs->version == 0 && theirs->nto == 1)
		return destinations_has(&ours->to, theirs->to[0].url);
	return destinations_eq(&ours->to, theirs->to, theirs->nto);
}

static bool
is_among(
    const struct foreign_route *routes, size_t nroutes, const char *pattern)
{
	for (size_t i = 0; i < nroutes; i++)
		if (strcmp(routes[i].pattern, pattern) == 0)
			return true;
	return false;
}

/* Enter what is new or different.  Returns how many. */
static size_t
set_new(struct registrar *r, const char *key, bool canonical,
    const struct foreign_route *routes, size_t nroutes, bool keep_later)
{
	struct book_route *route;
	struct book_name *name;
	size_t set = 0;

	for (size_t i = 0; i < nroutes; i++) {
		name = book_find(&r->book, key);
		route = name != NULL ? book_find_route(name, routes[i].pattern)
				     : NULL;
		if (change_under_way(r, key, routes[i].pattern) ||
		    (route != NULL && foreign_is_known(key, route, &routes[i])))
			continue;
		route = book_set(&r->book, key, routes[i].pattern, routes[i].to,
		    routes[i].nto, ORIGIN_REDIS, clock_real_ms());
		if (route == NULL)
			continue;
		route->version = routes[i].version;
		leases_await(r, key, route->pattern, route->to.at, route->to.n);
		route->unkept = keep_later;
		if (!keep_later)
			change_keep(r, CHANGE_SET, key, route, canonical);
		set++;
	}
	return set;
}

/*
 * Strike what is not in Redis any more.  Returns how many.  SQLite gets the
 * name's mark with each, which goes with the last one.
 */
static size_t
strike_others(struct registrar *r, struct book_name *name, bool canonical,
    const struct foreign_route *routes, size_t nroutes)
{
	struct book_route *route = TAILQ_FIRST(&name->routes), *after;
	size_t left = name->nroutes, struck = 0;

	for (; left > 0; left--, route = after) {
		after = TAILQ_NEXT(route, entry);
		if (is_among(routes, nroutes, route->pattern) ||
		    change_under_way(r, name->key, route->pattern))
			continue;
		change_keep(r, CHANGE_STRIKE, name->key, route,
		    canonical && name->nroutes > 1);
		book_strike(&r->book, name, route);
		struck++;
	}
	return struck;
}

/* Its canonical mark; SQLite keeps it with any of its routes. */
static size_t
mark(struct registrar *r, struct book_name *name, bool canonical)
{
	const struct book_route *route = TAILQ_FIRST(&name->routes);

	if (name->canonical == canonical ||
	    change_under_way(r, name->key, route->pattern))
		return 0;
	name->canonical = canonical;
	change_keep(r, CHANGE_SET, name->key, route, canonical);
	return 1;
}

void
foreign_enter(struct registrar *r, const char *key, bool canonical,
    const struct foreign_route *routes, size_t nroutes, bool keep_later)
{
	struct book_name *name;
	size_t differences;

	if (nroutes > ROUTES_MAX)
		nroutes = ROUTES_MAX;
	differences = set_new(r, key, canonical, routes, nroutes, keep_later);
	name = book_find(&r->book, key);
	if (name != NULL)
		differences +=
		    strike_others(r, name, canonical, routes, nroutes);
	name = book_find(&r->book, key);
	if (name != NULL)
		differences += mark(r, name, canonical);
	if (differences == 0)
		return;
	publish_name(r, key, change_version(&r->changes));
	leases_check(r, key);
	log_event(
	    LOG_INFO, "route-foreign", "name=%s routes=%zu", key + 1, nroutes);
}
