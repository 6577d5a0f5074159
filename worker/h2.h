/*
 * An HTTP/2 connection of a client: frames to exchanges, exchanges to frames
 * (RFC 9113).  nghttp2 keeps the protocol's state; who may do what, and how
 * much is held for whom, is decided here.
 */
#ifndef WORKER_H2_H
#define WORKER_H2_H

#include <bsd/sys/queue.h>
#include <stdbool.h>
#include <stdint.h>

#include "http/h2_head.h"
#include "lib/addr.h"
#include "lib/buf.h"
#include "worker/h2_guard.h"
#include "worker/h2_memory.h"
#include "worker/stream.h"

struct h2_setup;
struct h2_stream;
struct nghttp2_session;
struct worker;

TAILQ_HEAD(h2_streams, h2_stream);

/* Born in h2_new(), when the handshake has chosen "h2". */
struct h2 {
	struct worker *w;
	struct stream *stream;	  /* borrowed: the client's */
	const struct ip *peer;	  /* borrowed: of the connection */
	uint16_t port;		  /* where the client came in */
	void (*wake)(void *user); /* h2_run(), soon */
	void *user;

	struct nghttp2_session *session; /* owned */
	struct h2_arena arena;		 /* what it is in */
	struct h2_guard guard;
	struct h2_head head; /* the header block that is coming in */
	struct buf out; /* frames; lent by the worker while there are any */
	struct h2_streams open;	 /* owned: all streams */
	struct h2_streams ready; /* those that can go on */
	uint32_t streams;	 /* open */
	uint32_t streams_told;	 /* the client may have so many at a time */
	uint32_t streams_max;	 /* as it has acknowledged last */
	bool telling;		 /* it has not, yet */
	uint32_t requests;	 /* begun on this connection */
	int32_t newest;		 /* stream that it has opened */
	int32_t left_out[2]; /* numbers passed over last: they stay unused */
	enum h2_flood flood; /* it did too much of this */
	uint64_t flood_us;   /* since then; CLOCK_MONOTONIC */
	bool calmed;	     /* its GOAWAY was made */
	bool flood_told;     /* and sent, or it could not be */
	bool told;	     /* it is to end */
	bool resting;	     /* idle, and small */
	bool ending;	     /* a GOAWAY was sent: the first, or the only one */
	bool ended;	     /* the last GOAWAY was sent: no more requests */
	bool in_head;	     /* a header block has begun to come in */
	uint64_t since_ms;   /* of the head, or of idleness */
	uint64_t moved_ms;   /* when something was last sent */
	TAILQ_ENTRY(h2) of_worker;
};

/* Connections of a worker that were ended for a flood. */
struct h2_floods {
	uint64_t count[FLOOD_COUNT];
	uint64_t slowest_us; /* from limit to end, since the last line */
	uint64_t logged_ms;  /* when that was */
};

/* What a worker keeps for its HTTP/2 connections. */
struct h2_worker {
	TAILQ_HEAD(, h2) all;
	struct h2_setup *setup;	 /* owned: the library's options */
	struct h2_memory memory; /* of sessions */
	struct h2_streams spare; /* owned: with their buffers */
	unsigned nspare;
	struct buf out;	      /* lent to whoever has something to send */
	struct timer drain;   /* tells the next ones */
	unsigned drain_turns; /* until all are told */
	struct h2_floods floods;
};

/* -1: no memory. */
int h2_start(struct worker *w);
void h2_release(struct worker *w);

/*
 * No more requests on any connection: those under way are finished.  Clients
 * are told one after the other, as they come again elsewhere at once.
 */
void h2_drain(struct worker *w, uint64_t at_most_ms);

/* How many of those left are told now, when so many turns are to follow. */
unsigned h2_drain_share(unsigned left, unsigned turns);

/* We go away: see tunnel_leave(). */
void h2_leave_tunnels(struct worker *w);

/* Begin: nothing was received.  NULL: no memory. */
struct h2 *h2_new(struct worker *w, struct stream *stream,
    const struct ip *peer, uint16_t port, void (*wake)(void *user), void *user);

/* Whatever is under way is cut. */
void h2_free(struct h2 *h);

enum h2_next {
	H2_WAIT,  /* for an event, or until h2_deadline() */
	H2_YIELD, /* others first, then again */
	H2_DONE,  /* all was said: let the client read it */
	H2_GONE,  /* close at once */
};

/* Do all that can be done now. */
enum h2_next h2_run(struct h2 *h);

/*
 * CLOCK_MONOTONIC milliseconds; and when it has passed, before h2_run().
 * False: close at once.
 */
uint64_t h2_deadline(const struct h2 *h);
bool h2_expire(struct h2 *h);

/* Was it ended for a flood?  Then nobody waits until it has read that. */
bool h2_is_flood(const struct h2 *h);

/* Have clients that have streams know how many they may have by now. */
void h2_limit_streams(struct worker *w);

/* No more requests from now on: the last GOAWAY. */
void h2_end(struct h2 *h);

#endif
