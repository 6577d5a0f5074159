/* The statements of routes.sqlite, and what is done about a damaged one. */
#include "registrar/store_sqlite.h"

#include <errno.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "lib/array.h"
#include "lib/clock.h"
#include "lib/log.h"

#define PATH_SIZE 4096
#define BUSY_MS 1000	 /* an operator's sqlite3(1) may hold the lock */
#define SCHEMA_VERSION 4 /* PRAGMA user_version */

enum statement {
	BEGIN,
	COMMIT,
	ROLLBACK,
	ADD,
	STRIKE,
	MARK_CANONICAL,
	CLEAR_CANONICAL,
	EACH,
	SET_POLICY,
	STRIKE_POLICY,
	EACH_POLICY,
	ADD_UNSAVED,
	CLEAR_UNSAVED,
	EACH_UNSAVED,
	NSTATEMENTS,
};

/*
 * Canonical is a fact about a name, so it has a table of its own.  Versions
 * are unsigned in the book and signed here: the same 64 bits.
 */
static const char *const sql[NSTATEMENTS] = {
	[BEGIN] = "BEGIN IMMEDIATE",
	[COMMIT] = "COMMIT",
	[ROLLBACK] = "ROLLBACK",
	[ADD] = "INSERT INTO route (key, pattern, destination, origin, version,"
		" since_ms) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
	[STRIKE] = "DELETE FROM route WHERE key = ?1 AND pattern = ?2",
	[MARK_CANONICAL] = "INSERT OR IGNORE INTO canonical (key) VALUES (?1)",
	[CLEAR_CANONICAL] = "DELETE FROM canonical WHERE key = ?1",
	/* a row for each destination: GROUP BY would take five times as long */
	[EACH] = "SELECT r.key, pattern, destination, origin, version,"
		 " since_ms, c.key IS NOT NULL"
		 " FROM route r LEFT JOIN canonical c ON c.key = r.key"
		 " ORDER BY r.key, pattern",
	[SET_POLICY] = "INSERT OR REPLACE INTO policy"
		       " (kind, subject, since_ms, until_ms)"
		       " VALUES (?1, ?2, ?3, ?4)",
	[STRIKE_POLICY] = "DELETE FROM policy WHERE kind = ?1 AND subject = ?2"
			  " AND (?3 = 0 OR until_ms = ?3)",
	[EACH_POLICY] = "SELECT kind, subject, since_ms, until_ms FROM policy"
			" ORDER BY kind, subject",
	[ADD_UNSAVED] = "INSERT OR REPLACE INTO unsaved"
			" (key, pattern, kind, version)"
			" VALUES (?1, ?2, ?3, ?4)",
	[CLEAR_UNSAVED] = "DELETE FROM unsaved",
	[EACH_UNSAVED] = "SELECT key, pattern, kind, version FROM unsaved",
};

/* What takes a file of one version to the next; [0] lays out a new one. */
static const char *const migrations[SCHEMA_VERSION] = {
	"CREATE TABLE route ("
	" key TEXT NOT NULL," /* kind byte and name */
	" pattern TEXT NOT NULL,"
	" destination TEXT NOT NULL,"
	" origin INTEGER NOT NULL," /* enum origin */
	" version INTEGER NOT NULL,"
	" since_ms INTEGER NOT NULL," /* Unix time */
	" PRIMARY KEY (key, pattern)) STRICT, WITHOUT ROWID;"
	"CREATE TABLE canonical ("
	" key TEXT NOT NULL PRIMARY KEY) STRICT, WITHOUT ROWID;",

	/* several destinations of a route: a row for each */
	"CREATE TABLE next ("
	" key TEXT NOT NULL,"
	" pattern TEXT NOT NULL,"
	" destination TEXT NOT NULL,"
	" origin INTEGER NOT NULL,"
	" version INTEGER NOT NULL,"
	" since_ms INTEGER NOT NULL,"
	" PRIMARY KEY (key, pattern, destination)) STRICT, WITHOUT ROWID;"
	"INSERT INTO next (key, pattern, destination, origin, version, "
	"since_ms)"
	" SELECT key, pattern, destination, origin, version, since_ms"
	" FROM route;"
	"DROP TABLE route;"
	"ALTER TABLE next RENAME TO route;",

	"CREATE TABLE policy ("
	" kind TEXT NOT NULL,"
	" subject TEXT NOT NULL,"
	" since_ms INTEGER NOT NULL," /* Unix time */
	" until_ms INTEGER NOT NULL," /* the same; 0: for ever */
	" PRIMARY KEY (kind, subject)) STRICT, WITHOUT ROWID;",

	/* what Redis has not got */
	"CREATE TABLE unsaved ("
	" key TEXT NOT NULL,"
	" pattern TEXT NOT NULL,"
	" kind INTEGER NOT NULL," /* enum change_kind */
	" version INTEGER NOT NULL,"
	" PRIMARY KEY (key, pattern)) STRICT, WITHOUT ROWID;",
};

