/*
 * Sentinels know which Redis is the primary, and say when it is another one.
 * One of them is asked at a time; when it is silent, the next.
 */
#ifndef REGISTRAR_SENTINEL_H
#define REGISTRAR_SENTINEL_H

#include <stdbool.h>

#include "conf/conf.h"
#include "registrar/redis.h"

struct sentinel {
	const struct conf *conf; /* borrowed */
	size_t at;		 /* of conf->redis_sentinels: the one asked */
	struct addr addr;	 /* of it */
	struct redis questions;
	struct redis events; /* subscribed: no questions there (RESP2) */
	bool asking;	     /* a question has not been answered */
	bool again;	     /* then it is to be asked once more */
	bool silent_logged;
	struct addr *primary; /* the owner's; len 0: not known yet */

	/* *primary is another one than before */
	void (*moved)(void *owner);
	void *owner;
};

/* conf has at least one. */
void sentinel_open(struct sentinel *s, struct ev_loop *loop,
    const struct conf *conf, struct addr *primary, void (*moved)(void *owner),
    void *owner);
void sentinel_close(struct sentinel *s);

/* The primary was lost, or is none: is it another one? */
void sentinel_ask(struct sentinel *s);

#endif
