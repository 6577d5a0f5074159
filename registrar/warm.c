/* Reads what SQLite kept into the book. */
#include "registrar/warm.h"

#include <stdlib.h>
#include <string.h>

#include "lib/log.h"
#include "registrar/loading.h"
#include "registrar/process.h"

/*
 * Read URLs with blanks between, which become strings of their own.  Returns
 * how many; 0: one is malformed, or they are too many.
 */
static size_t
read_urls(char *text, struct destination *to, size_t max)
{
	size_t n = 0;
	char *url;

	while ((url = strsep(&text, " ")) != NULL) {
		if (n == max || !destination_restore(&to[n], url) ||
		    vet_url(span_str(to[n].url), &to[n].backend) != VET_FINE)
			return 0;
		n++;
	}
	return n;
}

/* What is damaged, or another wrote there, may be of any name and length. */
static bool
is_route(const char *key, const char *pattern)
{
	size_t len = strlen(pattern);

	return vet_key(key) && len > 0 && len <= ROUTE_PATTERN_MAX;
}

/* Without a Redis there is no other node whose leases these could be. */
static void
await_leases(struct registrar *r, const struct stored_route *route,
    struct destination *to, size_t n)
{
	for (size_t i = 0; i < n && !conf_has_redis(r->conf); i++)
		if (to[i].lease != NULL)
			to[i].lease = r->conf->node_name;
	leases_await(r, route->key, route->pattern, to, n);
}

static void
damaged(const char *key, const char *pattern, const char *destination)
{
	log_event(LOG_WARNING, "route-damaged",
	    "name=%.*s route=%.*s destination=%s in routes.sqlite: left out",
	    KEY_MAX, key + (*key != '\0'), ROUTE_PATTERN_MAX, pattern,
	    destination);
}

/* A route that SQLite kept. */
static void
load(struct registrar *r, const struct stored_route *route)
{
	struct destination to[ROUTE_BACKENDS_MAX];
	size_t n = read_urls(route->destinations, to, ROUTE_BACKENDS_MAX);
	struct book_route *entered = NULL;

	if (!is_route(route->key, route->pattern))
		n = 0;
	change_version_seen(&r->changes, route->version);
	await_leases(r, route, to, n);
	if (n > 0)
		entered = book_set(&r->book, route->key, route->pattern, to, n,
		    route->origin, route->since_ms);
	loading_tell(r->book.nroutes);
	if (entered == NULL) {
		damaged(route->key, route->pattern, route->destinations);
		return;
	}
	entered->version = route->version;
	entered->name->canonical = route->canonical;
}

/* A change that Redis has not got yet. */
static void
load_unsaved(struct registrar *r, const struct stored_unsaved *unsaved)
{
	change_version_seen(&r->changes, unsaved->version);
	if (!is_route(unsaved->key, unsaved->pattern))
		damaged(unsaved->key, unsaved->pattern, "-");
	else if (r->redis != NULL)
		store_redis_unsaved(r->redis, unsaved->kind, unsaved->key,
		    unsaved->pattern, unsaved->version);
}

bool
warm_start(struct registrar *r)
{
	r->io =
	    store_io_open(r, boot_inside(&r->boot, r->conf->state_directory),
		load, policy_load, load_unsaved);
	return r->io != NULL;
}
