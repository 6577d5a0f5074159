/*
 * Which nodes live: each keeps dynproxy:node:<name> in Redis.  The leases of
 * one that is gone are ended by whoever notices (1-registration.md 1.1).
 */
#ifndef REGISTRAR_REDIS_NODES_H
#define REGISTRAR_REDIS_NODES_H

#include "lib/timer.h"
#include "registrar/destination.h"

#define NODES_MAX 64 /* others whose leases we have seen */

struct node {
	char name[NODE_NAME_MAX + 1];
	uint64_t missing_ms; /* CLOCK_MONOTONIC, since when; 0: it lives */
};

struct nodes {
	struct node at[NODES_MAX];
	size_t n;
	size_t asked;	    /* so many of them, until they are answered */
	struct timer timer; /* set while the primary is there */
};

struct foreign_route;
struct store_redis;

void nodes_init(struct store_redis *s);

/* The primary has come, and is gone: what was missing may have been lost. */
void nodes_begin(struct store_redis *s);
void nodes_stop(struct store_redis *s);

/* Whose leases are these? */
void nodes_note(struct store_redis *s, const struct foreign_route *route);

#endif
