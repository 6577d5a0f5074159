/* Keeps names in a red-black tree and their routes in lists. */
#include "registrar/book.h"

#include <stdlib.h>
#include <string.h>

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

void
book_init(struct book *book)
{
	*book = (struct book){ .names = RB_INITIALIZER(&book->names) };
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
}

struct book_name *
book_find(struct book *book, const char *key)
{
	struct book_name like = { .key = (char *)key }, *name = book->last;

	if (name != NULL && strcmp(name->key, key) == 0)
		return name;
	name = RB_FIND(book_names, &book->names, &like);
	if (name != NULL)
		book->last = name;
	return name;
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
	struct book_name like = { .key = (char *)key };

	return RB_NFIND(book_names, &book->names, &like);
}

struct book_name *
book_next(struct book_name *name)
{
	return RB_NEXT(book_names, NULL, name);
}

static struct book_name *
new_name(const char *key)
{
	struct book_name *name = calloc(1, sizeof(*name));

	if (name == NULL)
		return NULL;
	TAILQ_INIT(&name->routes);
	name->key = strdup(key);
	if (name->key == NULL) {
		free(name);
		return NULL;
	}
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
	if (name == NULL) {
		name = new_name(key);
		if (name == NULL) {
			free_route(route);
			return NULL;
		}
		RB_INSERT(book_names, &book->names, name);
		book->last = name;
		book->nnames++;
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
	if (book->last == name)
		book->last = NULL;
	free(name->key);
	free(name);
	book->nnames--;
}
