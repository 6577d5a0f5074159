/* What Redis says of keys that others changed. */
#ifndef REGISTRAR_REDIS_TRACKING_H
#define REGISTRAR_REDIS_TRACKING_H

#include "registrar/redis.h"

struct store_redis;

/* Ask for it; begun() is called when Redis has agreed. */
void tracking_begin(
    struct store_redis *s, void (*begun)(struct store_redis *s));

/* A message of the channel subscribed to: names are wanted of redis_watch.c. */
void tracking_message(struct store_redis *s, const redisReply *message);

#endif
