/*
 * The two stores: SQLite, always (store_io.c is its thread, store_batch.c what
 * that commits as one, store_sqlite.c the statements, store_sqlite_file.c the
 * file), and Redis, when configured (store_redis.h names its parts).
 */
#ifndef REGISTRAR_STORE_H
#define REGISTRAR_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "registrar/change.h"
#include "registrar/policy.h"

struct registrar;
struct store_io;
struct store_redis;

/* One route as the SQLite file holds it. */
struct stored_route {
	const char *key, *pattern;
	char *destinations; /* destination_store(), blanks between; theirs to cut
	                       up who are told of it */
	enum origin origin;
	bool canonical; /* of its name */
	uint64_t version, since_ms;
};

/* A change that Redis had not got when this was written. */
struct stored_unsaved {
	const char *key, *pattern;
	enum change_kind kind;
	uint64_t version;
};

/*
 * Open, or make, <directory>/routes.sqlite and call found() for each route in
 * it, found_policy() for each ban, rule and maintenance, found_unsaved() for
 * each change that Redis has not got.  Synchronous: only before the loop runs.
 * NULL: it was logged why.
 */
struct store_io *store_io_open(struct registrar *r, const char *directory,
    void (*found)(struct registrar *r, const struct stored_route *route),
    void (*found_policy)(
	struct registrar *r, const struct stored_policy *stored),
    void (*found_unsaved)(
	struct registrar *r, const struct stored_unsaved *unsaved));

/* Ends the thread when all that was handed to it is on disk. */
void store_io_close(struct store_io *io);

/*
 * Have a change written: many are committed together.  change_stored() is
 * called on the loop when it is on disk, or could not be.
 */
void store_io_save(struct store_io *io, struct change *change);

/* Write what is in the book and marked unkept; now, and a part at a time. */
void store_io_keep(struct store_io *io);

/* Changes that are not answered yet; have those written without delay. */
size_t store_io_open_jobs(const struct store_io *io);
void store_io_hurry(struct store_io *io);

/* Redis has got all changes: SQLite forgets that it had not. */
void store_io_saved(struct store_io *io);

/* The same for the policy; policy_stored() is called. */
void store_io_save_policy(struct store_io *io, struct policy_change *change);

/* Begin to connect to conf->redis; comes back by itself whenever it is lost. */
struct store_redis *store_redis_open(struct registrar *r);
void store_redis_close(struct store_redis *redis);

/*
 * Have a change written to Redis.  change_stored() is called when Redis has
 * acknowledged it; or, with store_down = accept, at once when Redis is not
 * there, and the change is made good when it comes back.  At most
 * REDIS_ANSWER_MS.
 */
void store_redis_save(struct store_redis *redis, struct change *change);

/*
 * A change failed that Redis has taken, or may have: it gets what the book says
 * of this route.
 */
void store_redis_restore(struct store_redis *redis, const char *key,
    const char *pattern);

/*
 * SQLite remembers that Redis has not got this change: before the loop runs.
 */
void store_redis_unsaved(struct store_redis *redis, enum change_kind kind,
    const char *key, const char *pattern, uint64_t version);

/*
 * An operator says that what Redis lacks is to go, although it is much: how
 * much the last pass had held.  0: nothing is held, or Redis is not there.
 */
size_t store_redis_believe(struct store_redis *redis);

struct store_redis_status {
	bool connected;
	size_t held;        /* routes that Redis lacks, and that are kept */
	const struct addr *primary, *reading; /* len 0: not known yet */
	uint64_t synced_ms; /* CLOCK_REALTIME of the last full pass; 0: never */
	size_t unsaved;     /* changes that Redis has not got yet */
	uint64_t reconnects; /* connected again, having lost it */
	uint64_t refused;   /* foreign entries that were malformed */
	uint64_t forgotten; /* strikes that Redis knows no more: too many */
	uint64_t lag_s;	    /* see redis_replication.h */
};
void store_redis_status(const struct store_redis *redis,
    struct store_redis_status *status);

#endif
