/* hiredis' reader of replies, with a bound on what one may make us allocate. */
#ifndef REGISTRAR_REDIS_READER_H
#define REGISTRAR_REDIS_READER_H

#include <hiredis/hiredis.h>
#include <stdbool.h>
#include <stddef.h>

#define REDIS_REPLY_MAX (4u << 20) /* bytes of one reply, all included */

struct redis_reader {
	redisReader *reader;              /* owned; NULL: closed */
	redisReplyObjectFunctions *plain; /* what hiredis makes replies with */
	redisReplyObjectFunctions make;   /* the same, within the bound */
	size_t bytes;                     /* of the reply being read */
	bool too_large;                   /* it went over the bound */
};

/* r must not move while it is open.  False: no memory. */
bool redis_reader_open(struct redis_reader *r);
void redis_reader_close(struct redis_reader *r);

void redis_reader_feed(struct redis_reader *r, const char *bytes, size_t len);

enum reply_got {
	REPLY_WHOLE,     /* *reply is the caller's: freeReplyObject() */
	REPLY_PART,      /* more has to be fed */
	REPLY_TOO_LARGE, /* it would be over the bound */
	REPLY_BROKEN,    /* it is not the protocol, or there is no memory */
};
enum reply_got redis_reader_next(struct redis_reader *r, redisReply **reply);

/* One line, after REPLY_BROKEN. */
const char *redis_reader_fault(const struct redis_reader *r);

#endif
