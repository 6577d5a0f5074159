/* Names that may have changed in Redis: read again, compared, applied. */
#ifndef REGISTRAR_REDIS_WATCH_H
#define REGISTRAR_REDIS_WATCH_H

#include <stdbool.h>

#include "lib/span.h"
#include "registrar/redis.h"

struct store_redis;

void watch_init(struct store_redis *s);
void watch_release(struct store_redis *s);

/*
 * Read a name soon.  for_pass: what is missing there is not removed at once,
 * and pass_read_done() is called when it was read, pass_unread() if it cannot
 * be.
 */
void watch_want(struct store_redis *s, const char *key, bool for_pass);

/* Forget what was to be read: a full pass follows. */
void watch_forget(struct store_redis *s);

/* The pass was given up: what it wanted is not counted by the next one. */
void watch_leave_pass(struct store_redis *s);

/* Count what was refused of a name; logged once a name. */
void watch_refused(
    struct store_redis *s, const char *name, size_t count, const char *why);

#endif