struct store_sqlite {
	sqlite3 *db;			       /* owned */
	sqlite3_stmt *statements[NSTATEMENTS]; /* owned */
	int code;			       /* of the last failure */
	uint64_t renewed_ms;		       /* CLOCK_MONOTONIC; 0: never */
	char path[PATH_SIZE];
};

static bool
worked(struct store_sqlite *s, int code)
{
	if (code == SQLITE_OK || code == SQLITE_DONE || code == SQLITE_ROW)
		return true;
	s->code = code;
	return false;
}

static bool
execute(struct store_sqlite *s, const char *text)
{
	return worked(s, sqlite3_exec(s->db, text, NULL, NULL, NULL));
}

/* Run a prepared statement that gives no rows. */
static bool
run(struct store_sqlite *s, enum statement which)
{
	sqlite3_stmt *statement = s->statements[which];
	bool done = worked(s, sqlite3_step(statement));

	sqlite3_reset(statement); /* says the step's fault again */
	return done;
}

static bool
bind_text(
    struct store_sqlite *s, enum statement which, int at, const char *text)
{
	return worked(s, sqlite3_bind_text(s->statements[which], at, text, -1,
			     SQLITE_STATIC));
}

static bool
bind_number(
    struct store_sqlite *s, enum statement which, int at, uint64_t value)
{
	return worked(s,
	    sqlite3_bind_int64(s->statements[which], at, (sqlite3_int64)value));
}

/* The first column of the first row; false when there is none. */
static bool
ask(struct store_sqlite *s, const char *text, char *answer, size_t size)
{
	sqlite3_stmt *statement;
	bool row = false;

	if (!worked(s, sqlite3_prepare_v2(s->db, text, -1, &statement, NULL)))
		return false;
	if (worked(s, sqlite3_step(statement))) {
		const unsigned char *column = sqlite3_column_text(statement, 0);

		row = column != NULL;
		if (row)
			snprintf(answer, size, "%s", (const char *)column);
	}
	sqlite3_finalize(statement);
	return row;
}

static bool
intact(struct store_sqlite *s)
{
	char answer[64];

	if (!ask(s, "PRAGMA quick_check(1)", answer, sizeof(answer)))
		return false;
	if (strcmp(answer, "ok") != 0)
		s->code = SQLITE_CORRUPT;
	return strcmp(answer, "ok") == 0;
}

/* Bring the file to SCHEMA_VERSION.  A newer file is left alone. */
static bool
migrate(struct store_sqlite *s, const char *path)
{
	char answer[24], pragma[48];
	int version;

	if (!ask(s, "PRAGMA user_version", answer, sizeof(answer)))
		return false;
	version = (int)strtol(answer, NULL, 10);
	if (version < 0 || version > SCHEMA_VERSION) {
		log_event(LOG_ERR, "store-newer",
		    "file=%s version=%d: written by a newer dynproxy; "
		    "start that one, or move the file away",
		    path, version);
		s->code = SQLITE_ABORT;
		return false;
	}
	if (version == SCHEMA_VERSION)
		return true;
	if (!execute(s, "BEGIN IMMEDIATE"))
		return false;
	for (; version < SCHEMA_VERSION; version++)
		if (!execute(s, migrations[version]))
			return false;
	snprintf(pragma, sizeof(pragma), "PRAGMA user_version = %d", version);
	return execute(s, pragma) && execute(s, "COMMIT");
}

