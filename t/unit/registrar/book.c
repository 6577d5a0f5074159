/* The book holds what was entered, in order, and nothing else. */
#include "registrar/book.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/array.h"
#include "t/tap.h"

static struct book_route *
enter(struct book *book, const char *key, const char *pattern, const char *url)
{
	struct destination to = { .url = url, .backend = { .port = 8000 } };

	return book_set(book, key, pattern, &to, 1, ORIGIN_TOOL, 1);
}

static void
try_routes(struct book *book)
{
	struct book_route *first = enter(book, "talpha", ".*", "http://a");
	struct book_route *route;
	struct book_name *name;

	ok(first != NULL, "a route is entered");
	name = book_find(book, "talpha");
	is_int(name->nroutes, 1, "its name has one");
	route = book_find_route(name, ".*");
	is_str(route->to.at[0].url, "http://a", "it is found");
	ok(book_find_route(name, "/x") == NULL, "another is not");

	enter(book, "talpha", ".*", "http://b");
	name = book_find(book, "talpha");
	is_int(name->nroutes, 1, "the same pattern replaces it");
	is_str(book_find_route(name, ".*")->to.at[0].url, "http://b",
	    "by the new destination");
	enter(book, "talpha", "/x", "http://c");
	is_int(book->nroutes, 2, "another pattern does not");

	book_strike(book, name, book_find_route(name, ".*"));
	is_int(book_find(book, "talpha")->nroutes, 1, "one is struck");
	book_strike(book, name, book_find_route(name, "/x"));
	ok(book_find(book, "talpha") == NULL, "the last takes the name along");
	is_int(book->nnames + book->nroutes, 0, "nothing is left");
}

/* Entering a route with what is the book's own memory must not harm it. */
static void
try_own_memory(struct book *book)
{
	struct book_route *route = enter(book, "talpha", ".*", "http://a");
	struct book_name *name = book_find(book, "talpha");

	route = enter(book, name->key, route->pattern, route->to.at[0].url);
	is_str(route->to.at[0].url, "http://a", "entered anew from itself");
	book_strike(book, name, route);
}

/* Several backends of one route. */
static void
try_several(struct book *book)
{
	struct destination to[ROUTE_BACKENDS_MAX + 2];
	char urls[ROUTE_BACKENDS_MAX + 1][16];
	struct book_route *route;

	for (size_t i = 0; i <= ROUTE_BACKENDS_MAX; i++) {
		snprintf(urls[i], sizeof(urls[i]), "http://%02zu",
		    ROUTE_BACKENDS_MAX - i);
		to[i] = (struct destination){ .url = urls[i],
			.backend = {
			    .port = (uint16_t)(ROUTE_BACKENDS_MAX - i) } };
	}
	to[ROUTE_BACKENDS_MAX + 1] = to[0];

	route = book_set(book, "f*.b", ".*", to, 3, ORIGIN_REDIS, 1);
	is_int(route->to.n, 3, "three backends");
	is_str(route->to.at[0].url, "http://14", "in order");
	is_int(route->to.at[0].backend.port, 14, "each with its address");
	ok(destinations_has(&route->to, "http://15"), "it has one");
	ok(!destinations_has(&route->to, "http://13"), "and not another");
	ok(destinations_eq(&route->to, route->to.at, 3), "it is itself");
	ok(!destinations_eq(&route->to, route->to.at, 2), "not its beginning");
	ok(!destinations_eq(&route->to, to, 3), "nor something else");
	route = book_set(
	    book, "f*.b", ".*", to, ROUTE_BACKENDS_MAX + 2, ORIGIN_REDIS, 1);
	is_int(route->to.n, ROUTE_BACKENDS_MAX, "as many as a route may have");
	is_str(route->to.at[15].url, "http://15", "the last ones are left out");
	book_strike(book, book_find(book, "f*.b"), route);
}

