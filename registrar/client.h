/*
 * A connection to the registrar: a request comes, an answer goes, it is
 * closed.  8282 (session), 8081 (http8081) and control (ctl) are kinds of it.
 */
#ifndef REGISTRAR_CLIENT_H
#define REGISTRAR_CLIENT_H

#include <bsd/sys/queue.h>
#include <stdbool.h>
#include <stdint.h>

#include "conf/conf.h"
#include "lib/addr.h"
#include "lib/buf.h"
#include "lib/ev.h"

struct registrar;
struct client;

/* A long answer is made in pieces, as the other end takes them. */
#define CLIENT_PIECE      16384     /* bytes, about */
#define CLIENT_ANSWER_MAX (1 << 20) /* bytes that are ever held of one */

enum client_state {
	CLIENT_REQUEST, /* it is coming in */
	CLIENT_WORK,    /* it is complete, and somebody is at work on it */
	CLIENT_ANSWER,  /* the answer goes out */
	CLIENT_STAY,    /* all is sent; the other end may say more, or nothing */
	CLIENT_LINGER,  /* all is sent; wait until the other end has read it */
	CLIENT_CLOSED,
	CLIENT_STATES
};

/* What makes the kinds different. */
struct client_kind {
	enum listener_kind listener;
	size_t size;        /* of the struct that begins with a struct client */
	size_t request_max; /* bytes */
	unsigned open_max;  /* connections of this kind; 0: see fd_end */
	const char *full;   /* what one more is told */

	/*
	 * It was accepted; sets request_ms and work_ms.  Returns NULL, or what
	 * it is told before it is closed: then closed() is called too.
	 */
	const char *(*opened)(struct client *c);

	/*
	 * More of the request is in c->in, which is full or ended perhaps.
	 * Calls client_work() or client_answer() when it is complete.
	 */
	void (*received)(struct client *c);

	/* request_ms or work_ms is over: puts an answer into c->out. */
	void (*expired)(struct client *c);

	/* c->out is empty: put more in.  False: that was all.  NULL: so too. */
	bool (*more)(struct client *c);

	/*
	 * It stays, and c->in may hold something: calls client_work() or
	 * client_answer() for it, takes it out of there, and returns false
	 * when that was the end.  NULL: this kind does not stay.
	 */
	bool (*said)(struct client *c);

	/* It goes away: let nobody remember it. */
	void (*closed)(struct client *c);
};

/* Born by client_open_take(), freed by run() in client.c only. */
struct client {
	struct ev_io io; /* owns the descriptor */
	struct timer timer;
	struct ev_task task;
	LIST_ENTRY(client) entry; /* of registrar->clients */
	struct registrar *r;
	const struct client_kind *kind;
	struct addr peer;
	uint64_t number; /* among all there were; the youngest is first listed */
	struct buf in, out;
	uint64_t request_ms, work_ms; /* how long these states may last */
	uint64_t drained;             /* bytes thrown away while lingering */
	uint32_t watched;             /* events, perhaps more than its state's */
	enum client_state state;      /* set by run() only */
	bool complete;                /* the request */
	bool answered;                /* out has the answer's beginning */
	bool stays;                   /* after that; set by its kind */
	bool patient;                 /* set by its kind: for a slow reader */
	bool ended;                   /* nothing more comes in */
	bool hung_up;                 /* the other end is gone for good */
	bool expired;
};

struct clients {
	LIST_HEAD(, client) list;
	unsigned open[LISTEN_MASTER + 1]; /* by kind */
	uint64_t opened;		  /* since the start */

	/*
	 * Kinds without a bound of their own have the descriptors below this:
	 * tools that take all they may leave some to operators, identd, Redis.
	 */
	int fd_end;
	uint64_t full_ms; /* when it was logged that none is left; 0: never */
};

/* As many as this process may have descriptors for. */
void clients_init(struct clients *clients);

/* Take a new connection's descriptor over. */
void client_open_take(struct registrar *r, const struct client_kind *kind,
    int fd, const struct addr *peer);

/* The request is complete: read no more of it.  From received() only. */
void client_work(struct client *c);

/* Close it when all is sent, or now when nothing is to be sent. */
void client_end(struct client *c);

/* The next part of the work may take so long, from now on. */
void client_work_within(struct client *c, uint64_t ms);

/* c->out has the answer, or its beginning.  From anywhere. */
void client_answer(struct client *c);

/*
 * Close those that stay, without their kind's mind: they come back to our
 * successor, or have nothing to wait for.
 */
void clients_end_stays(struct clients *clients);

/* How many there are, and an end to all of them. */
unsigned clients_open(const struct clients *clients);
void clients_close(struct clients *clients);

#endif
