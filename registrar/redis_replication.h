/*
 * What the Redis that is read says of its replication: whose data it has, and
 * how far behind they are.
 */
#ifndef REGISTRAR_REDIS_REPLICATION_H
#define REGISTRAR_REDIS_REPLICATION_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/timer.h"

#define REPLID_SIZE 48

struct replication_info {
	/* of its data set, and of that before; empty: it does not say */
	char replid[REPLID_SIZE], replid2[REPLID_SIZE];
	/* seconds since it has heard of its primary; of a primary: since it
	   has heard of the slowest of its replicas */
	uint64_t lag_s;
	bool never;   /* a replica that has not yet heard of any primary */
	bool cut_off; /* a replica that does not hear of its primary now */
};

/* info: what INFO replication answers, or anything else; NUL-terminated. */
void replication_parse(const char *info, struct replication_info *out);

struct store_redis;

/* How far behind it is, asked for every few seconds. */
struct replication {
	struct timer timer;   /* set while Redis is there */
	uint64_t lag_s;	      /* as of the last answer */
	uint64_t answered_ms; /* CLOCK_MONOTONIC of that, or of our begin */
};

void replication_init(struct store_redis *s);

/* The Redis that is read has come, and is gone. */
void replication_begin(struct store_redis *s);
void replication_stop(struct store_redis *s);

/* Seconds; they go on while it does not answer. */
uint64_t replication_lag(const struct store_redis *s);

#endif
