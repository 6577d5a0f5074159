/* Remembers what Redis has yet to be told: one entry a route, the latest. */
#include "registrar/redis_unsaved.h"

#include <stdlib.h>
#include <string.h>

static int
compare(const struct unsaved_route *a, const struct unsaved_route *b)
{
	int order = strcmp(a->key, b->key);

	return order != 0 ? order : strcmp(a->pattern, b->pattern);
}

RB_GENERATE_INTERNAL(unsaved_routes, unsaved_route, entry, compare,
    static __attribute__((unused)))

void
unsaved_init(struct unsaved *u)
{
	*u = (struct unsaved){ .routes = RB_INITIALIZER(&u->routes) };
}

static void
forget(struct unsaved *u, struct unsaved_route *route)
{
	RB_REMOVE(unsaved_routes, &u->routes, route);
	u->count--;
	free(route);
}

void
unsaved_release(struct unsaved *u)
{
	struct unsaved_route *route;

	while ((route = RB_MIN(unsaved_routes, &u->routes)) != NULL)
		forget(u, route);
}

static struct unsaved_route *
find(struct unsaved *u, const char *key, const char *pattern)
{
	struct unsaved_route like = {
		.key = (char *)key,
		.pattern = (char *)pattern,
	};

	return RB_FIND(unsaved_routes, &u->routes, &like);
}

static struct unsaved_route *
make(const char *key, const char *pattern)
{
	size_t key_size = strlen(key) + 1, size = strlen(pattern) + 1;
	struct unsaved_route *route = malloc(sizeof(*route) + key_size + size);

	if (route == NULL)
		return NULL;
	route->key = (char *)(route + 1);
	route->pattern = route->key + key_size;
	memcpy(route->key, key, key_size);
	memcpy(route->pattern, pattern, size);
	return route;
}

bool
unsaved_add(struct unsaved *u, enum change_kind kind, const char *key,
    const char *pattern, uint64_t version)
{
	struct unsaved_route *route = find(u, key, pattern);

	if (route == NULL) {
		if (u->count >= UNSAVED_MAX)
			return false;
		route = make(key, pattern);
		if (route == NULL)
			return false;
		RB_INSERT(unsaved_routes, &u->routes, route);
		u->count++;
	}
	route->kind = kind;
	route->version = version;
	route->serial = ++u->serial;
	return true;
}

void
unsaved_remove(
    struct unsaved *u, const char *key, const char *pattern, uint64_t serial)
{
	struct unsaved_route *route = find(u, key, pattern);

	if (route != NULL && (serial == 0 || route->serial == serial))
		forget(u, route);
}

uint64_t
unsaved_version(struct unsaved *u, const char *key, const char *pattern)
{
	const struct unsaved_route *route = find(u, key, pattern);

	return route == NULL ? 0 : route->version;
}

bool
unsaved_has(struct unsaved *u, const char *key)
{
	struct unsaved_route first = { .key = (char *)key,
		.pattern = (char *)"" };
	const struct unsaved_route *route =
	    RB_NFIND(unsaved_routes, &u->routes, &first);

	return route != NULL && strcmp(route->key, key) == 0;
}

bool
unsaved_has_route(struct unsaved *u, const char *key, const char *pattern)
{
	return find(u, key, pattern) != NULL;
}

struct unsaved_route *
unsaved_after(struct unsaved *u, const char *key, const char *pattern)
{
	struct unsaved_route like = {
		.key = (char *)key,
		.pattern = (char *)pattern,
	};
	struct unsaved_route *route;

	if (key == NULL)
		return RB_MIN(unsaved_routes, &u->routes);
	route = RB_NFIND(unsaved_routes, &u->routes, &like);
	if (route != NULL && compare(route, &like) == 0)
		route = RB_NEXT(unsaved_routes, &u->routes, route);
	return route;
}
