/*
 * How many connections a client may have at a time, and how often it may begin
 * with TLS (7-security.md 7.5).
 */
#ifndef WORKER_CONNLIMIT_H
#define WORKER_CONNLIMIT_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/addr.h"

struct worker;

/* What is said of those who were refused, now and then. */
struct refusals {
	uint64_t n;            /* so far */
	uint64_t said;         /* of them, in the log */
	uint64_t say_again_ms; /* not before; CLOCK_MONOTONIC */
};

struct connlimit {
	struct refusals connections, handshakes;
};

/*
 * A client has connected: is that one too many?  Otherwise it is counted, at
 * *place; proxies of our own may have any number.
 */
bool connlimit_enter(
    struct worker *w, const struct ip *client, uint32_t *place);
void connlimit_leave(struct worker *w, uint32_t place);

/*
 * It wants to begin with TLS.  Returns for how many milliseconds it has to
 * wait; -1: it has begun too often.
 */
int connlimit_handshake(struct worker *w, const struct ip *client);

/*
 * It was cut off for a flood, which costs as many handshakes as it may begin
 * in two seconds: who comes again only to flood can do so once in that time.
 */
void connlimit_flooded(struct worker *w, const struct ip *client);

#endif
