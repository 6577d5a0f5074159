/* Decides, route by route, what stays, what is new and what is gone. */
#include "registrar/redis_merge.h"

#include "registrar/process.h"
#include "registrar/redis_pass.h"
#include "registrar/store_redis.h"

/* A route of the book that Redis does not have: does it stay? */
static bool
stays(struct store_redis *s, const char *key, bool live,
    const struct redis_view *view, const struct book_route *route)
{
	if (redis_view_kept(view, route->pattern))
		return true; /* what is in its place was refused */
	if (live && !s->pass.loss)
		return false;
	if (route->origin != ORIGIN_REDIS || s->pass.loss) {
		unsaved_add(&s->unsaved, CHANGE_SET, key, route->pattern);
		store_redis_push(s);
	} else {
		pass_going(s, key, route->pattern);
	}
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

/* First the book's, so that no flood of theirs displaces them. */
static void
add_ours(struct redis_merge *m, struct store_redis *s, bool live,
    const struct redis_view *view, const struct book_name *name)
{
	const struct book_route *route;

	TAILQ_FOREACH (route, &name->routes, entry) {
		const struct foreign_route same = {
			.pattern = route->pattern,
			.to = route->to.at,
			.nto = route->to.n,
		};

		if (redis_view_find(view, route->pattern) != NULL)
			continue;
		if (stays(s, name->key, live, view, route))
			add(m, &same);
		else
			m->lost = true;
	}
}

static void
add_theirs(struct redis_merge *m, struct redis_view *view,
    struct book_name *name)
{
	for (size_t i = 0; i < view->nroutes; i++) {
		const struct foreign_route *route = &view->routes[i];
		const struct book_route *old = NULL;

		if (!add(m, route)) {
			view->refused++;
			view->why = "more routes than a name may have";
			continue;
		}
		if (name != NULL)
			old = book_find_route(name, route->pattern);
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
	add_theirs(m, view, name);
	m->canonical = view->exists ? view->canonical : was_canonical;
	if (m->nroutes > 0 && m->canonical != was_canonical)
		m->changed = true;
}
