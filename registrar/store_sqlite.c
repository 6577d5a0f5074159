/* What is written to routes.sqlite, and read from it at the start. */
#include "registrar/store_sqlite.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/clock.h"
#include "registrar/store_sqlite_file.h"

static void
read_row(sqlite3_stmt *row, struct stored_route *route)
{
	*route = (struct stored_route){
		.key = (const char *)sqlite3_column_text(row, 0),
		.pattern = (const char *)sqlite3_column_text(row, 1),
		.destinations = (char *)sqlite3_column_text(row, 2),
		.origin = (enum origin)sqlite3_column_int(row, 3),
		.version = (uint64_t)sqlite3_column_int64(row, 4),
		.since_ms = (uint64_t)sqlite3_column_int64(row, 5),
	};
}

/* A string in whose place another one is put, again and again. */
struct text {
	char *at; /* owned; NULL: there was none yet */
	size_t room;
};

/* Room for so many bytes with the NUL.  False: no memory. */
static bool
text_reserve(struct text *t, size_t size)
{
	char *grown = size <= t->room ? t->at : realloc(t->at, 2 * size);

	if (grown == NULL)
		return false;
	if (size > t->room)
		t->room = 2 * size;
	t->at = grown;
	return true;
}

static bool
text_set(struct text *t, const char *from)
{
	size_t size = strlen(from) + 1;

	if (!text_reserve(t, size))
		return false;
	memcpy(t->at, from, size);
	return true;
}

/* With a blank between. */
static bool
text_add(struct text *t, const char *more)
{
	size_t len = strlen(t->at), size = strlen(more) + 1;

	if (!text_reserve(t, len + 1 + size))
		return false;
	t->at[len] = ' ';
	memcpy(t->at + len + 1, more, size);
	return true;
}

/* Rows of one route, which follow each other, put together. */
struct gathered {
	bool any;		   /* of those below: there is a route */
	struct stored_route route; /* its strings: here */
	struct text key, pattern, destinations;
};

static void
gathered_release(struct gathered *g)
{
	free(g->key.at);
	free(g->pattern.at);
	free(g->destinations.at);
}

/* False: no memory. */
static bool
gathered_begin(struct gathered *g, const struct stored_route *row)
{
	g->any = true;
	g->route = *row;
	return text_set(&g->key, row->key) &&
	       text_set(&g->pattern, row->pattern) &&
	       text_set(&g->destinations, row->destinations);
}

static bool
gathered_add(struct gathered *g, const struct stored_route *row)
{
	if (!text_add(&g->destinations, row->destinations))
		return false;
	if (row->version > g->route.version)
		g->route.version = row->version;
	if (row->since_ms < g->route.since_ms)
		g->route.since_ms = row->since_ms;
	if (row->origin > g->route.origin)
		g->route.origin = row->origin;
	return true;
}

static void
gathered_tell(struct gathered *g,
    void (*found)(void *arg, const struct stored_route *route), void *arg)
{
	if (!g->any)
		return;
	g->route.key = g->key.at;
	g->route.pattern = g->pattern.at;
	g->route.destinations = g->destinations.at;
	found(arg, &g->route);
}

static bool
gather(struct gathered *g, const struct stored_route *row,
    void (*found)(void *arg, const struct stored_route *route), void *arg)
{
	if (row->key == NULL || row->pattern == NULL ||
	    row->destinations == NULL)
		return false; /* the columns are NOT NULL: no memory */
	if (g->any && strcmp(g->key.at, row->key) == 0 &&
	    strcmp(g->pattern.at, row->pattern) == 0)
		return gathered_add(g, row);
	gathered_tell(g, found, arg);
	return gathered_begin(g, row);
}

/* Names that are canonical, in the order of the routes. */
struct marks {
	sqlite3_stmt *row;
	int code;	 /* of the last step */
	const char *key; /* NULL: there are no more */
};

static void
marks_next(struct marks *m)
{
	m->code = sqlite3_step(m->row);
	m->key = m->code == SQLITE_ROW
		     ? (const char *)sqlite3_column_text(m->row, 0)
		     : NULL;
}

static bool
marks_have(struct marks *m, const char *key)
{
	while (m->key != NULL && strcmp(m->key, key) < 0)
		marks_next(m);
	return m->key != NULL && strcmp(m->key, key) == 0;
}

