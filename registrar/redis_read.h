/* Reads names' entries in Redis, many of them in one question. */
#ifndef REGISTRAR_REDIS_READ_H
#define REGISTRAR_REDIS_READ_H

#include <stdbool.h>
#include <stddef.h>

#include "registrar/redis.h"

#define READ_NAMES 64 /* of one question: Redis is busy with it for 0.3 ms */

/* What Redis has of one name, all of it at one moment. */
struct redis_entry {
	const redisReply *mark;	   /* of EXISTS */
	const redisReply *records; /* of HGETALL */
	const redisReply *routes;  /* of HGETALL, of a frontend SMEMBERS */
};

/*
 * entry   NULL: the connection is lost (fault is NULL, too), or there is
 * fault   an error in place of the whole answer, REDIS_TOO_LARGE mostly
 */
typedef void redis_read_answer(
    void *arg, const struct redis_entry *entry, const redisReply *fault);

/*
 * Ask for n names of the book, 1 to READ_NAMES; answer is called for each, in
 * their order.  False: as redis_command(), answer is not called.
 *
 * keys   borrowed until the return
 * args   for the answers; copied
 */
bool redis_read(struct redis *c, const char *const keys[], void *const args[],
    size_t n, redis_read_answer *answer);

#endif
