/* The file routes.sqlite, its layout, and what is done about a damaged one. */
#include "registrar/store_sqlite_file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/array.h"
#include "lib/clock.h"
#include "lib/log.h"

#define BUSY_MS 1000	 /* an operator's sqlite3(1) may hold the lock */
#define SCHEMA_VERSION 4 /* PRAGMA user_version */

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
	/* a row for each destination: GROUP BY would take five times as long,
	   and a join with canonical half as long again */
	[EACH] = "SELECT key, pattern, destination, origin, version, since_ms"
		 " FROM route ORDER BY key, pattern",
	[EACH_CANONICAL] = "SELECT key FROM canonical ORDER BY key",
	[SET_POLICY] = "INSERT INTO policy (kind, subject, since_ms, until_ms)"
		       " VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO UPDATE"
		       " SET since_ms = ?3, until_ms = ?4"
		       " WHERE since_ms <= ?3",
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

bool
store_sqlite_worked(struct store_sqlite *s, int code)
{
	if (code == SQLITE_OK || code == SQLITE_DONE || code == SQLITE_ROW)
		return true;
	s->code = code;
	return false;
}

static bool
execute(struct store_sqlite *s, const char *text)
{
	return store_sqlite_worked(
	    s, sqlite3_exec(s->db, text, NULL, NULL, NULL));
}

bool
store_sqlite_run(struct store_sqlite *s, enum statement which)
{
	sqlite3_stmt *statement = s->statements[which];
	bool done = store_sqlite_worked(s, sqlite3_step(statement));

	sqlite3_reset(statement); /* says the step's fault again */
	return done;
}

bool
store_sqlite_bind_text(
    struct store_sqlite *s, enum statement which, int at, const char *text)
{
	return store_sqlite_worked(s, sqlite3_bind_text(s->statements[which],
					  at, text, -1, SQLITE_STATIC));
}

bool
store_sqlite_bind_number(
    struct store_sqlite *s, enum statement which, int at, uint64_t value)
{
	return store_sqlite_worked(s,
	    sqlite3_bind_int64(s->statements[which], at, (sqlite3_int64)value));
}

/* The first column of the first row; false when there is none. */
static bool
ask(struct store_sqlite *s, const char *text, char *answer, size_t size)
{
	sqlite3_stmt *statement;
	bool row = false;

	if (!store_sqlite_worked(
		s, sqlite3_prepare_v2(s->db, text, -1, &statement, NULL)))
		return false;
	if (store_sqlite_worked(s, sqlite3_step(statement))) {
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
		if (!store_sqlite_worked(s, sqlite3_prepare_v3(s->db, sql[i],
						-1, SQLITE_PREPARE_PERSISTENT,
						&s->statements[i], NULL)))
			return false;
	return true;
}

static bool
open_file(struct store_sqlite *s, const char *path)
{
	s->code = SQLITE_OK;
	return store_sqlite_worked(
		   s, sqlite3_open_v2(path, &s->db,
			  SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE |
			      SQLITE_OPEN_NOMUTEX,
			  NULL)) &&
	       store_sqlite_worked(s, sqlite3_busy_timeout(s->db, BUSY_MS)) &&
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
	char from[STORE_SQLITE_PATH_SIZE + 8], to[STORE_SQLITE_PATH_SIZE + 64];
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

static bool
open_any(struct store_sqlite *s)
{
	return open_file(s, s->path) || (is_broken(s->code) && begin_anew(s));
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
	if (open_any(s))
		return s;
	log_event(LOG_ERR, "store-failed", "file=%s: %s", s->path,
	    store_sqlite_error(s));
	store_sqlite_close(s);
	return NULL;
}

bool
store_sqlite_damaged(const struct store_sqlite *s)
{
	return s->db == NULL || (s->code & 0xff) == SQLITE_NOTADB ||
	       (s->code & 0xff) == SQLITE_CORRUPT;
}

bool
store_sqlite_renew(struct store_sqlite *s)
{
	uint64_t now = clock_mono_ms();
	uint64_t rest = s->db != NULL ? RENEW_MS : REOPEN_MS;

	if (s->renewed_ms != 0 && now - s->renewed_ms < rest)
		return false;
	s->renewed_ms = now;
	if (s->db != NULL ? begin_anew(s) : open_any(s))
		return true;
	close_file(s);
	return false;
}

void
store_sqlite_close(struct store_sqlite *s)
{
	if (s == NULL)
		return;
	close_file(s);
	free(s);
}

bool
store_sqlite_locked(const struct store_sqlite *s)
{
	return (s->code & 0xff) == SQLITE_BUSY; /* the rest says more of it */
}

bool
store_sqlite_disk_failed(const struct store_sqlite *s)
{
	return (s->code & 0xff) == SQLITE_FULL ||
	       (s->code & 0xff) == SQLITE_IOERR;
}

const char *
store_sqlite_error(const struct store_sqlite *s)
{
	return sqlite3_errstr(s->code);
}