bool
store_sqlite_each(struct store_sqlite *s,
    void (*found)(void *arg, const struct stored_route *route), void *arg)
{
	sqlite3_stmt *row = s->statements[EACH];
	struct marks marks = { .row = s->statements[EACH_CANONICAL] };
	struct gathered gathered = { .any = false };
	struct stored_route route;
	int code;

	marks_next(&marks);
	while ((code = sqlite3_step(row)) == SQLITE_ROW) {
		read_row(row, &route);
		if (route.key != NULL)
			route.canonical = marks_have(&marks, route.key);
		if (!gather(&gathered, &route, found, arg)) {
			code = SQLITE_NOMEM;
			break;
		}
	}
	if (code == SQLITE_DONE)
		gathered_tell(&gathered, found, arg);
	gathered_release(&gathered);
	sqlite3_reset(row);
	sqlite3_reset(marks.row);
	return store_sqlite_worked(s, code) &&
	       store_sqlite_worked(s, marks.code);
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
	return store_sqlite_worked(s, code);
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
	return store_sqlite_worked(s, code);
}

bool
store_sqlite_clear_unsaved(struct store_sqlite *s)
{
	return store_sqlite_run(s, CLEAR_UNSAVED);
}

bool
store_sqlite_begin(struct store_sqlite *s)
{
	return s->db != NULL && store_sqlite_run(s, BEGIN);
}

static bool
strike_route(struct store_sqlite *s, const struct change *change)
{
	return store_sqlite_bind_text(s, STRIKE, 1, change->key) &&
	       store_sqlite_bind_text(s, STRIKE, 2, change->pattern) &&
	       store_sqlite_run(s, STRIKE);
}

static bool
add_destination(struct store_sqlite *s, const struct change *change,
    const struct destination *to)
{
	char text[DESTINATION_STORED_MAX];

	return destination_store(to, text, sizeof(text)) &&
	       store_sqlite_bind_text(s, ADD, 1, change->key) &&
	       store_sqlite_bind_text(s, ADD, 2, change->pattern) &&
	       store_sqlite_bind_text(s, ADD, 3, text) &&
	       store_sqlite_bind_number(s, ADD, 4, change->origin) &&
	       store_sqlite_bind_number(s, ADD, 5, change->version) &&
	       store_sqlite_bind_number(s, ADD, 6, clock_real_ms()) &&
	       store_sqlite_run(s, ADD);
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
	return store_sqlite_bind_text(s, ADD_UNSAVED, 1, change->key) &&
	       store_sqlite_bind_text(s, ADD_UNSAVED, 2, change->pattern) &&
	       store_sqlite_bind_number(s, ADD_UNSAVED, 3, change->kind) &&
	       store_sqlite_bind_number(s, ADD_UNSAVED, 4, change->version) &&
	       store_sqlite_run(s, ADD_UNSAVED);
}

bool
store_sqlite_save(struct store_sqlite *s, const struct change *change)
{
	enum statement mark =
	    change->canonical ? MARK_CANONICAL : CLEAR_CANONICAL;

	return write_route(s, change) &&
	       store_sqlite_bind_text(s, mark, 1, change->key) &&
	       store_sqlite_run(s, mark) &&
	       (!change->unsaved || add_unsaved(s, change));
}

bool
store_sqlite_save_policy(
    struct store_sqlite *s, const struct policy_change *change)
{
	enum statement which = change->strike ? STRIKE_POLICY : SET_POLICY;

	return store_sqlite_bind_text(
		   s, which, 1, policy_kind_info(change->kind)->name) &&
	       store_sqlite_bind_text(s, which, 2, change->subject) &&
	       store_sqlite_bind_number(s, which, 3,
		   change->strike ? change->until_ms : change->since_ms) &&
	       (change->strike ||
		   store_sqlite_bind_number(s, which, 4, change->until_ms)) &&
	       store_sqlite_run(s, which);
}

bool
store_sqlite_commit(struct store_sqlite *s)
{
	return store_sqlite_run(s, COMMIT);
}

/* Some faults (a full disk) have rolled back already. */
void
store_sqlite_rollback(struct store_sqlite *s)
{
	int code = s->code;

	if (s->db != NULL && !sqlite3_get_autocommit(s->db))
		store_sqlite_run(s, ROLLBACK);
	s->code = code;
}