/* Into a store and out of it. */
static void
try_stored(void)
{
	static const struct {
		const char *text;
		bool good;
	} stored[] = {
		{ "http://192.0.2.1:2000", true },
		{ "http://192.0.2.1:2000,lease=node-1.example", true },
		{ "http://192.0.2.1:2000,lease=a,since=17,drained,stale",
		    true },
		{ "http://192.0.2.1:2000,stale", true },
		{ "http://192.0.2.1:2000,unproved", true },
		{ "http://192.0.2.1:2000,", false },
		{ "http://192.0.2.1:2000,lease=", false },
		{ "http://192.0.2.1:2000,lease=a b", false },
		{ "http://192.0.2.1:2000,since=-1", false },
		{ "http://192.0.2.1:2000,fresh", false },
	};
	char text[DESTINATION_STORED_MAX], again[DESTINATION_STORED_MAX];
	struct destination to;
	bool good;

	for (size_t i = 0; i < nitems(stored); i++) {
		snprintf(text, sizeof(text), "%s", stored[i].text);
		good = destination_restore(&to, text);
		is_int(good, stored[i].good, "stored: %s", stored[i].text);
		if (good && destination_store(&to, again, sizeof(again)))
			is_str(again, stored[i].text, "and again");
	}
	ok(!destination_store(&to, again, 5), "too little room");
}

/* A walk that is interrupted goes on from the name that it saw last. */
static void
try_walk(struct book *book)
{
	enum { N = 1000 };
	unsigned seen[N] = { 0 }, wrong = 0;
	char key[16], at[16] = "";
	struct book_name *name;
	long n;

	for (int i = 0; i < N; i++) {
		snprintf(key, sizeof(key), "t%03d", i);
		enter(book, key, ".*", "http://a");
	}
	while ((name = book_from(book, at)) != NULL) {
		if (strcmp(name->key, at) == 0)
			name = book_next(book, name);
		if (name == NULL)
			break;
		n = strtol(name->key + 1, NULL, 10);
		seen[n]++;
		snprintf(at, sizeof(at), "%s", name->key);
		if (n % 3 == 0)
			book_strike(book, name, TAILQ_FIRST(&name->routes));
	}
	for (int i = 0; i < N; i++)
		wrong += seen[i] != 1;
	is_int(wrong, 0, "each name is seen once, also when it goes then");
	is_int(book->nnames, N - (N + 2) / 3, "as a third of them did");
}

/* Routes that lead to nobody but strangers are counted as they change. */
static void
try_stale(struct book *book)
{
	struct destination to[2] = {
		{ .url = "http://a",
		    .backend = { .port = 8000 },
		    .stale = true },
		{ .url = "http://b", .backend = { .port = 8001 } },
	};
	struct book_route *route;

	book_set(book, "talpha", ".*", to, 2, ORIGIN_TOOL, 1);
	is_int(book->nstale, 0, "one of two is stale");
	to[1].stale = true;
	route = book_set(book, "talpha", ".*", to, 2, ORIGIN_TOOL, 1);
	is_int(book->nstale, 1, "both are: so is the route");
	book_set(book, "talpha", "/x", to, 1, ORIGIN_TOOL, 1);
	is_int(book->nstale, 2, "and another one");
	book_strike(book, route->name, route);
	is_int(book->nstale, 1, "one is struck");
	to[0].stale = false;
	route = book_set(book, "talpha", "/x", to, 1, ORIGIN_TOOL, 1);
	is_int(book->nstale, 0, "its port is its own again");
	book_strike(book, route->name, route);
}

int
main(void)
{
	struct book book;

	if (!ok(book_init(&book), "a book"))
		return done();
	ok(book_from(&book, "") == NULL, "an empty book has no first name");
	try_routes(&book);
	try_own_memory(&book);
	try_several(&book);
	try_stored();
	try_walk(&book);
	try_stale(&book);
	book_release(&book);
	is_int(book.nnames + book.nroutes, 0, "released, it is empty");
	return done();
}