static bool
prepare(struct store_sqlite *s)
{
	for (int i = 0; i < NSTATEMENTS; i++)
		if (!worked(s, sqlite3_prepare_v3(s->db, sql[i], -1,
				   SQLITE_PREPARE_PERSISTENT, &s->statements[i],
				   NULL)))
			return false;
	return true;
}

static bool
open_file(struct store_sqlite *s, const char *path)
{
	s->code = SQLITE_OK;
	return worked(s, sqlite3_open_v2(path, &s->db,
			     SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE |
				 SQLITE_OPEN_NOMUTEX,
			     NULL)) &&
	       worked(s, sqlite3_busy_timeout(s->db, BUSY_MS)) &&
	       execute(s, "PRAGMA trusted_schema = OFF;"
			  "PRAGMA cell_size_check = ON;"
			  "PRAGMA journal_mode = WAL;"
			  "PRAGMA synchronous = FULL") &&
	       intact(s) && migrate(s, path) && prepare(s);
}

static void
close_file(struct store_sqlite *s)
{
	for (int i = 0; i < NSTATEMENTS; i++) {
		sqlite3_finalize(s->statements[i]);
		s->statements[i] = NULL;
	}
	sqlite3_close(s->db);
	s->db = NULL;
}

/* SQLITE_ERROR is what a foreign database gives: no such table or column. */
static bool
is_broken(int code)
{
	return (code & 0xff) == SQLITE_NOTADB ||
	       (code & 0xff) == SQLITE_CORRUPT || (code & 0xff) == SQLITE_ERROR;
}

/* Keep the file and its log for whoever wants to look, out of the way. */
static bool
move_aside(const char *path, const char *why)
{
	static const char *const endings[] = { "-wal", "-shm", "" };
	char from[PATH_SIZE + 8], to[PATH_SIZE + 64];
	unsigned long long now = clock_real_ms() / 1000;

	for (size_t i = 0; i < nitems(endings); i++) {
		snprintf(from, sizeof(from), "%s%s", path, endings[i]);
		snprintf(
		    to, sizeof(to), "%s.broken-%llu%s", path, now, endings[i]);
		if (rename(from, to) == -1 && errno != ENOENT) {
			log_event(LOG_ERR, "store-broken",
			    "file=%s: %s, and it cannot be moved to %s: %s",
			    from, why, to, strerror(errno));
			return false;
		}
	}
	log_event(LOG_ERR, "store-broken",
	    "file=%s: %s; kept as %s, an empty one is begun", path, why, to);
	return true;
}

static bool
begin_anew(struct store_sqlite *s)
{
	close_file(s);
	return move_aside(s->path, store_sqlite_error(s)) &&
	       open_file(s, s->path);
}

struct store_sqlite *
store_sqlite_open(const char *directory)
{
	struct store_sqlite *s = calloc(1, sizeof(*s));
	int len = s == NULL ? -1
			    : snprintf(s->path, sizeof(s->path),
				  "%s/routes.sqlite", directory);

	if (len < 0 || (size_t)len >= sizeof(s->path)) {
		log_event(LOG_ERR, "store-failed", "directory=%s: %s",
		    directory, s == NULL ? "out of memory" : "too long");
		free(s);
		return NULL;
	}
	if (open_file(s, s->path))
		return s;
	if (is_broken(s->code) && begin_anew(s))
		return s;
	log_event(LOG_ERR, "store-failed", "file=%s: %s", s->path,
	    store_sqlite_error(s));
	store_sqlite_close(s);
	return NULL;
}

bool
store_sqlite_damaged(const struct store_sqlite *s)
{
	return (s->code & 0xff) == SQLITE_NOTADB ||
	       (s->code & 0xff) == SQLITE_CORRUPT;
}

bool
store_sqlite_renew(struct store_sqlite *s)
{
	uint64_t now = clock_mono_ms();

	if (s->renewed_ms != 0 && now - s->renewed_ms < RENEW_MS)
		return false;
	s->renewed_ms = now;
	return begin_anew(s);
}

void
store_sqlite_close(struct store_sqlite *s)
{
	if (s == NULL)
		return;
	close_file(s);
	free(s);
}

