/* Keeps this node's leases, and withdraws what nobody holds. */
#include "registrar/lease.h"

#include <stdlib.h>
#include <string.h>

#include "lib/container.h"
#include "lib/log.h"
#include "registrar/process.h"

#define RETRY_MS 1000 /* when the stores would not take a withdrawal */

struct lease {
	RB_ENTRY(lease) entry;
	struct registrar *r;	     /* borrowed */
	struct lease_holder *holder; /* borrowed; NULL: nobody holds it */
	struct change *leaving;	     /* borrowed, while under way */
	struct timer timer;	     /* to the end, while nobody holds it */
	char *key;		     /* owned, with the next two behind it */
	const char *pattern, *url;
};

static int
compare(const struct lease *a, const struct lease *b)
{
	int order = strcmp(a->key, b->key);

	if (order == 0)
		order = strcmp(a->pattern, b->pattern);
	return order != 0 ? order : strcmp(a->url, b->url);
}

RB_GENERATE_INTERNAL(
    lease_tree, lease, entry, compare, __attribute__((unused)) static)

void
leases_init(struct leases *leases)
{
	*leases = (struct leases){ .held = 0 };
	RB_INIT(&leases->tree);
}

static void
lease_free(struct lease *l)
{
	if (l->leaving != NULL)
		l->leaving->done = NULL;
	timer_clear(&l->r->loop.timers, &l->timer);
	RB_REMOVE(lease_tree, &l->r->leases.tree, l);
	free(l->key);
	free(l);
}

/* Nobody holds it from now on. */
static struct lease_holder *
let_go(struct lease *l)
{
	struct lease_holder *holder = l->holder;

	if (holder == NULL)
		return NULL;
	holder->lease = NULL;
	l->holder = NULL;
	l->r->leases.held--;
	return holder;
}

void
leases_release(struct registrar *r)
{
	struct lease *l;

	while ((l = RB_MIN(lease_tree, &r->leases.tree)) != NULL) {
		let_go(l);
		l->leaving = NULL; /* the changes are gone before */
		lease_free(l);
	}
}

static void
end_within(struct lease *l, uint64_t ms)
{
	struct ev_loop *loop = &l->r->loop;

	timer_set(&loop->timers, &l->timer, loop->now_ms + ms);
}

static void
left(struct change *change, enum change_result result)
{
	struct lease *l = change->arg;

	l->leaving = NULL;
	if (result == CHANGE_DONE)
		lease_free(l);
	else
		end_within(l, RETRY_MS);
}

static void
leave(struct lease *l)
{
	struct destination to = { .url = l->url,
		.lease = l->r->conf->node_name };
	struct change *c = change_new(CHANGE_LEAVE, l->key, l->pattern, &to, 1);

	if (c == NULL) {
		end_within(l, RETRY_MS);
		return;
	}
	c->origin = ORIGIN_TOOL;
	c->prune = PRUNE_LEASE;
	c->done = left;
	c->arg = l;
	l->leaving = c;
	change_submit_take(l->r, c);
}

static void
expired(struct timer *timer)
{
	struct lease *l = container_of(timer, struct lease, timer);

	log_event(LOG_NOTICE, "lease-ended",
	    "name=%s route=%s destination=%s: nobody holds it", l->key + 1,
	    l->pattern, l->url);
	leave(l);
}

static struct lease *
find_or_new(
    struct registrar *r, const char *key, const char *pattern, const char *url)
{
	struct lease like = {
		.key = (char *)key, .pattern = pattern, .url = url
	};
	struct lease *l = RB_FIND(lease_tree, &r->leases.tree, &like);
	size_t key_size = strlen(key) + 1, pattern_size = strlen(pattern) + 1,
	       url_size = strlen(url) + 1;

	if (l != NULL || (l = calloc(1, sizeof(*l))) == NULL)
		return l;
	l->key = malloc(key_size + pattern_size + url_size);
	if (l->key == NULL) {
		free(l);
		return NULL;
	}
	memcpy(l->key, key, key_size);
	l->pattern = memcpy(l->key + key_size, pattern, pattern_size);
	l->url = memcpy(l->key + key_size + pattern_size, url, url_size);
	l->r = r;
	l->timer.fire = expired;
	RB_INSERT(lease_tree, &r->leases.tree, l);
	return l;
}

static void
tell_ended(struct lease_holder *holder)
{
	if (holder != NULL)
		holder->ended(holder);
}

bool
lease_hold(struct registrar *r, const char *key, const char *pattern,
    const char *url, struct lease_holder *holder)
{
	struct lease *l = find_or_new(r, key, pattern, url);

	if (l == NULL)
		return false;
	tell_ended(let_go(l));
	timer_clear(&r->loop.timers, &l->timer);
	if (l->leaving != NULL) /* its holder went while this one came */
		change_abandon(l->leaving);
	l->leaving = NULL;
	l->holder = holder;
	holder->lease = l;
	r->leases.held++;
	return true;
}

void
lease_names(const struct lease *l, char *pattern, char *url)
{
	memcpy(pattern, l->pattern, strlen(l->pattern) + 1);
	memcpy(url, l->url, strlen(l->url) + 1);
}

void
lease_withdraw(struct lease_holder *holder)
{
	struct lease *l = holder->lease;

	if (l == NULL)
		return;
	let_go(l);
	if (!l->r->draining) /* our successor waits for its holder */
		leave(l);
}

void
lease_await(
    struct registrar *r, const char *key, const char *pattern, const char *url)
{
	struct lease *l = find_or_new(r, key, pattern, url);

	if (l != NULL && l->holder == NULL && l->leaving == NULL &&
	    !timer_is_set(&l->timer))
		end_within(l, r->conf->lease_grace_ms);
}

void
leases_await(struct registrar *r, const char *key, const char *pattern,
    const struct destination *to, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (to[i].lease != NULL &&
		    strcmp(to[i].lease, r->conf->node_name) == 0)
			lease_await(r, key, pattern, to[i].url);
}

/* Does the book have it? */
static bool
is_there(struct lease *l)
{
	struct book_name *name = book_find(&l->r->book, l->key);
	struct book_route *route =
	    name == NULL ? NULL : book_find_route(name, l->pattern);
	struct destination *d =
	    route == NULL ? NULL : destinations_find(&route->to, l->url);

	return d != NULL && d->lease != NULL &&
	       strcmp(d->lease, l->r->conf->node_name) == 0;
}

void
leases_check(struct registrar *r, const char *key)
{
	struct lease like = { .key = (char *)key, .pattern = "", .url = "" };
	struct lease *l = RB_NFIND(lease_tree, &r->leases.tree, &like), *next;

	for (; l != NULL && strcmp(l->key, key) == 0; l = next) {
		next = RB_NEXT(lease_tree, NULL, l);
		if (l->leaving != NULL || is_there(l))
			continue;
		tell_ended(let_go(l));
		lease_free(l);
	}
}
