/* Asking a host who owns a connection (RFC 1413; 1-registration.md 1.2). */
#ifndef REGISTRAR_IDENT_H
#define REGISTRAR_IDENT_H

#include <bsd/sys/queue.h>
#include <stdint.h>

#include "conf/conf.h"
#include "lib/ev.h"
#include "lib/span.h"
#include "registrar/peer.h"
#include "shm/counters.h"

#define IDENT_REPLY_MAX 1000 /* bytes of the answer */
#define IDENT_USER_MAX  512  /* bytes of a user's name (RFC 1413 section 6) */
#define IDENT_ASK_MAX   64   /* questions under way */
#define IDENT_HOST_MAX  4    /* of them to one host, while there is room */

enum ident_fault {
	IDENT_FINE,
	IDENT_UNREACHABLE, /* no connection, or lost before the answer */
	IDENT_TIMEOUT,
	IDENT_TOO_LONG,    /* over IDENT_REPLY_MAX bytes */
	IDENT_MALFORMED,   /* no answer as section 6 has it */
	IDENT_OTHER_PORTS, /* it answers another question */
	IDENT_ERROR,       /* an answer of type ERROR */
	IDENT_FAULTS
};

/* For the log. */
const char *ident_fault_name(enum ident_fault fault);

/*
 * Read an answer: one line with its end, and nothing behind it.
 *
 * theirs, ours   the ports that were asked for
 * user           set with IDENT_FINE only: 1 to IDENT_USER_MAX printable
 *                bytes and tabs; points into reply
 */
enum ident_fault ident_parse(struct span reply, uint16_t theirs, uint16_t ours,
    struct span *user);

struct ident {
	struct ev_loop *loop;     /* borrowed */
	uint16_t port;            /* of the identds */
	uint64_t timeout_ms;      /* from the question to its end */
	unsigned asking;
	uint64_t ended[IDENT_FAULTS]; /* questions, by how they ended */
	uint64_t times[COUNTERS_TIMES]; /* they took, as counters_times_ms */
	uint64_t took_ms;		/* together */
	TAILQ_HEAD(, peer) turns; /* hosts that have questions to be sent */
	struct ev_task pump;
};

/* A question; embedded in who wants to know.  Zeroed: none. */
struct ident_query {
	TAILQ_ENTRY(ident_query) entry; /* of its host's waiting */
	struct ident *ident;            /* NULL: not under way */
	struct peer *peer;              /* borrowed; outlives the question */
	struct ev_io io;                /* owns its descriptor; -1: it waits */
	struct timer timer;
	uint64_t asked_ms;              /* loop's time of ident_ask() */
	struct addr from, to;           /* of the connection to the identd */
	uint16_t theirs, ours;          /* ports of the one asked about */
	uint16_t len;                   /* bytes of reply */
	bool sent;
	char reply[IDENT_REPLY_MAX + 1];

	/* Called once, never from ident_ask(); user as ident_parse() has it. */
	void (*done)(struct ident_query *q, enum ident_fault fault,
	    struct span user);
};

/* Is it one of the hosts whose identd counts (ident_networks)? */
bool ident_believed(const struct conf *conf, const struct ip *host);

void ident_init(struct ident *ident, struct ev_loop *loop, uint16_t port,
    uint64_t timeout_ms);

/*
 * Ask peer's host who owns its end of a connection.
 *
 * local, remote  the two ends of that connection, as we see them; TCP
 */
void ident_ask(struct ident *ident, struct ident_query *q, struct peer *peer,
    const struct addr *local, const struct addr *remote);

/* Nobody wants to know any more.  Harmless when it is not under way. */
void ident_cancel(struct ident_query *q);

#endif
