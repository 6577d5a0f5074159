/*
 * routes.sqlite: what this node remembers over a restart.  Not for two threads
 * at once: opened and read by the loop's before it runs, then store_io's.
 */
#ifndef REGISTRAR_STORE_SQLITE_H
#define REGISTRAR_STORE_SQLITE_H

#include <stdbool.h>

#include "registrar/change.h"
#include "registrar/store.h"

struct store_sqlite;

/*
 * Open, or make, <directory>/routes.sqlite.  What is damaged or no database is
 * moved aside with an event, and an empty one begun.  NULL: it was logged why.
 */
struct store_sqlite *store_sqlite_open(const char *directory);
void store_sqlite_close(struct store_sqlite *s);

/* All routes, by key and pattern; the strings last as long as the call. */
bool store_sqlite_each(struct store_sqlite *s,
    void (*found)(void *arg, const struct stored_route *route), void *arg);

/* And the changes that Redis has not got; then they are forgotten. */
bool store_sqlite_each_unsaved(struct store_sqlite *s,
    void (*found)(void *arg, const struct stored_unsaved *unsaved), void *arg);
bool store_sqlite_clear_unsaved(struct store_sqlite *s);

/* So too bans, rules and maintenance. */
bool store_sqlite_each_policy(struct store_sqlite *s,
    void (*found)(void *arg, const struct stored_policy *stored), void *arg);

/*
 * Write inside a transaction: begin, save each, commit.  False, also when
 * nothing was begun: store_sqlite_error() says why, roll back.
 */
bool store_sqlite_begin(struct store_sqlite *s);
bool store_sqlite_save(struct store_sqlite *s, const struct change *change);
bool store_sqlite_save_policy(
    struct store_sqlite *s, const struct policy_change *change);
bool store_sqlite_commit(struct store_sqlite *s);
void store_sqlite_rollback(struct store_sqlite *s);

/* Was the last failure another process's lock?  Trying again would wait again. */
bool store_sqlite_locked(const struct store_sqlite *s);

/* Was it the disk, which has no room or does not write? */
bool store_sqlite_disk_failed(const struct store_sqlite *s);

/*
 * Was the last failure the file's own, by damage?  Then it can be moved aside
 * and an empty one begun: not twice within RENEW_MS, as the disk may be bad.
 * Where even that fails, as on a full disk, there is no file, which counts as
 * damaged, and it is tried again after REOPEN_MS.
 */
#define RENEW_MS (60 * 60 * 1000)
#define REOPEN_MS (10 * 1000)
bool store_sqlite_damaged(const struct store_sqlite *s);
bool store_sqlite_renew(struct store_sqlite *s);

/* Of the last call that failed; a constant string. */
const char *store_sqlite_error(const struct store_sqlite *s);

#endif
