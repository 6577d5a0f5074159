/*
 * Connections to backends.  Idle ones are kept for the next request of the
 * same tool to the same backend, as long as the tool's routes do not change.
 */
#ifndef WORKER_POOL_H
#define WORKER_POOL_H

#include <bsd/sys/queue.h>
#include <stdbool.h>
#include <stdint.h>

#include "shm/route.h"
#include "worker/stream.h"

struct pool;
struct pool_peer;
struct pool_shelf;
struct worker;

/* Whom a connection belongs to: it is used for nobody else. */
struct pool_owner {
	struct backend backend;
	uint64_t tool;    /* hash of its key, see health_hash() */
	uint64_t version; /* of the tool's routes */
};

/* A connection to a backend: idle in the pool, or lent to a user. */
struct pool_conn {
	struct stream stream;
	struct pool_peer *peer;  /* counted there */
	uint64_t version;        /* of the routes it was made for */
	void *user;              /* of ready(), NULL while idle */
	void (*ready)(void *user);
	bool used;               /* it has carried a response */
	bool spliced;            /* and the last one went through a pipe */
	uint64_t idle_since_ms;
	struct pool_shelf *shelf; /* it lies on, while idle */
	TAILQ_ENTRY(pool_conn) of_peer, by_age; /* while idle */
};

/* NULL: no memory. */
struct pool *pool_new(struct worker *w);

/* How many connections there are, idle and lent. */
unsigned pool_size(const struct pool *pool);

/* Close what is idle: its descriptors are needed.  False: nothing is. */
bool pool_sweep(struct pool *pool);

/* What is idle stays no longer than backend_idle_timeout, which is another. */
void pool_hurry(struct pool *pool);

/* Closes what is idle; nothing may be lent. */
void pool_free(struct pool *pool);

/*
 * Borrow a connection; ready(user) is called after each event on it.
 * pool_take() has an idle one, or NULL; pool_connect() begins a new one,
 * or NULL with errno.  name: the tool's own host name, for TLS.
 */
struct pool_conn *pool_take(struct pool *pool, const struct pool_owner *owner,
    void (*ready)(void *user), void *user);
struct pool_conn *pool_connect(struct pool *pool,
    const struct pool_owner *owner, const char *name,
    void (*ready)(void *user), void *user);

/* How many are lent. */
unsigned pool_lent(const struct pool *pool, const struct pool_owner *owner);

/* Give a connection back that can carry another request. */
void pool_put(struct pool *pool, struct pool_conn *conn);

/* Give a connection back that can not. */
void pool_close(struct pool *pool, struct pool_conn *conn);

#endif
