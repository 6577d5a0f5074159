/* A client's connection, from accept to close. */
#ifndef WORKER_CONN_H
#define WORKER_CONN_H

#include <bsd/sys/queue.h>
#include <stdint.h>

#include "lib/addr.h"
#include "lib/ev.h"
#include "worker/stream.h"

struct h1;
struct h2;
struct listener_conf;
struct worker;

enum conn_state {
	CONN_PROXIED,	/* its PROXY header says who it is: first of all */
	CONN_HELD,	/* until it may begin with TLS */
	CONN_HANDSHAKE, /* of TLS */
	CONN_IDLE,	/* between requests: it holds no buffer */
	CONN_HEAD,	/* a request's head has begun to come in */
	CONN_BUSY,	/* its exchange is under way */
	CONN_TUNNEL,	/* another protocol has begun */
	CONN_H2,	/* HTTP/2: its streams have states of their own */
	CONN_LINGER, /* all was said: let the client read it before we close */
	CONN_CLOSED,
};

/* Born in conn_open_take(), freed by conn_run() only.  Small: many idle ones. */
struct conn {
	struct stream stream; /* first: owns the descriptor */
	struct worker *w;
	const struct listener_conf *listener; /* borrowed */
	struct h1 *h1;	      /* borrowed from h1_get(); NULL when idle */
	struct h2 *h2;	      /* owned; CONN_H2, and later, only */
	struct timer timer;   /* due at deadline_ms, or earlier */
	uint64_t deadline_ms; /* of the state */
	struct ev_task later; /* go on after others had their turn */
	uint32_t requests;    /* begun on this connection */
	uint32_t place;	      /* where it counts as its client's */
	uint8_t state;	      /* enum conn_state; set by conn_run() only */
	uint8_t counted;      /* as which enum counters_client */
	bool held;	      /* CONN_HELD: it is known for how long */
	bool expired;	      /* the deadline has passed */
	bool reserved;	      /* taken for health checks: see overload.h */
	bool shut;	      /* CONN_LINGER: we have said that we are done */
	struct ip peer;
	TAILQ_ENTRY(conn) by_age; /* in CONN_IDLE, or CONN_TUNNEL */
	void (*closed)(struct worker *w); /* told when it is freed */
};

/*
 * Take an accepted socket, and serve what it has sent already, or cut it off:
 * its client has too many.  -1 with errno, the socket being closed.
 *
 * listener  where it came in; outlives it
 */
int conn_open_take(struct worker *w, int fd, const struct ip *peer,
    const struct listener_conf *listener, void (*closed)(struct worker *w));

/* Clients between requests: have them wait no longer than it is now, or go. */
void conn_hurry_idle(struct worker *w);
void conn_close_idle(struct worker *w);

/* We go away: see tunnel_leave(). */
void conn_leave_tunnels(struct worker *w);

#endif
