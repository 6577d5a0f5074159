/*
 * HTTP/1 as a client speaks it: bytes to exchanges, exchanges to bytes.
 * A connection has one of these from the first byte of a request to the end
 * of its response; an idle connection has none.
 */
#ifndef WORKER_H1_H
#define WORKER_H1_H

#include <stdbool.h>
#include <stdint.h>

#include "worker/exchange.h"
#include "worker/pump.h"
#include "worker/stream.h"
#include "worker/tunnel.h"

struct h1 {
	struct exchange ex;    /* first: the ops get this */
	struct worker *w;
	void (*wake)(void *user); /* the backend has moved: h1_step() */
	void *user;
	const struct ip *peer; /* borrowed: of the connection */
	struct ip client;      /* whose request it is */
	uint16_t port;         /* where the client came in */
	bool only_health;      /* the connection is for nothing else */

	struct buf in;  /* owned: bytes of this request, and of later ones */
	size_t scanned; /* of a head that is not complete */

	unsigned minor;     /* of the client's HTTP/1.minor */
	bool wants_close;   /* the client ends the connection after this */
	bool keep_alive;    /* the connection is good for another request */
	struct source body; /* the request's */
	bool bad_body;      /* it was wrong from the first: pull() says so */
	struct sink sink;   /* the response */
	struct tunnel tunnel; /* after H1_TUNNEL */

	struct h1 *next; /* while spare */
};

/*
 * Borrow one for a stream, with its buffers from earlier use.  NULL: no
 * memory.  user is what wake() gets.
 */
struct h1 *h1_get(struct worker *w, struct stream *stream,
    const struct ip *client, uint16_t port, void (*wake)(void *user),
    void *user);

/* Give it back; the backend is let go of. */
void h1_put(struct h1 *h);

/* At exit. */
void h1_free_spares(struct worker *w);

enum h1_next {
	H1_WAIT,  /* for an event */
	H1_YIELD, /* others first, then again */
	H1_BEGUN, /* h1_read_head(): there is an exchange; h1_step() */
	H1_TUNNEL, /* h1_step(): no HTTP any more; h1_tunnel() from now on */
	H1_DONE,  /* h1_step(): answered; see keep_alive, wants_close */
	H1_GONE,  /* the client has left, without a word under way */
	H1_CUT,   /* close at once: what was said is not complete */
};

/* Receive the first bytes of a request.  As stream_recv(). */
ssize_t h1_read(struct h1 *h);

/* Read and parse until a request begins; also a bad one, which is answered. */
enum h1_next h1_read_head(struct h1 *h);

/* The client took too long to send its head: answer 408. */
void h1_head_expired(struct h1 *h);

/* It spoke no TLS where that is spoken: answer 400. */
void h1_refuse_plain(struct h1 *h);

/* Go on with the exchange. */
enum h1_next h1_step(struct h1 *h);

/* Go on with the tunnel: H1_WAIT, H1_YIELD, H1_GONE or H1_CUT. */
enum h1_next h1_tunnel(struct h1 *h);

#endif
