/* The SQLite file of dynproxy-domains. */
#include "tools/domains_store.h"

#include <pthread.h>
#include <sqlite3.h>

#include "lib/log.h"

#define BUSY_MS 5000 /* an operator's sqlite3(1) may hold the lock */

static const char schema[] =
    "PRAGMA journal_mode = WAL;"
    "PRAGMA synchronous = FULL;"
    "PRAGMA foreign_keys = ON;"
    "CREATE TABLE IF NOT EXISTS project (id INTEGER PRIMARY KEY,"
    " name VARCHAR(256) UNIQUE);"
    "CREATE TABLE IF NOT EXISTS route (id INTEGER PRIMARY KEY,"
    " domain VARCHAR(256) UNIQUE,"
    " project_id INTEGER REFERENCES project (id));"
    "CREATE TABLE IF NOT EXISTS backend (id INTEGER PRIMARY KEY,"
    " url VARCHAR(256), route_id INTEGER REFERENCES route (id));"
    "CREATE INDEX IF NOT EXISTS backend_of_route ON backend (route_id);"
    "CREATE INDEX IF NOT EXISTS route_of_project ON route (project_id);"
    "CREATE TABLE IF NOT EXISTS pending (who INTEGER, domain VARCHAR(256),"
    " PRIMARY KEY (who, domain)) WITHOUT ROWID;";

enum statement {
	BEGIN,
	COMMIT,
	ROLLBACK,
	READ,
	LIST,
	HAS_PROJECT,
	DROP_BACKENDS,
	DROP_ROUTE,
	ADD_PROJECT,
	ADD_ROUTE,
	ADD_BACKEND,
	ADD_PENDING,
	PASS_ON,
	LIST_PENDING,
	DROP_PENDING,
	NSTATEMENTS,
};

#define MAPPINGS                                                               \
	"SELECT p.name, r.domain, b.url FROM route r"                          \
	" JOIN project p ON p.id = r.project_id"                               \
	" LEFT JOIN backend b ON b.route_id = r.id WHERE "

static const char *const sql[NSTATEMENTS] = {
	[BEGIN] = "BEGIN IMMEDIATE",
	[COMMIT] = "COMMIT",
	[ROLLBACK] = "ROLLBACK",
	[READ] = MAPPINGS "r.domain = ?1 ORDER BY r.domain, b.id",
	[LIST] = MAPPINGS "?1 IS NULL OR p.name = ?1 ORDER BY r.domain, b.id",
	[HAS_PROJECT] = "SELECT name FROM project WHERE name = ?1",
	[DROP_BACKENDS] = "DELETE FROM backend WHERE route_id ="
			  " (SELECT id FROM route WHERE domain = ?1)",
	[DROP_ROUTE] = "DELETE FROM route WHERE domain = ?1",
	[ADD_PROJECT] = "INSERT INTO project (name) VALUES (?1)"
			" ON CONFLICT DO NOTHING",
	[ADD_ROUTE] = "INSERT INTO route (domain, project_id) VALUES (?1,"
		      " (SELECT id FROM project WHERE name = ?2))",
	[ADD_BACKEND] = "INSERT INTO backend (url, route_id) VALUES (?2,"
			" (SELECT id FROM route WHERE domain = ?1))",
	[ADD_PENDING] = "INSERT INTO pending (domain, who)"
			" VALUES (?1, 0) ON CONFLICT DO NOTHING",
	[PASS_ON] = "UPDATE OR REPLACE pending SET who = 1"
		    " WHERE domain = ?1 AND who = 0",
	[LIST_PENDING] = "SELECT domain FROM pending WHERE who = ?1",
	[DROP_PENDING] = "DELETE FROM pending WHERE domain = ?1 AND who = ?2",
};

struct store {
	sqlite3 *db; /* owned */
	sqlite3_stmt *statements[NSTATEMENTS];
	pthread_mutex_t lock; /* one thread at a time has db */
};

static bool
failed(struct store *s)
{
	log_event(LOG_ERR, "store-failed", "%s", sqlite3_errmsg(s->db));
	return false;
}

/* Run a statement that gives nothing, with up to two texts. */
static bool
run(struct store *s, enum statement which, const char *first,
    const char *second)
{
	sqlite3_stmt *st = s->statements[which];
	bool done;

	if (first != NULL)
		sqlite3_bind_text(st, 1, first, -1, SQLITE_STATIC);
	if (second != NULL)
		sqlite3_bind_text(st, 2, second, -1, SQLITE_STATIC);
	done = sqlite3_step(st) == SQLITE_DONE;
	if (!done)
		failed(s);
	sqlite3_reset(st);
	return done;
}

struct store *
store_open(const char *path)
{
	struct store *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return NULL;
	pthread_mutex_init(&s->lock, NULL);
	if (sqlite3_open(path, &s->db) != SQLITE_OK ||
	    sqlite3_busy_timeout(s->db, BUSY_MS) != SQLITE_OK ||
	    sqlite3_exec(s->db, schema, NULL, NULL, NULL) != SQLITE_OK)
		goto fail;
	for (size_t i = 0; i < NSTATEMENTS; i++)
		if (sqlite3_prepare_v2(s->db, sql[i], -1, &s->statements[i],
			NULL) != SQLITE_OK)
			goto fail;
	return s;

fail:
	log_event(
	    LOG_ERR, "store-failed", "%s: %s", path, sqlite3_errmsg(s->db));
	store_close(s);
	return NULL;
}

