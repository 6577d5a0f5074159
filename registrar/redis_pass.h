/* The full pass: all that Redis has against all that the book has. */
#ifndef REGISTRAR_REDIS_PASS_H
#define REGISTRAR_REDIS_PASS_H

#include <stdbool.h>

struct store_redis;

void pass_init(struct store_redis *s);
void pass_release(struct store_redis *s);

/* Begin, from the start if one is under way.  Comes again by itself. */
void pass_begin(struct store_redis *s);

/* The connection is gone: so is the pass. */
void pass_stop(struct store_redis *s);

/* A name wanted for the pass was read. */
void pass_read_done(struct store_redis *s);

/* Another could not be: the pass says nothing of it. */
void pass_unread(struct store_redis *s);

/* A route that Redis lacks, and that another had written there. */
void pass_going(struct store_redis *s, const char *key, const char *pattern);

#endif
