/* The worker process: what all of its parts share. */
#ifndef WORKER_PROCESS_H
#define WORKER_PROCESS_H

#include <stdbool.h>

#include "conf/boot.h"
#include "http/parse.h"
#include "http/trace.h"
#include "lib/buf.h"
#include "lib/bundle.h"
#include "lib/ev.h"
#include "route/decide.h"
#include "shm/errors.h"
#include "worker/compress.h"
#include "worker/connlimit.h"
#include "worker/encode.h"
#include "worker/h2.h"
#include "worker/overload.h"
#include "worker/splice.h"

#define REQUESTS_MAX 100000 /* on one connection (7-security.md 7.5) */

struct accesslog;
struct counters;
struct backend_tls;
struct acceptor;
struct conn;
struct h1;
struct health;
struct pool;
struct requests;
struct settings;
struct tls;

TAILQ_HEAD(client_list, conn);

struct worker {
	struct ev_loop loop;
	struct boot boot;
	struct settings *settings; /* owned */
	const struct conf *conf; /* borrowed from these */
	struct boot next;        /* of a reload: as far as it has come */
	struct ev_io master;     /* the socket to it; fd -1: it is gone */
	struct timer orphan;     /* looks whether there is another one */
	uint64_t orphaned_ms;    /* since when; CLOCK_MONOTONIC */
	bool deserted;           /* it was seen that nobody is master */
	bool hurried;            /* it was seen that the other one ends */
	struct table *table;     /* owned */
	struct policy *policy;   /* owned */
	struct rules *rules;     /* owned */
	struct limits *limits;   /* owned */
	struct counters *counters; /* owned; our slab in it */
	struct errors_writer errors; /* our ring of them, of tools */
	struct errors_writer unknown; /* and of names that nobody has */
	struct requests *requests;   /* owned; our slab in it */
	struct timer running;	     /* see running.h */
	struct health *health;   /* owned */
	struct backend_tls *backend_tls; /* owned */
	struct bundle challenges; /* owned; of ACME, by their names */
	struct ticket_segment *ticket_keys; /* owned; for tls */
	struct tls *tls; /* owned; NULL: no listener speaks it */
	struct router router;
	struct http_limits request_limits, response_limits;
	struct compressors compressors; /* owned */
	struct overload overload;
	struct trace_source trace; /* of request ids and spans */
	uint64_t dice; /* which of several backends */
	struct acceptor *acceptor; /* owned */
	struct pool *pool;         /* owned */
	struct accesslog *accesslog; /* owned; NULL: none is kept */
	struct h1 *h1_spare;       /* owned list; see h1_get() */
	unsigned h1_nspare;
	struct connlimit connlimit;
	struct h2_worker h2;
	unsigned connections;     /* of clients, open */
	unsigned connections_max; /* then accepting pauses */
	struct client_list idle;    /* clients between requests, oldest first */
	struct splice_pipes pipes; /* owned */
	struct client_list tunnels; /* clients of other protocols, the same */
	struct buf scratch;       /* empty between its uses; see tunnel_run() */
	bool draining;        /* accept nothing more; exit with the last one */
	struct timer drained; /* or then */
	uint64_t drained_ms;  /* when that is, CLOCK_MONOTONIC */
	bool leaving;         /* tunnels were told: what is left is cut then */

	/*
	 * The head being worked on, of a request or a response: parsed, acted
	 * on and forgotten before anything else is parsed.
	 */
	struct http_msg msg;
	struct http_target target;  /* of a request */
	char etag[ENCODE_ETAG_MAX]; /* of a response, weakened */
};

#endif
