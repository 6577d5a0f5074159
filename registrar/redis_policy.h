/*
 * The policy that nodes share, in Redis: dynproxy:policy, a hash of
 * "<kind>:<subject>" to "<since> <until>", both in milliseconds of Unix time.
 * Of two that know the same subject the later since holds; what was struck
 * stands there with an until that is its since, for a week, or until it is one
 * of too many.  "forgotten:<kind>", "<since> 0" says how far these are gone: of
 * what is as old as that, and was there once, what is not there was struck.
 */
#ifndef REGISTRAR_REDIS_POLICY_H
#define REGISTRAR_REDIS_POLICY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/timer.h"
#include "registrar/policy.h"

#define REDIS_POLICY_KEY "dynproxy:policy"

struct redisReply;
struct store_redis;

/* One round: what Redis has is heard, then what it lacks is told. */
struct policy_round {
	uint64_t number; /* of this one, or the last */
	bool hearing;	 /* an HSCAN has not been answered */
	bool again;	 /* it changed meanwhile */
	bool telling;
	bool lacked;  /* Redis, something that is told */
	size_t open;  /* told, and not yet answered */
	size_t heard; /* fields, of this round */
	size_t taken; /* new to us */
	uint64_t begun_ms;
	char cursor[24]; /* of HSCAN */
	struct policy_listing told;
	struct timer timer; /* the next round */
};

void redis_policy_init(struct store_redis *s);

/* A round, from its beginning: soon, since what is said comes in crowds. */
void redis_policy_begin(struct store_redis *s);

/* A connection is gone. */
void redis_policy_stop(struct store_redis *s);

/* An operator has spoken here. */
void redis_policy_tell(struct store_redis *s, const struct policy_entry *e);

#endif
