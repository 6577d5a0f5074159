/* Keeps names in a hash table and in a tree, their routes in lists. */
#include "registrar/book.h"

#include <bsd/sys/cdefs.h>
#include <stdlib.h>
#include <string.h>

#define NAMES_LOG2 20 /* a million, the most that a table is made for */

static int
compare(const struct book_name *a, const struct book_name *b)
{
	return strcmp(a->key, b->key); /* bytes, as unsigned */
}

RB_GENERATE_INTERNAL(
    book_names, book_name, entry, compare, __attribute__((unused)) static)

static const char *const origin_names[] = {
	[ORIGIN_TOOL] = "tool",
	[ORIGIN_OPERATOR] = "operator",
	[ORIGIN_REDIS] = "redis",
};

const char *
origin_name(enum origin origin)
{
	return origin_names[origin];
}

bool
book_init(struct book *book)
{
	*book = (struct book){ .names = RB_INITIALIZER(&book->names) };
	return names_init(&book->by_key, NAMES_LOG2);
}

static void
free_route(struct book_route *route)
{
	if (route == NULL)
		return;
	free(route->pattern);
	destinations_release(&route->to);
	free(route);
}

void
book_release(struct book *book)
{
	struct book_name *name;

	while ((name = RB_MIN(book_names, &book->names)) != NULL)
		book_strike(book, name, TAILQ_FIRST(&name->routes));
	names_release(&book->by_key);
}

struct book_name *
book_find(struct book *book, const char *key)
{
	struct named *named;

	if (book->last != NULL && strcmp(book->last->key, key) == 0)
		return book->last;
	named = names_find(&book->by_key, key);
	if (named == NULL)
		return NULL;
	book->last = __containerof(named, struct book_name, named);
	return book->last;
}

struct book_route *
book_find_route(struct book_name *name, const char *pattern)
{
	struct book_route *route;

	TAILQ_FOREACH(route, &name->routes, entry)
	if (strcmp(route->pattern, pattern) == 0)
		return route;
	return NULL;
}

struct book_name *
book_from(struct book *book, const char *key)
{
	struct book_name *name = RB_ROOT(&book->names), *found = NULL;

	while (name != NULL) {
		if (strcmp(name->key, key) < 0) {
			name = RB_RIGHT(name, entry);
		} else {
			found = name;
			name = RB_LEFT(name, entry);
		}
	}
	return found;
}

struct book_name *
book_next(struct book_name *name)
{
	return RB_NEXT(book_names, NULL, name);
}

static struct book_name *
add_name(struct book *book, const char *key)
{
	size_t size = strlen(key) + 1;
	struct book_name *name = calloc(1, sizeof(*name) + size);

	if (name == NULL)
		return NULL;
	TAILQ_INIT(&name->routes);
	memcpy(name->key, key, size);
	names_add(&book->by_key, &name->named, name->key);
	RB_INSERT(book_names, &book->names, name);
	book->last = name;
	book->nnames++;
	return name;
}

static struct book_route *
new_route(const char *pattern, const struct destination *to, size_t nto)
{
	struct book_route *route = calloc(1, sizeof(*route));

	if (route == NULL)
		return NULL;
	route->pattern = strdup(pattern);
	if (route->pattern == NULL || !destinations_copy(&route->to, to, nto)) {
		free_route(route);
		return NULL;
	}
	return route;
}

struct book_route *
book_set(struct book *book, const char *key, const char *pattern,
    const struct destination *to, size_t nto, enum origin origin,
    uint64_t since_ms)
{
	struct book_name *name = book_find(book, key);
	struct book_route *route = new_route(pattern, to, nto), *old;

	if (route == NULL)
		return NULL;
	if (name == NULL)
		name = add_name(book, key);
	if (name == NULL) {
		free_route(route);
		return NULL;
	}
	route->origin = origin;
	route->since_ms = since_ms;

	old = book_find_route(name, pattern);
	TAILQ_INSERT_TAIL(&name->routes, route, entry);
	name->nroutes++;
	book->nroutes++;
	if (old != NULL)
		book_strike(book, name, old);
	return route;
}

void
book_strike(struct book *book, struct book_name *name, struct book_route *route)
{
	TAILQ_REMOVE(&name->routes, route, entry);
	free_route(route);
	name->nroutes--;
	book->nroutes--;
	if (name->nroutes > 0)
		return;
	RB_REMOVE(book_names, &book->names, name);
	names_remove(&book->by_key, &name->named);
	if (book->last == name)
		book->last = NULL;
	free(name);
	book->nnames--;
}
