/*
 * What a client may have at a time: counted by all workers
 * together, in the only memory that several of them write.  Each change is one
 * atomic operation on one word, so a worker that dies leaves nothing half
 * done; its connections are forgotten by the master.
 *
 * Another worker may have written anything: a wrong number can refuse clients
 * or let them through, and no more.
 */
#ifndef SHM_LIMITS_H
#define SHM_LIMITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/addr.h"

struct limits_set {
	unsigned rate;	/* requests a second of a client; 0: any */
	unsigned burst; /* and at once, at least 1 */
	unsigned handshakes; /* of TLS, a second of a client; 0: any */
	unsigned handshakes_burst; /* and at once, at least 1 */
	unsigned connections;	/* of a client, open; 0: any; under 65536 */
};

struct limits; /* a mapping of the segment */

/* Bytes of the segment for so many workers; and lay it out: -1 with errno. */
size_t limits_size(unsigned workers);
int limits_format(int fd);

/*
 * Map the segment as one of its workers; the descriptor stays the caller's.
 * NULL with errno (EPROTO: of another build, or for fewer workers).  Ours
 * until limits_close().
 */
struct limits *limits_open(
    int fd, unsigned worker, const struct limits_set *set);
void limits_close(struct limits *l);

/* Go by other bounds from now on. */
void limits_apply(struct limits *l, const struct limits_set *set);

/*
 * A request of this client: may it go on?  If so it is counted.  Exact over
 * all workers: in any time t at most burst + rate * t.  IPv6 by /64.
 *
 * now_ms  CLOCK_MONOTONIC; who is late refuses what another worker would not:
 *         ask again by the time that it is
 */
bool limits_client(struct limits *l, const struct ip *ip, uint64_t now_ms);

/*
 * The same for its TLS handshakes, of which those of one second may wait.
 * Returns for how many milliseconds; -1: it may not go on.
 */
int limits_handshake(struct limits *l, const struct ip *ip, uint64_t now_ms);

/*
 * It has abused a connection: as if it had begun as many more as it may in so
 * many milliseconds; ten seconds' worth beyond its limit at most.
 */
void limits_charge_handshakes(
    struct limits *l, const struct ip *ip, unsigned ms, uint64_t now_ms);

/*
 * A connection of this client: may it have one more?  If so it is counted,
 * and *place says where; 0: nowhere, there being no limit.  Over all workers,
 * IPv6 by /64, never more than the limit; of two that come at the same moment
 * for the last one, both may be refused.
 */
bool limits_connect(struct limits *l, const struct ip *ip, uint32_t *place);
void limits_disconnect(struct limits *l, uint32_t place);

/* The worker is dead, and with it all that it had under way.  -1, errno. */
int limits_forget(int fd, unsigned worker);

#endif
