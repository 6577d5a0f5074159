/* Keeps idle connections to backends. */
#include "worker/pool.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "lib/container.h"
#include "lib/sock.h"
#include "worker/backend_tls.h"
#include "worker/process.h"

#define POOL_BUCKETS 4096 /* a power of two */

/*
 * Of requests side by side, now one has a connection and then another: what
 * exceeds backend_idle_max is wanted again at once, or not soon.
 */
#define SPARE_MS 100

TAILQ_HEAD(conn_list, pool_conn);
LIST_HEAD(peer_list, pool_peer);

/* One backend of one tool; lives as long as it has a connection. */
struct pool_peer {
	LIST_ENTRY(pool_peer) entry;
	struct pool *pool;
	struct backend backend;
	uint64_t tool;
	uint64_t version;      /* the newest seen: idle ones are of this */
	struct conn_list idle; /* latest first */
	unsigned nidle;
	unsigned nconns; /* idle and lent */
};

/* Idle connections that all wait equally long. */
struct pool_shelf {
	struct pool *pool;
	struct timer timer;	 /* for the oldest */
	struct conn_list by_age; /* oldest first */
};

struct pool {
	struct worker *w;
	unsigned nconns; /* idle and lent */
	struct pool_shelf kept, spare;
	struct peer_list buckets[POOL_BUCKETS];
};

/* The tool's part is keyed, so nobody can choose what falls together. */
static size_t
bucket_of(const struct backend *b, uint64_t tool)
{
	uint64_t words[2];

	memcpy(words, b->ip.bytes, sizeof(words));
	tool ^= (words[0] ^ words[1] ^ b->port) * 0x9e3779b97f4a7c15u;
	return (tool ^ tool >> 32) & (POOL_BUCKETS - 1);
}

static struct pool_peer *
find_peer(const struct pool *pool, const struct pool_owner *o)
{
	struct pool_peer *peer;

	LIST_FOREACH(
	    peer, &pool->buckets[bucket_of(&o->backend, o->tool)], entry)
	if (peer->tool == o->tool &&
	    memcmp(&peer->backend, &o->backend, sizeof(o->backend)) == 0)
		return peer;
	return NULL;
}

static struct pool_peer *
add_peer(struct pool *pool, const struct pool_owner *o)
{
	struct pool_peer *peer = calloc(1, sizeof(*peer));

	if (peer == NULL)
		return NULL;
	peer->pool = pool;
	peer->backend = o->backend;
	peer->tool = o->tool;
	peer->version = o->version;
	TAILQ_INIT(&peer->idle);
	LIST_INSERT_HEAD(
	    &pool->buckets[bucket_of(&o->backend, o->tool)], peer, entry);
	return peer;
}

static void
drop_peer_if_unused(struct pool_peer *peer)
{
	if (peer->nconns > 0)
		return;
	LIST_REMOVE(peer, entry);
	free(peer);
}

static void
leave_idle(struct pool_conn *c)
{
	TAILQ_REMOVE(&c->peer->idle, c, of_peer);
	TAILQ_REMOVE(&c->shelf->by_age, c, by_age);
	c->peer->nidle--;
}

static void
close_idle(struct pool *pool, struct pool_conn *c)
{
	leave_idle(c);
	pool_close(pool, c);
}

/*
 * Whatever happens on an idle connection ends it: it closes, or says
 * something that nobody asked for.  That its buffer is empty again is no news.
 */
static void
conn_ready(struct ev_io *io, uint32_t events)
{
	struct pool_conn *c = (struct pool_conn *)io;

	stream_note(&c->stream, events);
	if (c->user != NULL)
		c->ready(c->user);
	else if (!stream_quiet(&c->stream))
		close_idle(c->peer->pool, c);
}

static uint64_t
until_ms(const struct pool_shelf *shelf, const struct pool_conn *c)
{
	const struct pool *pool = shelf->pool;

	return c->idle_since_ms +
	       (shelf == &pool->spare ? SPARE_MS
				      : pool->w->conf->backend_idle_timeout_ms);
}

static void
expire(struct timer *t)
{
	struct pool_shelf *shelf = container_of(t, struct pool_shelf, timer);
	struct ev_loop *loop = &shelf->pool->w->loop;
	struct pool_conn *c;

	while ((c = TAILQ_FIRST(&shelf->by_age)) != NULL) {
		if (loop->now_ms < until_ms(shelf, c)) {
			timer_set(&loop->timers, t, until_ms(shelf, c));
			return;
		}
		close_idle(shelf->pool, c);
	}
}

static void
shelf_init(struct pool_shelf *shelf, struct pool *pool)
{
	shelf->pool = pool;
	shelf->timer.fire = expire;
	TAILQ_INIT(&shelf->by_age);
}

static bool
shelf_clear(struct pool_shelf *shelf)
{
	struct pool_conn *c;
	bool any = false;

	for (; (c = TAILQ_FIRST(&shelf->by_age)) != NULL; any = true)
		close_idle(shelf->pool, c);
	return any;
}

