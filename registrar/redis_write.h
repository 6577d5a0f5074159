/* What we write to the primary: a route at a time, never over a newer one. */
#ifndef REGISTRAR_REDIS_WRITE_H
#define REGISTRAR_REDIS_WRITE_H

#include <stdbool.h>

#include "registrar/redis.h"

struct store_redis;

/* A route as Redis is to have it. */
struct redis_write {
	const char *key, *pattern;
	const struct destinations *to; /* NULL: it is struck */
	bool canonical;
	uint64_t version, since_ms;
	uint64_t base; /* the newest that it may replace; 0: its own version */
};

/* Is it a primary?  begun() is called when it is and has our script. */
void write_begin(struct store_redis *s, void (*begun)(struct store_redis *s));

/* The connection is gone. */
void write_stop(struct store_redis *s);

/* Send one; answer gets what write_read() reads.  False: it was not sent. */
bool write_send(struct store_redis *s, const struct redis_write *w,
    redis_answer *answer, void *arg);

enum write_result {
	WRITE_DONE,
	WRITE_NEWER,  /* nothing written: *newer is the version there */
	WRITE_AGAIN,  /* nothing written: the script was gone, and comes back */
	WRITE_FAILED, /* nothing written: *why says what Redis said */
	WRITE_LOST,   /* no answer: it may be written, or not */
};
enum write_result write_read(struct store_redis *s, const char *key,
    const redisReply *reply, uint64_t *newer, const char **why);

/* After write_read(): ends a connection that said READONLY.  Did it? */
bool write_leave_replica(struct store_redis *s);

#endif
