/* The registrar process: what all of its parts share. */
#ifndef REGISTRAR_PROCESS_H
#define REGISTRAR_PROCESS_H

#include <stdint.h>

#include "conf/boot.h"
#include "lib/ev.h"
#include "registrar/book.h"
#include "registrar/change.h"
#include "registrar/client.h"
#include "registrar/events.h"
#include "registrar/history.h"
#include "registrar/ident.h"
#include "registrar/lease.h"
#include "registrar/line.h"
#include "registrar/lookups.h"
#include "registrar/peer.h"
#include "registrar/policy.h"
#include "registrar/rate.h"
#include "registrar/store.h"
#include "registrar/vet.h"
#include "shm/counters.h"
#include "shm/errors.h"
#include "shm/logring.h"

struct addresses;
struct counters;
struct ctl;
struct default_backends;
struct explainer;
struct node_segment;
struct proofs;
struct publisher;
struct requests;
struct table_writer;
struct tail;

/* Requests on 8282 that were answered, by verb; the last: none was read. */
#define REGISTRATION_VERBS (VERB_LEASE + 2)
struct registrations {
	uint64_t done[REGISTRATION_VERBS], refused[REGISTRATION_VERBS];
	uint64_t times[COUNTERS_TIMES]; /* as of counters_times_ms */
	uint64_t took_ms;
};

struct registrar {
	struct ev_loop loop;
	struct boot boot;
	const struct conf *conf;    /* borrowed: applied, or boot's */
	struct conf *applied;       /* owned; by the last reload; NULL: none */
	struct vet vet;
	struct addresses *addresses; /* owned */
	struct book book;
	struct changes changes;
	struct counters *counters;  /* owned; of all workers, to read */
	struct errors_reader errors; /* of tools, as workers saw them */
	struct errors_reader unknown; /* of names that nobody has */
	struct requests *requests;  /* owned; of all workers, to read */
	struct history *history;    /* owned; of the tools */
	struct events *events;      /* owned; what happened to them */
	struct node_segment *node;  /* owned; what the master tells */
	struct logring_reader log;  /* the workers' lines, to look at */
	struct registrations registrations; /* what was asked of us so far */
	struct table_writer *table; /* owned */
	struct publisher *publisher; /* owned */
	struct lookups lookups;
	struct default_backends *defaults; /* owned */
	struct policy_book *policy; /* owned */
	struct explainer *explainer; /* owned; NULL until it is asked */
	struct store_io *io;        /* owned; never NULL once running */
	struct store_redis *redis;  /* owned; NULL: not configured */
	struct peers peers;
	struct proofs *proofs;      /* owned */
	struct ident ident;
	struct clients clients;
	LIST_HEAD(, ctl) watchers;  /* ctl_watch.c */
	LIST_HEAD(, ctl) tailers;   /* ctl_tail.c */
	struct tail *tail;	    /* owned; NULL: nobody tails */
	struct leases leases;
	struct rate *host_rate;     /* owned; connections on 8282 */
	struct rate *tool_rate;     /* owned; registrations */
	bool draining;              /* it accepts nobody any more */
	uint64_t started_ms;        /* CLOCK_REALTIME */
};

#endif