static void
shelf_put(struct pool_shelf *shelf, struct pool_conn *c)
{
	struct ev_loop *loop = &shelf->pool->w->loop;

	c->shelf = shelf;
	c->idle_since_ms = loop->now_ms;
	TAILQ_INSERT_TAIL(&shelf->by_age, c, by_age);
	if (!timer_is_set(&shelf->timer))
		timer_set(&loop->timers, &shelf->timer, until_ms(shelf, c));
}

struct pool *
pool_new(struct worker *w)
{
	struct pool *pool = calloc(1, sizeof(*pool));

	if (pool == NULL)
		return NULL;
	pool->w = w;
	shelf_init(&pool->kept, pool);
	shelf_init(&pool->spare, pool);
	return pool;
}

bool
pool_sweep(struct pool *pool)
{
	bool spare = shelf_clear(&pool->spare);

	return shelf_clear(&pool->kept) || spare;
}

void
pool_hurry(struct pool *pool)
{
	expire(&pool->kept.timer);
}

void
pool_free(struct pool *pool)
{
	pool_sweep(pool);
	timer_clear(&pool->w->loop.timers, &pool->kept.timer);
	timer_clear(&pool->w->loop.timers, &pool->spare.timer);
	free(pool);
}

static struct pool_conn *
lend(struct pool_conn *c, void (*ready)(void *user), void *user)
{
	c->ready = ready;
	c->user = user;
	return c;
}

struct pool_conn *
pool_take(struct pool *pool, const struct pool_owner *owner,
    void (*ready)(void *user), void *user)
{
	struct pool_peer *peer = find_peer(pool, owner);
	struct pool_conn *c;

	if (peer == NULL)
		return NULL;
	if (peer->version != owner->version) {
		peer->version = owner->version;
		peer->nconns++; /* it outlives its last connection */
		while ((c = TAILQ_FIRST(&peer->idle)) != NULL)
			close_idle(pool, c);
		peer->nconns--;
		drop_peer_if_unused(peer);
		return NULL;
	}
	c = TAILQ_FIRST(&peer->idle);
	if (c == NULL)
		return NULL;
	leave_idle(c);
	return lend(c, ready, user);
}

/* Connect to the peer, watched.  -1 with errno. */
static int
open_conn(struct pool *pool, struct pool_conn *c,
    const struct pool_owner *owner, const char *name)
{
	const struct backend *b = &owner->backend;
	struct addr to;
	struct ssl_st *ssl;
	int fd, saved;

	addr_set(&to, &b->ip, b->port);
	fd = sock_connect(&to, NULL);
	if (fd == -1 && errno == EMFILE && pool_sweep(pool))
		fd = sock_connect(&to, NULL);
	if (fd == -1)
		return -1;
	if (sock_nodelay(fd) == -1 ||
	    stream_open(&pool->w->loop, &c->stream, fd, conn_ready) == -1) {
		saved = errno;
		close(fd);
		errno = saved;
		return -1;
	}
	if (b->scheme == BACKEND_HTTP)
		return 0;
	ssl = backend_tls_begin(pool->w->backend_tls, owner, name);
	if (ssl != NULL && stream_secure_take(&c->stream, ssl) == 0)
		return 0;
	stream_close(&pool->w->loop, &c->stream);
	errno = ENOMEM;
	return -1;
}

struct pool_conn *
pool_connect(struct pool *pool, const struct pool_owner *owner,
    const char *name, void (*ready)(void *user), void *user)
{
	struct pool_peer *peer = find_peer(pool, owner);
	struct pool_conn *c = calloc(1, sizeof(*c));
	int saved;

	if (c == NULL)
		return NULL;
	if (peer == NULL && (peer = add_peer(pool, owner)) == NULL) {
		free(c);
		return NULL;
	}
	pool->nconns++;
	peer->nconns++; /* before idle ones may be swept away */
	if (open_conn(pool, c, owner, name) == -1) {
		saved = errno;
		free(c);
		pool->nconns--;
		peer->nconns--;
		drop_peer_if_unused(peer);
		errno = saved;
		return NULL;
	}
	c->peer = peer;
	c->version = owner->version;
	return lend(c, ready, user);
}

unsigned
pool_size(const struct pool *pool)
{
	return pool->nconns;
}

unsigned
pool_lent(const struct pool *pool, const struct pool_owner *owner)
{
	const struct pool_peer *peer = find_peer(pool, owner);

	return peer == NULL ? 0 : peer->nconns - peer->nidle;
}

void
pool_put(struct pool *pool, struct pool_conn *c)
{
	struct pool_peer *peer = c->peer;
	const struct worker *w = pool->w;
	unsigned max = w->conf->backend_idle_max;

	if (c->version != peer->version || w->draining ||
	    !stream_quiet(&c->stream) || max == 0) {
		pool_close(pool, c);
		return;
	}
	c->used = true;
	lend(c, NULL, NULL);
	TAILQ_INSERT_HEAD(&peer->idle, c, of_peer);
	shelf_put(peer->nidle++ < max ? &pool->kept : &pool->spare, c);
}

void
pool_close(struct pool *pool, struct pool_conn *c)
{
	struct pool_peer *peer = c->peer;

	stream_close(&pool->w->loop, &c->stream);
	free(c);
	pool->nconns--;
	peer->nconns--;
	drop_peer_if_unused(peer);
}
