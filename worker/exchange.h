/*
 * One request and its response: the middle.  The client's side (h1, later h2)
 * begins it, hands in its functions and runs it; the backend's side is
 * upstream.  What neither knows of the other is here.
 */
#ifndef WORKER_EXCHANGE_H
#define WORKER_EXCHANGE_H

#include <bsd/sys/queue.h>
#include <stdbool.h>
#include <stdint.h>

#include "http/framing.h"
#include "http/reason.h"
#include "http/target.h"
#include "worker/asked.h"
#include "worker/logline.h"
#include "worker/upstream.h"

struct exchange;

enum pull {
	PULL_PIECE, /* a piece, perhaps empty if it is the last */
	PULL_WAIT,  /* nothing there; an event will come */
	PULL_BAD,   /* the body is not what it says: 400 */
	PULL_GONE,  /* the client has left */
};

/* What an exchange asks of the client's side. */
struct exchange_ops {
	struct span protocol; /* as the log says it */

	/* The request's body that is at hand; *last: it ends with this. */
	enum pull (*pull)(struct exchange *ex, struct span *piece, bool *last);
	/* n bytes of that piece were sent on. */
	void (*pulled)(struct exchange *ex, size_t n);

	/*
	 * May what comes next of it go past us, from its socket into a pipe?
	 * And have it do that: *last as above.  No functions: not ever.
	 */
	bool (*fills)(struct exchange *ex);
	enum pull (*fill)(
	    struct exchange *ex, struct splice_pipe *pipe, bool *last);

	/* Pass a 1xx on; false: the client has left. */
	bool (*interim)(struct exchange *ex, const struct http_msg *msg);

	/* Say that the protocol changes now.  False: it does not fit. */
	bool (*changes)(struct exchange *ex, const struct http_msg *msg);

	/*
	 * Begin the response; it is sent with the first of its body.  end says
	 * how the body ends where it comes from.  False: it does not fit.
	 */
	bool (*head)(struct exchange *ex, const struct http_msg *msg,
	    enum body_end end, uint64_t length);
	/*
	 * Send a piece of its body; last: it ends with this.  Returns how much
	 * of it is done with; -1: the client has left.  *sent: nothing waits
	 * for the client to read.
	 */
	ssize_t (*push)(
	    struct exchange *ex, struct span piece, bool last, bool *sent);

	/*
	 * The socket to which its body may go past us; NULL: not now.  No
	 * function: not ever.
	 */
	struct stream *(*socket)(struct exchange *ex);

	/*
	 * Has the client left while nothing was read or written?  One that
	 * only says that it sends no more sets ex->half_closed.
	 */
	bool (*gone)(struct exchange *ex);

	/* The backend has moved: call exchange_step(). */
	void (*wake)(struct exchange *ex);
};

/* What a request is; all of it is forgotten when exchange_begin() returns. */
struct exchange_request {
	const struct http_msg *msg;
	const struct http_target *target;
	struct span proto; /* "http" or "https" */
	struct span forwarded_host; /* that a trusted proxy says; or empty */
	uint16_t port;     /* where it came in, or a trusted proxy says so */
	enum body_end end;
	uint64_t length;
	bool only_health;  /* there is no room for anything else */
};

/* Who is waited for, and so whose fault it is when time is up. */
enum exchange_wait {
	WAIT_CONNECT,
	WAIT_REQUEST_BODY,
	WAIT_HALF_CLOSED, /* for the response, but for how long is he there? */
	WAIT_RESPONSE,
	WAIT_CLIENT,
};

enum exchange_stage {
	STAGE_HEAD,   /* waiting for the response's head */
	STAGE_BODY,   /* its body is on its way */
	STAGE_ANSWER, /* we answer: REASON_NONE: the health check */
	STAGE_PAGE,   /* and the answer is on its way */
	STAGE_TUNNEL, /* it is HTTP no more */
	STAGE_DONE,   /* the response was sent */
	STAGE_CUT,    /* it cannot be: the client must not see a clean end */
};