static void
read_row(sqlite3_stmt *row, struct stored_route *route)
{
	*route = (struct stored_route){
		.key = (const char *)sqlite3_column_text(row, 0),
		.pattern = (const char *)sqlite3_column_text(row, 1),
		.destinations = (const char *)sqlite3_column_text(row, 2),
		.origin = (enum origin)sqlite3_column_int(row, 3),
		.version = (uint64_t)sqlite3_column_int64(row, 4),
		.since_ms = (uint64_t)sqlite3_column_int64(row, 5),
		.canonical = sqlite3_column_int(row, 6) != 0,
	};
}

/* Rows of one route, which follow each other, put together. */
struct gathered {
	struct stored_route route;	    /* its strings: here */
	char *key, *pattern, *destinations; /* owned; NULL: none yet */
};

static void
gathered_release(struct gathered *g)
{
	free(g->key);
	free(g->pattern);
	free(g->destinations);
	*g = (struct gathered){ .key = NULL };
}

/* False: no memory. */
static bool
gathered_begin(struct gathered *g, const struct stored_route *row)
{
	g->route = *row;
	g->route.key = g->key = strdup(row->key);
	g->route.pattern = g->pattern = strdup(row->pattern);
	g->route.destinations = g->destinations = strdup(row->destinations);
	return g->key != NULL && g->pattern != NULL && g->destinations != NULL;
}

static bool
gathered_add(struct gathered *g, const struct stored_route *row)
{
	char *more;

	if (asprintf(&more, "%s %s", g->destinations, row->destinations) == -1)
		return false;
	free(g->destinations);
	g->route.destinations = g->destinations = more;
	if (row->version > g->route.version)
		g->route.version = row->version;
	if (row->since_ms < g->route.since_ms)
		g->route.since_ms = row->since_ms;
	if (row->origin > g->route.origin)
		g->route.origin = row->origin;
	return true;
}

static bool
gather(struct gathered *g, const struct stored_route *row,
    void (*found)(void *arg, const struct stored_route *route), void *arg)
{
	if (row->key == NULL || row->pattern == NULL ||
	    row->destinations == NULL)
		return false; /* the columns are NOT NULL: no memory */
	if (g->key != NULL && strcmp(g->key, row->key) == 0 &&
	    strcmp(g->pattern, row->pattern) == 0)
		return gathered_add(g, row);
	if (g->key != NULL)
		found(arg, &g->route);
	gathered_release(g);
	return gathered_begin(g, row);
}

bool
store_sqlite_each(struct store_sqlite *s,
    void (*found)(void *arg, const struct stored_route *route), void *arg)
{
	sqlite3_stmt *row = s->statements[EACH];
	struct gathered gathered = { .key = NULL };
	struct stored_route route;
	int code;

	while ((code = sqlite3_step(row)) == SQLITE_ROW) {
		read_row(row, &route);
		if (!gather(&gathered, &route, found, arg)) {
			code = SQLITE_NOMEM;
			break;
		}
	}
	if (code == SQLITE_DONE && gathered.key != NULL)
		found(arg, &gathered.route);
	gathered_release(&gathered);
	sqlite3_reset(row);
	return worked(s, code);
}

bool
store_sqlite_each_policy(struct store_sqlite *s,
    void (*found)(void *arg, const struct stored_policy *stored), void *arg)
{
	sqlite3_stmt *row = s->statements[EACH_POLICY];
	struct stored_policy stored;
	int code;

	while ((code = sqlite3_step(row)) == SQLITE_ROW) {
		stored = (struct stored_policy){
			.kind = (const char *)sqlite3_column_text(row, 0),
			.subject = (const char *)sqlite3_column_text(row, 1),
			.since_ms = (uint64_t)sqlite3_column_int64(row, 2),
			.until_ms = (uint64_t)sqlite3_column_int64(row, 3),
		};
		if (stored.kind == NULL || stored.subject == NULL) {
			code = SQLITE_NOMEM; /* the columns are NOT NULL */
			break;
		}
		found(arg, &stored);
	}
	sqlite3_reset(row);
	return worked(s, code);
}

