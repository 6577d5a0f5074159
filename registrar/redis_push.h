/* Tells Redis what it has not got, when it can be told. */
#ifndef REGISTRAR_REDIS_PUSH_H
#define REGISTRAR_REDIS_PUSH_H

struct store_redis;

void push_init(struct store_redis *s);

/* The connection is gone. */
void push_stop(struct store_redis *s);

/* Go through the unsaved, if Redis is there: now, or when it may be tried. */
void push_begin(struct store_redis *s);

/* From the start, at once: Redis has just come. */
void push_now(struct store_redis *s);

/*
 * Logged when it begins, that Redis is away and what it says itself, each; and
 * when all is made good.
 */
void push_note_refused(struct store_redis *s, const char *why);
void push_note_saved(struct store_redis *s);

#endif
