/*
 * What the parts of the Redis store share: store_redis.c (the connections),
 * redis_save.c (our changes) and redis_push.c (what Redis has not got), both by
 * redis_write.c; redis_tracking.c (what others write, as it happens:
 * redis_watch.c has it read by redis_read.c, and redis_merge.c compares),
 * redis_pass.c (all there is, now and then), redis_policy.c (what operators
 * said), redis_nodes.c (who lives), redis_replication.c (how far behind).  All
 * of it runs on the loop.
 *
 * Below them: redis.c (one connection; redis_reader.c bounds its replies),
 * sentinel.c (which Redis is the primary), redis_unsaved.c (what push is to
 * tell), redis_layout.c and redis_record.c (how it stands there).
 */
#ifndef REGISTRAR_STORE_REDIS_H
#define REGISTRAR_STORE_REDIS_H

#include <bsd/sys/queue.h>
#include <bsd/sys/tree.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "registrar/redis.h"
#include "registrar/redis_nodes.h"
#include "registrar/redis_policy.h"
#include "registrar/redis_replication.h"
#include "registrar/redis_unsaved.h"
#include "registrar/sentinel.h"
#include "registrar/store.h"
#include "shm/route.h"

#define WINDOW_MAX       256  /* keys read, or pushed, at the same time */
#define REFUSED_NAMES    4096 /* of which it is logged that they were refused */
#define TOO_LARGE_NAMES  64   /* whose reply was over REDIS_REPLY_MAX */

struct save;   /* a change that was not answered: redis_save.c */
struct wanted; /* a name to be read: redis_watch.c */

struct store_redis;

/* Routes in the words of the script. */
struct writer {
	void (*begun)(struct store_redis *s);
	char sha[48];              /* of the script, as Redis names it */
	bool demoted;              /* it says that it is a replica now */
	uint64_t forgotten;        /* tombstones given up, so far */
	uint64_t forgot_ms;        /* when that was logged last; 0: never */
};

/* Changes on their way to the primary. */
struct saving {
	TAILQ_HEAD(saves, save) saves; /* owned; not answered */
	struct saves written;      /* owned; the primary has them */
	struct ev_task wait;       /* one WAIT for a turn of the loop */
	bool waiting;              /* a WAIT has not been answered */
	bool few_replicas;         /* the last WAIT was in vain */
};

/* Telling Redis what it has not got: one round over the unsaved. */
struct push {
	bool running;
	size_t open;        /* transactions not yet answered */
	bool failed;        /* one of this round was refused: wait longer */
	struct timer timer; /* the next round */
	char key[KEY_MAX];  /* where the round is; empty: at its beginning */
	char pattern[ROUTE_PATTERN_MAX + 1];
};

struct tracking {
	void (*begun)(struct store_redis *s); /* when it is on */
	char id[24]; /* of the connection for messages */
};

struct watch {
	RB_HEAD(wanted_names, wanted) names; /* owned; each at most once */
	size_t nnames;
	TAILQ_HEAD(wanted_queue, wanted) queue, resting;
	size_t queued, reading;
	struct ev_task pump; /* those that are queued are asked for */
	struct timer timer; /* those that rest go on */
	uint64_t refused;   /* entries that were malformed */
	uint64_t refused_names[REFUSED_NAMES]; /* their hashes; 0: free */
	uint64_t alone_ms; /* until then each name is read by itself */
	struct {
		uint64_t name, until_ms;
	} too_large[TOO_LARGE_NAMES];
	bool any_too_large; /* so far */
};

enum pass_phase {
	PASS_IDLE,
	PASS_WHO,       /* INFO: which Redis is it? */
	PASS_PREFIX,    /* SCAN, and what it names is read */
	PASS_FRONTEND,
	PASS_BOOK,      /* names that only the book has are read */
};

struct pass {
	enum pass_phase phase;
	bool awaited;      /* only who() will say whether there was a loss */
	bool loss;         /* what is missing there is lost, not removed */
	size_t missing;    /* routes that it lacks since then */
	bool flushed;      /* Redis has said so since the last pass began */
	bool expected;     /* it must have routes: not all of ours are unsaved */
	bool partial;      /* a name could not be read */
	bool unkept;       /* it has found what SQLite is not told yet */
	uint64_t kept_ms;  /* when SQLite was told */
	bool scanning;     /* a SCAN has not been answered */
	size_t open;       /* reads asked of watch, not yet done */
	struct timer timer;
	uint64_t named_ms; /* when SCAN named one last, or began */
	char cursor[24];   /* of SCAN */
	uint64_t keys;     /* that Redis has; 0: it does not say */
	uint64_t scans;    /* so far */
	char book_at[KEY_MAX]; /* of PASS_BOOK: the name last seen */
	bool walking;          /* from there: names are asked for */
	struct replication_info redis; /* what this Redis says it is */
	char known[REPLID_SIZE]; /* replid of the last complete pass */
	uint64_t *seen;    /* owned; hashes of the names that SCAN gave */
	size_t nseen, seen_size;
	char **going;      /* owned; names whose routes Redis no longer has */
	size_t ngoing, going_size;
	size_t routes_going;
	uint64_t going_hash; /* of these routes, in any order */
	uint64_t held_hash, held_ms; /* of a pass that was held; 0: none */
	size_t held;         /* routes that it would have removed; 0: none */
	size_t confirmed;    /* so many may go, an operator says */
	uint64_t alerted_ms; /* of the last loss in the log; 0: none */
	uint64_t synced_ms;  /* CLOCK_REALTIME; 0: never */
};

struct store_redis {
	struct registrar *r;     /* borrowed */
	struct sentinel sentinel; /* if there are any */
	struct addr primary;     /* len 0: not known yet */
	struct redis writes;     /* to the primary */
	struct addr reading;     /* where reads are: the primary, the replica */
	struct redis reads;
	struct redis messages;   /* subscribed to invalidations, there */
	bool at_replica;         /* else at the primary */
	bool writing;            /* writes is up, and has our script */
	bool ready;              /* the others are up, and tracking is on */
	unsigned lost_logged;    /* so many reasons, since it was there */
	char lost_why[160];      /* the last of them */
	uint64_t connects;       /* how often all of these came up */
	bool unsaved_logged;     /* Redis is away */
	bool refusal_logged;     /* it is there, and takes nothing */
	bool pass_wanted;        /* when all is pushed */
	uint64_t hash_key[2];
	struct unsaved unsaved;
	struct unsaved struck;   /* here: Redis may lose that, and have it yet */
	struct writer writer;
	struct saving saving;
	struct push push;
	struct tracking tracking;
	struct watch watch;
	struct pass pass;
	struct nodes nodes;
	struct policy_round policy;
	struct replication replication;
};

/* May be read from; may be written to. */
bool store_redis_is_up(const struct store_redis *s);
bool store_redis_may_write(const struct store_redis *s);

/* Is a change of ours not yet in the book, or not yet in Redis? */
bool store_redis_busy(struct store_redis *s, const char *key);

/* Never 0. */
uint64_t store_redis_hash(const struct store_redis *s, const char *text);

#endif