/* Born in exchange_init(), used for one request after the other. */
struct exchange {
	const struct exchange_ops *ops;
	struct worker *w;
	enum exchange_stage stage;
	enum reason reason; /* why it was we who answered, or cut */
	struct settings *settings; /* owned: what it goes by; NULL: is over */
	struct asked asked; /* what is remembered of the request */
	unsigned redirect;  /* status of the answer; 0: it is none */
	unsigned retry_after; /* of it, seconds; 0: the reason's */
	uint32_t slot;      /* of its tool, where it is under way; or 0 */
	uint32_t counted;   /* slot for whom its response counts */
	enum http_method method;
	bool is_head;        /* the answer to HEAD has no body */
	bool to_default;     /* it goes to the default backend */
	bool request_done;   /* all of it was handed to the backend */
	bool client_blocked; /* it does not read what we have for it */
	bool half_closed;    /* it sends no more, and may have left */
	bool no_websocket;   /* it asks for one, and has not got it yet */
	uint64_t received;   /* bytes of the request's body */
	uint64_t waited_ms;  /* for them, so far */
	uint64_t waiting_ms; /* for more, since then; 0: for something else */
	uint64_t client_ms;  /* when bytes last moved on its side */
	size_t budget;       /* bytes that may still be moved in this turn */
	struct buf page;     /* owned: a page, a location */
	struct span answer;  /* of our own, what is left to send of its body */
	struct compressor *compressor; /* borrowed; NULL: body as it is */
	/* owned: some of the request's body, of the response's; NULL: none */
	struct splice_pipe *up, *down;
	bool up_last; /* the request's body ends with what is in that */
	const struct site_file *site; /* instead of a 404; NULL: none */
	struct upstream upstream;
	struct logline log;  /* what will be logged of it */
	const struct ip *client; /* borrowed: who asks */
	struct stream *stream;	 /* borrowed: the client's; the ops use it */
	TAILQ_ENTRY(exchange) under_way; /* with a backend: see overload.h */
	bool is_under_way;
};

void exchange_init(
    struct exchange *ex, struct worker *w, const struct exchange_ops *ops);

/* Gives memory back that is only worth keeping in busy ones. */
void exchange_release(struct exchange *ex);

/* Begin with a request that was understood: decide, and do it. */
void exchange_begin(
    struct exchange *ex, const struct exchange_request *request);

/*
 * Begin with one that was not: answer so.
 *
 * r       its msg and proto are used; NULL: it could not be parsed
 * bytes   of the request, as far as they came, in that case
 */
void exchange_refuse(struct exchange *ex, enum reason reason,
    const struct exchange_request *r, struct span bytes);

enum exchange_next {
	EXCHANGE_WAIT,  /* for an event, or until exchange_deadline() */
	EXCHANGE_YIELD, /* there is more to do, after others had their turn */
	EXCHANGE_TUNNEL, /* the protocol changes behind what was received */
	EXCHANGE_DONE,  /* the response was sent */
	EXCHANGE_CUT,   /* close, so that the client sees that it was cut */
};

/* Do all that can be done now. */
enum exchange_next exchange_step(struct exchange *ex);

/* When to give up, CLOCK_MONOTONIC milliseconds; and doing so: step then. */
uint64_t exchange_deadline(const struct exchange *ex, enum exchange_wait *wait);
void exchange_expire(struct exchange *ex);

/*
 * There is too much to do: can it be ended for that?  And ending it, for that
 * or because we end: answered so if nothing was said yet, else cut.  The
 * client's side is woken.
 */
bool exchange_sheds(const struct exchange *ex);
void exchange_shed(struct exchange *ex, enum reason reason);

/* Its client's side cannot go on, and this is why: exchange_end() is next. */
void exchange_abandon(struct exchange *ex, enum reason reason);

/* It is over, or the client is: let go of the backend. */
void exchange_end(struct exchange *ex);

#endif