bool
store_sqlite_each_unsaved(struct store_sqlite *s,
    void (*found)(void *arg, const struct stored_unsaved *unsaved), void *arg)
{
	sqlite3_stmt *row = s->statements[EACH_UNSAVED];
	struct stored_unsaved unsaved;
	int code;

	while ((code = sqlite3_step(row)) == SQLITE_ROW) {
		unsaved = (struct stored_unsaved){
			.key = (const char *)sqlite3_column_text(row, 0),
			.pattern = (const char *)sqlite3_column_text(row, 1),
			.kind = sqlite3_column_int(row, 2) == CHANGE_SET
				    ? CHANGE_SET
				    : CHANGE_STRIKE,
			.version = (uint64_t)sqlite3_column_int64(row, 3),
		};
		if (unsaved.key == NULL || unsaved.pattern == NULL) {
			code = SQLITE_NOMEM; /* the columns are NOT NULL */
			break;
		}
		found(arg, &unsaved);
	}
	sqlite3_reset(row);
	return worked(s, code);
}

bool
store_sqlite_clear_unsaved(struct store_sqlite *s)
{
	return run(s, CLEAR_UNSAVED);
}

bool
store_sqlite_begin(struct store_sqlite *s)
{
	return run(s, BEGIN);
}

static bool
strike_route(struct store_sqlite *s, const struct change *change)
{
	return bind_text(s, STRIKE, 1, change->key) &&
	       bind_text(s, STRIKE, 2, change->pattern) && run(s, STRIKE);
}

static bool
add_destination(struct store_sqlite *s, const struct change *change,
    const struct destination *to)
{
	char text[DESTINATION_STORED_MAX];

	return destination_store(to, text, sizeof(text)) &&
	       bind_text(s, ADD, 1, change->key) &&
	       bind_text(s, ADD, 2, change->pattern) &&
	       bind_text(s, ADD, 3, text) &&
	       bind_number(s, ADD, 4, change->origin) &&
	       bind_number(s, ADD, 5, change->version) &&
	       bind_number(s, ADD, 6, clock_real_ms()) && run(s, ADD);
}

/* What there was goes, all of it; what there is comes. */
static bool
write_route(struct store_sqlite *s, const struct change *change)
{
	if (change->kind == CHANGE_SET && change->to.n == 0) {
		s->code = SQLITE_CONSTRAINT; /* a route to nowhere */
		return false;
	}
	if (!strike_route(s, change))
		return false;
	for (size_t i = 0; i < change->to.n; i++)
		if (!add_destination(s, change, &change->to.at[i]))
			return false;
	return true;
}

static bool
add_unsaved(struct store_sqlite *s, const struct change *change)
{
	return bind_text(s, ADD_UNSAVED, 1, change->key) &&
	       bind_text(s, ADD_UNSAVED, 2, change->pattern) &&
	       bind_number(s, ADD_UNSAVED, 3, change->kind) &&
	       bind_number(s, ADD_UNSAVED, 4, change->version) &&
	       run(s, ADD_UNSAVED);
}

bool
store_sqlite_save(struct store_sqlite *s, const struct change *change)
{
	enum statement mark =
	    change->canonical ? MARK_CANONICAL : CLEAR_CANONICAL;

	return write_route(s, change) && bind_text(s, mark, 1, change->key) &&
	       run(s, mark) && (!change->unsaved || add_unsaved(s, change));
}

bool
store_sqlite_save_policy(
    struct store_sqlite *s, const struct policy_change *change)
{
	enum statement which = change->strike ? STRIKE_POLICY : SET_POLICY;

	return bind_text(s, which, 1, policy_kind_info(change->kind)->name) &&
	       bind_text(s, which, 2, change->subject) &&
	       bind_number(s, which, 3,
		   change->strike ? change->until_ms : change->since_ms) &&
	       (change->strike || bind_number(s, which, 4, change->until_ms)) &&
	       run(s, which);
}

bool
store_sqlite_commit(struct store_sqlite *s)
{
	return run(s, COMMIT);
}

/* Some faults (a full disk) have rolled back already. */
void
store_sqlite_rollback(struct store_sqlite *s)
{
	int code = s->code;

	if (s->db != NULL && !sqlite3_get_autocommit(s->db))
		run(s, ROLLBACK);
	s->code = code;
}

bool
store_sqlite_locked(const struct store_sqlite *s)
{
	return (s->code & 0xff) == SQLITE_BUSY; /* the rest says more of it */
}

const char *
store_sqlite_error(const struct store_sqlite *s)
{
	return sqlite3_errstr(s->code);
}