void
store_close(struct store *s)
{
	if (s == NULL)
		return;
	for (size_t i = 0; i < NSTATEMENTS; i++)
		sqlite3_finalize(s->statements[i]);
	sqlite3_close(s->db);
	pthread_mutex_destroy(&s->lock);
	free(s);
}

static const char *
column(sqlite3_stmt *st, int at)
{
	return (const char *)sqlite3_column_text(st, at);
}

/* The rows of READ or LIST: a mapping for each domain.  NULL: they failed. */
static json_t *
read_mappings(struct store *s, sqlite3_stmt *st)
{
	json_t *all = json_array(), *last = NULL;
	int code;

	while ((code = sqlite3_step(st)) == SQLITE_ROW) {
		const char *domain = column(st, 1), *url = column(st, 2);

		if (last == NULL ||
		    strcmp(json_string_value(json_object_get(last, "domain")),
			domain) != 0) {
			last = json_pack("{s:s, s:s, s:[]}", "project",
			    column(st, 0), "domain", domain, "backends");
			json_array_append_new(all, last);
		}
		if (url != NULL)
			json_array_append_new(json_object_get(last, "backends"),
			    json_string(url));
	}
	if (code != SQLITE_DONE) {
		failed(s);
		json_decref(all);
		all = NULL;
	}
	sqlite3_reset(st);
	return all;
}

static json_t *
mappings(struct store *s, enum statement which, const char *about)
{
	sqlite3_stmt *st = s->statements[which];
	json_t *all;

	pthread_mutex_lock(&s->lock);
	if (about != NULL)
		sqlite3_bind_text(st, 1, about, -1, SQLITE_STATIC);
	all = read_mappings(s, st);
	sqlite3_clear_bindings(st);
	pthread_mutex_unlock(&s->lock);
	return all;
}

json_t *
store_read(struct store *s, const char *domain, bool *ok)
{
	json_t *all = mappings(s, READ, domain);
	json_t *one = json_incref(json_array_get(all, 0));

	*ok = all != NULL;
	json_decref(all);
	return one;
}

json_t *
store_list(struct store *s, const char *project)
{
	return mappings(s, LIST, project);
}

bool
store_has_project(struct store *s, const char *project)
{
	sqlite3_stmt *st = s->statements[HAS_PROJECT];
	bool has;

	pthread_mutex_lock(&s->lock);
	sqlite3_bind_text(st, 1, project, -1, SQLITE_STATIC);
	has = sqlite3_step(st) == SQLITE_ROW;
	sqlite3_reset(st);
	pthread_mutex_unlock(&s->lock);
	return has;
}

static bool
write_edit(struct store *s, const struct store_edit *e)
{
	const json_t *url;
	size_t i;

	if (!run(s, DROP_BACKENDS, e->domain, NULL) ||
	    !run(s, DROP_ROUTE, e->domain, NULL) ||
	    !run(s, ADD_PENDING, e->domain, NULL))
		return false;
	if (e->backends == NULL)
		return true;
	if (!run(s, ADD_PROJECT, e->project, NULL) ||
	    !run(s, ADD_ROUTE, e->domain, e->project))
		return false;
	json_array_foreach(
	    e->backends, i, url) if (!run(s, ADD_BACKEND, e->domain,
					 json_string_value(url))) return false;
	return true;
}

bool
store_write(struct store *s, const struct store_edit *edits, size_t n)
{
	bool written;

	pthread_mutex_lock(&s->lock);
	written = run(s, BEGIN, NULL, NULL);
	if (written) {
		for (size_t i = 0; written && i < n; i++)
			written = write_edit(s, &edits[i]);
		written = written && run(s, COMMIT, NULL, NULL);
		if (!written && !sqlite3_get_autocommit(s->db))
			run(s, ROLLBACK, NULL, NULL);
	}
	pthread_mutex_unlock(&s->lock);
	return written;
}

json_t *
store_pending(struct store *s, enum store_pending who)
{
	sqlite3_stmt *st = s->statements[LIST_PENDING];
	json_t *all = json_array();
	int code;

	pthread_mutex_lock(&s->lock);
	sqlite3_bind_int(st, 1, who);
	while ((code = sqlite3_step(st)) == SQLITE_ROW)
		json_array_append_new(all, json_string(column(st, 0)));
	if (code != SQLITE_DONE) {
		failed(s);
		json_decref(all);
		all = NULL;
	}
	sqlite3_reset(st);
	pthread_mutex_unlock(&s->lock);
	return all;
}

bool
store_made(struct store *s, const char *domain)
{
	bool done;

	pthread_mutex_lock(&s->lock);
	done = run(s, PASS_ON, domain, NULL);
	pthread_mutex_unlock(&s->lock);
	return done;
}

bool
store_settled(struct store *s, enum store_pending who, const char *domain)
{
	bool done;

	pthread_mutex_lock(&s->lock);
	sqlite3_bind_int(s->statements[DROP_PENDING], 2, who);
	done = run(s, DROP_PENDING, domain, NULL);
	pthread_mutex_unlock(&s->lock);
	return done;
}
