/* Decides, route by route, what stays, what is new and what is gone. */
#include "registrar/redis_merge.h"

#include "registrar/process.h"
#include "registrar/redis_pass.h"
#include "registrar/redis_push.h"
#include "registrar/store_redis.h"

/* Redis is to have what the book has; without a version it yields to any. */
static bool
write_back(
    struct store_redis *s, const char *key, const struct book_route *route)
{
	unsaved_add(&s->unsaved, CHANGE_SET, key, route->pattern,
	    route->version != 0 ? route->version : 1);
	push_begin(s);
	return true;
}

/*
 * A route of the book that Redis does not have: does it stay?  One with a
 * version whose record there is not as new was lost there, or a replica lags
 * (then it is written for nothing); else somebody has removed it.
 */
static bool
stays(struct store_redis *s, const char *key, bool live,
    const struct redis_view *view, const struct book_route *route)
{
	const struct redis_record *record =
	    redis_view_record(view, route->pattern);
	bool removed = record != NULL && record->version >= route->version;

	if (redis_view_kept(view, route->pattern))
		return true; /* what is in its place was refused */
	if (removed && *record->destinations == '\0')
		return false; /* it was struck, whatever else is lost */
	if (s->pass.loss) {
		s->pass.missing++;
		return write_back(s, key, route);
	}
	if (route->version != 0 && !removed)
		return write_back(s, key, route);
	if (live)
		return false;
	pass_going(s, key, route->pattern);
	return true;
}

static bool
add(struct redis_merge *m, const struct foreign_route *route)
{
	if (m->nroutes == ROUTES_MAX)
		return false;
	m->routes[m->nroutes++] = *route;
	return true;
}

/* What the book has stays in its place. */
static struct foreign_route
ours_for(const struct book_route *ours)
{
	return (struct foreign_route){
		.pattern = ours->pattern,
		.to = ours->to.at,
		.nto = ours->to.n,
		.version = ours->version,
	};
}

/* First the book's, so that no flood of theirs displaces them. */
static void
add_ours(struct redis_merge *m, struct store_redis *s, bool live,
    const struct redis_view *view, const struct book_name *name)
{
	const struct book_route *route;

	TAILQ_FOREACH(route, &name->routes, entry)
	{
		const struct foreign_route same = ours_for(route);

		if (redis_view_find(view, route->pattern) != NULL)
			continue;
		if (stays(s, name->key, live, view, route))
			add(m, &same);
		else
			m->lost = true;
	}
}

/*
 * Is what Redis has older than the book's?  Without a record it may be what
 * another has just written, or all that is left after a failover.
 */
static bool
is_older(const struct store_redis *s, bool live, const struct book_route *ours,
    const struct foreign_route *theirs)
{
	if (theirs->version != 0 || ours->version == 0)
		return theirs->version < ours->version;
	return !live && !s->pass.loss && ours->origin != ORIGIN_REDIS;
}

/*
 * Was it struck here, later than what Redis has?  A primary that has lost that,
 * an old file, a replica that lags: it is struck once more.
 */
static bool
was_struck(
    struct store_redis *s, const char *key, const struct foreign_route *route)
{
	uint64_t version = unsaved_version(&s->struck, key, route->pattern);

	if (route->version == 0 || route->version >= version)
		return false;
	unsaved_add(&s->unsaved, CHANGE_STRIKE, key, route->pattern, version);
	push_begin(s);
	return true;
}

static void
add_theirs(struct redis_merge *m, struct store_redis *s, const char *key,
    bool live, struct redis_view *view, struct book_name *name)
{
	for (size_t i = 0; i < view->nroutes; i++) {
		const struct foreign_route *route = &view->routes[i];
		const struct book_route *old = NULL;
		struct foreign_route same;

		if (name != NULL)
			old = book_find_route(name, route->pattern);
		if (old == NULL && was_struck(s, key, route))
			continue;
		if (old != NULL && is_older(s, live, old, route) &&
		    !foreign_is_known(name->key, old, route)) {
			write_back(s, name->key, old);
			same = ours_for(old);
			route = &same;
		}
		if (!add(m, route)) {
			view->refused++;
			view->why = "more routes than a name may have";
			continue;
		}
		if (old == NULL || !foreign_is_known(name->key, old, route))
			m->changed = true;
	}
}

void
redis_merge(struct redis_merge *m, struct store_redis *s, const char *key,
    bool live, struct redis_view *view)
{
	struct book_name *name = book_find(&s->r->book, key);
	bool was_canonical = name != NULL && name->canonical;

	m->nroutes = 0;
	m->changed = m->lost = false;
	if (name != NULL)
		add_ours(m, s, live, view, name);
	add_theirs(m, s, key, live, view, name);
	m->canonical = view->exists ? view->canonical : was_canonical;
	if (m->nroutes > 0 && m->canonical != was_canonical)
		m->changed = true;
}

void
redis_merge_loss(
    struct store_redis *s, const char *key, const struct redis_view *view)
{
	struct book_name *name = book_find(&s->r->book, key);
	const struct book_route *route;

	if (!s->pass.loss || name == NULL)
		return;
	TAILQ_FOREACH(route, &name->routes, entry)
	{
		if (redis_view_find(view, route->pattern) == NULL &&
		    !unsaved_has_route(&s->unsaved, key, route->pattern))
			stays(s, key, false, view, route);
	}
}
