/*
 * A connection to Redis that comes back by itself.  hiredis reads the replies;
 * its asynchronous layer is not used, because that one asserts on replies
 * nobody asked for, and a Redis is a stranger like any other peer.
 */
#ifndef REGISTRAR_REDIS_H
#define REGISTRAR_REDIS_H

#include <bsd/sys/queue.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/addr.h"
#include "lib/buf.h"
#include "lib/ev.h"
#include "registrar/redis_reader.h"

#define REDIS_ANSWER_MS                                                        \
	1000			   /* for one command, and to connect:         \
				      SQLite needs the rest of 2 s */
#define REDIS_OUT_MAX (8u << 20)   /* bytes not yet sent */
#define REDIS_TOO_LARGE "TOOLARGE" /* the error a reply over it becomes */

enum redis_state {
	REDIS_APART,	  /* waiting for the next try; fd is -1 */
	REDIS_CONNECTING, /* connect(2) is under way */
	REDIS_GREETING,	  /* AUTH and PING are */
	REDIS_UP,	  /* commands are taken */
};

struct redis;

struct redis_ops {
	void (*up)(struct redis *c);

	/* after those who waited for a reply were told; why: one line */
	void (*down)(struct redis *c, const char *why);

	/* a message of a channel; NULL: none is subscribed to */
	void (*message)(struct redis *c, const redisReply *reply);
};

/* Called once for each command; reply is NULL when the connection was lost. */
typedef void redis_answer(void *arg, const redisReply *reply);

struct redis_owed; /* a command whose reply has not come */

struct redis {
	struct ev_io io;	     /* owns the descriptor; first */
	struct ev_loop *loop;	     /* borrowed, like the next four */
	const struct addr *addr;     /* len 0: not known yet */
	const char *user, *password; /* empty: the default one; none */
	const struct redis_ops *ops;
	void *owner;	      /* for ops */
	struct timer timer;   /* next try, or look at what is owed */
	struct ev_task flush; /* commands of one turn leave together */
	struct buf out;
	struct redis_reader replies; /* open unless apart */
	TAILQ_HEAD(redis_owed_list, redis_owed) owed;
	enum redis_state state;
	uint64_t since_ms;   /* of the state */
	uint64_t generation; /* counts connections lost */
	unsigned tries;	     /* without lasting success */
};

/* Begin to connect: never fails, tries again.  Redis is in use by the loop. */
void redis_open(struct redis *c, struct ev_loop *loop, const struct addr *addr,
    const char *user, const char *password, const struct redis_ops *ops,
    void *owner);

/* Its address is another one: try at once, and give up the old connection. */
void redis_moved(struct redis *c);

/* Those who wait for a reply are told; ops->down is not called. */
void redis_close(struct redis *c);

/*
 * Send a command: its words, then NULL.  False: not connected, or far behind;
 * answer, which may be NULL, is not called then.
 */
bool redis_command(struct redis *c, redis_answer *answer, void *arg, ...)
    __attribute__((sentinel));

/* What an error says; otherwise: what is wrong with another reply. */
static inline const char *
redis_error(const redisReply *reply, const char *otherwise)
{
	return reply->type == REDIS_REPLY_ERROR ? reply->str : otherwise;
}

/* Give this connection up, and try again later.  Harmless when it is apart. */
void redis_lose(struct redis *c, const char *why);

/* Is this reply the error of that kind ("WRONGTYPE")? */
bool redis_is_error(const redisReply *reply, const char *kind);

#endif
