/*
 * Walks over the book and hands what SQLite lacks to its thread: many together,
 * which is much cheaper, but never so many that it is a matter of memory.
 */
#include "registrar/store_keep.h"

#include <bsd/string.h>

#include "lib/container.h"
#include "registrar/process.h"
#include "registrar/store.h"

#define OPEN_MAX 32768 /* changes that are not written yet */
#define SLICE 256      /* names of one turn of the loop */

/*
 * A change on its way has newer words for SQLite, and may be there before ours:
 * such a name's turn comes when that is through.
 */
static void
keep(struct store_keep *k, struct book_name *name)
{
	bool busy = changes_busy(&k->r->changes, name->key);
	struct book_route *route;

	TAILQ_FOREACH(route, &name->routes, entry)
	{
		route->unkept = route->unkept || k->all;
		if (!route->unkept)
			continue;
		k->again = k->again || busy;
		if (busy)
			continue;
		route->unkept = false;
		change_keep(
		    k->r, CHANGE_SET, name->key, route, name->canonical);
	}
}

/* So many names from where the walk is; false: those were all. */
static bool
walk(struct store_keep *k, size_t names, size_t open_max)
{
	struct book *book = &k->r->book;
	struct book_name *name = book_from(book, k->at);

	if (name != NULL && strcmp(name->key, k->at) == 0)
		name = book_next(book, name);
	for (; name != NULL && names > 0 &&
	       store_io_open_jobs(k->r->io) < open_max;
	     name = book_next(book, name), names--) {
		strlcpy(k->at, name->key, sizeof(k->at));
		keep(k, name);
	}
	return name != NULL;
}

static void
slice(struct ev_task *task)
{
	struct store_keep *k = container_of(task, struct store_keep, task);

	k->walking = walk(k, SLICE, OPEN_MAX);
	k->all = k->all && k->walking;
	if (store_io_open_jobs(k->r->io) >= OPEN_MAX)
		store_io_hurry(k->r->io); /* and its answer goes on */
	else if (k->walking)
		ev_later(&k->r->loop, &k->task);
}

void
store_keep_begin(struct store_keep *k, bool all)
{
	k->all = k->all || all;
	k->again = false;
	k->walking = true;
	*k->at = '\0';
	ev_later(&k->r->loop, &k->task);
}

void
store_keep_go_on(struct store_keep *k)
{
	if (k->walking)
		ev_later(&k->r->loop, &k->task);
	else if (k->again)
		store_keep_begin(k, false);
}

void
store_keep_finish(struct store_keep *k)
{
	if (k->walking)
		walk(k, SIZE_MAX, SIZE_MAX);
	k->walking = false;
}

void
store_keep_init(struct store_keep *k, struct registrar *r)
{
	*k = (struct store_keep){ .r = r, .task.run = slice };
}

void
store_keep_release(struct store_keep *k)
{
	ev_forget(&k->r->loop, &k->task);
}
