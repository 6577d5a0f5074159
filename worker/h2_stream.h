/* A stream of an HTTP/2 connection: one exchange, or one WebSocket. */
#ifndef WORKER_H2_STREAM_H
#define WORKER_H2_STREAM_H

#include <nghttp2/nghttp2.h>

#include "http/websocket.h"
#include "worker/exchange.h"
#include "worker/h2.h"

#define H2_WINDOW 65535 /* bytes of a request's body that we hold, at most */

struct h2_stream {
	struct exchange ex; /* first: the ops get this */
	struct h2 *h2;	    /* borrowed */
	int32_t id;
	struct h2_request request;
	struct ip client;   /* whose request it is */
	struct timer timer; /* of the exchange */
	uint64_t due_ms;    /* when it is really due; the timer may be early */

	/* what the client sends */
	struct buf in;	    /* owned: received, and not yet sent on */
	struct buf ending;  /* owned: trailers, as a chunked sink ends */
	uint64_t received;  /* bytes of the body */
	bool request_ended; /* it sends nothing more */

	/* what it is sent */
	struct span offer; /* borrowed: what the exchange has for it */
	size_t taken;	   /* of that, in frames now */
	bool last;	   /* the body ends with the offer */
	bool bodyless;	   /* it ended with the head */
	bool is_end;	   /* the frame being made is the last of DATA */
	bool held;	   /* the window is too small to be worth a frame */
	bool finished;	   /* and it was made */

	bool over;	    /* the exchange is: wait for the stream's end */
	bool closed;	    /* the stream is: nothing can be said any more */
	bool is_ready;	    /* in h2->ready */
	bool tunnel;	    /* after exchange_step() said so */
	bool shut;	    /* the backend was told that no more comes */
	struct websocket_frames frames; /* that came from the backend in it */
	uint64_t tunnel_ms; /* when bytes last moved in it */
	char accept[32];    /* what the backend must answer to our key */
	TAILQ_ENTRY(h2_stream) of_h2, of_ready; /* of_h2: or while spare */
};

/*
 * A header block is complete: begin its exchange.
 *
 * ended    the stream sends nothing more
 * Returns  0, or what its stream is to be reset for
 */
uint32_t h2_stream_begin(struct h2 *h, int32_t id, bool ended);

/* The client sends this of the body; false: it is longer than it said. */
bool h2_stream_data(struct h2_stream *st, const uint8_t *bytes, size_t len);

/* A trailer section is complete; false: it is malformed. */
bool h2_stream_trailers(struct h2_stream *st);

/* The client sends no more; false: it is shorter than it said. */
bool h2_stream_end(struct h2_stream *st);

/* The stream is closed: say no more. */
void h2_stream_closed(struct h2_stream *st);

/* Reset it, and end its exchange. */
void h2_stream_reset(struct h2_stream *st, uint32_t code);

/* Have it stepped in this turn, or the next. */
void h2_stream_ready(struct h2_stream *st);

/* n bytes of the offer are in a frame now. */
void h2_stream_sent(struct h2_stream *st, size_t n);

/* Its window, or the connection's, may have grown. */
void h2_stream_window(struct h2_stream *st);

/* Go on with its exchange.  It may be freed. */
void h2_stream_step(struct h2_stream *st);

/* Its connection is gone, or ends: of that one, or of all. */
void h2_stream_free(struct h2_stream *st);
void h2_stream_free_all(struct h2 *h);

/* At exit. */
void h2_stream_free_spares(struct worker *w);

#endif
