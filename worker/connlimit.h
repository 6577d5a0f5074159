/* How many connections a client may have at a time (7-security.md 7.5). */
#ifndef WORKER_CONNLIMIT_H
#define WORKER_CONNLIMIT_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/addr.h"

struct worker;

/* What is said of those who were refused, now and then. */
struct connlimit {
	uint64_t refused;      /* so far */
	uint64_t refused_said; /* of them, in the log */
	uint64_t say_again_ms; /* not before; CLOCK_MONOTONIC */
};

/*
 * A client has connected: is that one too many?  Otherwise it is counted, at
 * *place; proxies of our own may have any number.
 */
bool connlimit_enter(
    struct worker *w, const struct ip *client, uint32_t *place);
void connlimit_leave(struct worker *w, uint32_t place);

#endif
