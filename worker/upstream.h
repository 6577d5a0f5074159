/*
 * The backend's side of an exchange: a connection from the pool or a new one,
 * the next backend when one cannot be reached, the request out, the response
 * in.  Everything that a backend sends is hostile.
 */
#ifndef WORKER_UPSTREAM_H
#define WORKER_UPSTREAM_H

#include <stdbool.h>
#include <stdint.h>

#include "conf/conf.h"
#include "http/msg.h"
#include "http/reason.h"
#include "http/upgrade.h"
#include "shm/route.h"
#include "worker/pool.h"
#include "worker/pump.h"

struct logline;
struct splice_pipe;
struct worker;

struct upstream {
	struct worker *w;
	void (*wake)(void *user); /* called after each event */
	void *user;

	struct logline *log;    /* borrowed: told of each backend tried */
	struct pool_conn *conn; /* lent; NULL: none */
	bool connected;         /* something was sent to it */
	bool send_failed;       /* read what it says, send nothing more */
	bool retried;           /* a dead kept-alive one was replaced */
	uint64_t since_ms;      /* of the attempt to connect */
	uint64_t progress_ms;   /* when bytes last moved */
	uint64_t head_ms;       /* a head has begun to come; 0: not yet */

	/* the request */
	enum http_method method;
	char upgrade[UPGRADE_MAX]; /* the protocol asked for */
	size_t upgrade_len;
	struct sink sink; /* its head is put into sink.out */

	/* the response */
	struct buf in; /* owned */
	size_t scanned;
	unsigned interims; /* 1xx so far */
	bool reusable;     /* the connection, when the response is complete */
	struct source source;

	/* where to connect to, copied out of the route */
	struct pool_owner owner; /* of the attempt under way */
	char name[HOST_TEXT_MAX + 1]; /* the tool's host: https only */
	uint64_t begun_ms;       /* of the first attempt */
	uint64_t health_tool;    /* for shm/health.h; 0: it is no tool */
	bool look_first;         /* the first candidate is to be tried first */
	unsigned ncandidates, ngood, tried; /* the good ones come first */
	struct backend candidates[ROUTE_BACKENDS_MAX];
};

/* Buffers are allocated when used, and kept until upstream_release(). */
void upstream_init(struct upstream *u, struct worker *w,
    void (*wake)(void *user), void *user);
void upstream_release(struct upstream *u);

/*
 * Choose a backend of the route and connect.  The request's head is in
 * u->sink.out; upgrade: the protocol it asks for, or empty; host: it is
 * for, normalised.  REASON_NONE: under way; others: no backend is left.
 */
enum reason upstream_begin(struct upstream *u, const struct tool *tool,
    const struct route *route, enum http_method method, struct span upgrade,
    struct span host);

/*
 * Send the request on, as sink_send().
 *
 * taken    bytes of piece that are done with
 * Returns  REASON_NONE, or why this request cannot be answered any more.  A
 *          backend that refuses more of the body may still answer: that is
 *          REASON_NONE, and u->send_failed.
 */
enum reason upstream_send(
    struct upstream *u, struct span piece, bool last, size_t *taken);

/*
 * The same through a pipe, of a body that lets it: may it be next?  And as
 * much of the pipe as the socket takes; last: the request ends with it.
 */
bool upstream_takes_pipe(const struct upstream *u);
size_t upstream_send_pipe(
    struct upstream *u, struct splice_pipe *pipe, bool last);

/* It takes no more of the request; it may have answered before that. */
void upstream_stop_sending(struct upstream *u);

enum upstream_head {
	UPSTREAM_WAIT,    /* no head yet */
	UPSTREAM_INTERIM, /* a 1xx; upstream_interim_done() when used */
	UPSTREAM_SWITCH,  /* to the protocol asked for; ..._interim_done() */
	UPSTREAM_HEAD,    /* the head; upstream_head_done() when used */
	UPSTREAM_AGAIN,   /* on a new connection now: send again */
	UPSTREAM_FAILED,  /* *reason says why */
};

/*
 * Wait for the response's head: in u->w->msg, whose spans are good until it
 * is said to be done with.
 */
enum upstream_head upstream_read_head(
    struct upstream *u, enum body_end *end, uint64_t *length,
    enum reason *reason);
void upstream_interim_done(struct upstream *u);
bool upstream_head_done(
    struct upstream *u, enum body_end end, uint64_t length);

/* After UPSTREAM_SWITCH: to frames (RFC 6455)? */
bool upstream_is_websocket(const struct upstream *u);

/*
 * Receive some of the response's body, when nothing of it is left: u->source
 * and u->in.  False: it was cut, or is not what it says.
 */
bool upstream_read_body(struct upstream *u);

/* The same through a pipe, which is empty: for a body that lets it. */
bool upstream_may_splice(const struct upstream *u);
bool upstream_splice_body(struct upstream *u, struct splice_pipe *pipe);

/* The connect took too long: REASON_NONE when another backend is tried. */
enum reason upstream_connect_expired(struct upstream *u);

/*
 * Give the connection back: to the pool, if both messages ended where they
 * should.  request_done: the request was sent to its end.
 */
void upstream_end(struct upstream *u, bool request_done);

#endif
