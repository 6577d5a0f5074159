/* Keeps names in a hash table and their routes in lists. */
#include "registrar/book.h"

#include <bsd/stdlib.h>
#include <string.h>

#include "lib/container.h"
#include "lib/siphash.h"

#define NAMES_LOG2 20 /* a million, the most that a table is made for */
#define PORTS_MASK ((1u << NAMES_LOG2) - 1)

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
	*book = (struct book){ .last = NULL };
	arc4random_buf(book->ports_key, sizeof(book->ports_key));
	book->ports = calloc(PORTS_MASK + 1, sizeof(*book->ports));
	return book->ports != NULL && names_init(&book->names, NAMES_LOG2);
}

static void
free_route(struct book_route *route)
{
	if (route == NULL)
		return;
	destinations_release(&route->to);
	free(route);
}

static struct book_name *
name_of(struct named *named)
{
	return named == NULL ? NULL
			     : container_of(named, struct book_name, named);
}

static void
free_name(struct book_name *name)
{
	struct book_route *route;

	while ((route = TAILQ_FIRST(&name->routes)) != NULL) {
		TAILQ_REMOVE(&name->routes, route, entry);
		free_route(route);
	}
	free(name);
}

void
book_release(struct book *book)
{
	struct book_name *name, *next;

	free(book->ports);
	book->ports = NULL;
	if (book->names.heads == NULL)
		return;
	for (name = book_from(book, ""); name != NULL; name = next) {
		next = book_next(book, name);
		free_name(name);
	}
	names_release(&book->names);
	*book = (struct book){ .last = NULL };
}

struct book_name *
book_find(struct book *book, const char *key)
{
	struct book_name *name = book->last;

	if (name != NULL && strcmp(name->key, key) == 0)
		return name;
	name = name_of(names_find(&book->names, key));
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
	return name_of(names_from(&book->names, *key == '\0' ? NULL : key));
}

struct book_name *
book_next(struct book *book, struct book_name *name)
{
	return name_of(names_next(&book->names, &name->named));
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
	names_add(&book->names, &name->named, name->key);
	book->last = name;
	book->nnames++;
	return name;
}

/* Destinations by address and port. */

static struct book_ports *
port_head(const struct book *book, const struct backend *b)
{
	struct {
		struct ip ip;
		uint8_t pad;
		uint16_t port;
	} where;

	memset(&where, 0, sizeof(where)); /* padding is hashed, too */
	where.ip = b->ip;
	where.port = b->port;
	return &book->ports[siphash(book->ports_key, &where, sizeof(where)) &
			    PORTS_MASK];
}

static void
add_ports(struct book *book, struct book_route *route)
{
	for (size_t i = 0; i < route->to.n; i++) {
		route->ports[i].route = route;
		route->ports[i].to = &route->to.at[i];
		LIST_INSERT_HEAD(port_head(book, &route->to.at[i].backend),
		    &route->ports[i], entry);
	}
}

static void
remove_ports(struct book_route *route)
{
	for (size_t i = 0; i < route->to.n; i++)
		LIST_REMOVE(&route->ports[i], entry);
}

static const struct book_port *
port_at(const struct book_port *port, const struct backend *b)
{
	while (port != NULL && (port->to->backend.port != b->port ||
				   !ip_eq(&port->to->backend.ip, &b->ip)))
		port = LIST_NEXT(port, entry);
	return port;
}

const struct book_port *
book_port_first(const struct book *book, const struct backend *b)
{
	return port_at(LIST_FIRST(port_head(book, b)), b);
}

const struct book_port *
book_port_next(const struct book_port *port)
{
	return port_at(LIST_NEXT(port, entry), &port->to->backend);
}

static struct book_route *
new_route(const char *pattern, const struct destination *to, size_t nto)
{
	size_t head =
	    sizeof(struct book_route) + nto * sizeof(struct book_port);
	size_t size = strlen(pattern) + 1;
	struct book_route *route = calloc(1, head + size);

	if (route == NULL)
		return NULL;
	route->pattern = memcpy((char *)route + head, pattern, size);
	if (!destinations_copy(&route->to, to, nto)) {
		free_route(route);
		return NULL;
	}
	return route;
}

/* What a route adds to the book's checksum, in whatever order. */
static uint64_t
checksum(const struct book_name *name, const struct book_route *route)
{
	static const uint64_t key[2]; /* it finds faults, not foes */
	uint64_t parts[2 + ROUTE_BACKENDS_MAX];
	size_t n = 0;

	parts[n++] = siphash(key, name->key, strlen(name->key));
	parts[n++] = siphash(key, route->pattern, strlen(route->pattern));
	for (size_t i = 0; i < route->to.n; i++)
		parts[n++] = siphash(
		    key, route->to.at[i].url, strlen(route->to.at[i].url));
	return siphash(key, parts, n * sizeof(parts[0]));
}

bool
book_route_is_stale(const struct book_route *route)
{
	size_t stale = 0;

	for (size_t i = 0; i < route->to.n; i++)
		stale += route->to.at[i].stale;
	return stale == route->to.n;
}

/* What the book counts changes by this route's coming (1) or going (-1). */
static void
count(struct book *book, struct book_route *route, int by)
{
	bool stale = book_route_is_stale(route);

	book->nstale += (size_t)(by * stale);
	book->npinned +=
	    (size_t)(by * (!stale && route->origin == ORIGIN_OPERATOR));
	book->nroutes += (size_t)by;
	route->name->nroutes += (size_t)by;
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
	route->name = name;
	route->origin = origin;
	route->since_ms = since_ms;
	add_ports(book, route);
	book->checksum += checksum(name, route);

	old = book_find_route(name, pattern);
	TAILQ_INSERT_TAIL(&name->routes, route, entry);
	count(book, route, 1);
	if (old != NULL)
		book_strike(book, name, old);
	return route;
}

void
book_strike(struct book *book, struct book_name *name, struct book_route *route)
{
	TAILQ_REMOVE(&name->routes, route, entry);
	book->checksum -= checksum(name, route);
	remove_ports(route);
	count(book, route, -1);
	free_route(route);
	if (name->nroutes > 0)
		return;
	names_remove(&book->names, &name->named);
	if (book->last == name)
		book->last = NULL;
	free(name);
	book->nnames--;
}
