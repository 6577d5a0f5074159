/*
 * The file of store_sqlite.h: opened, checked, laid out, moved aside when it is
 * damaged; and its statements, which store_sqlite.c runs.
 */
#ifndef REGISTRAR_STORE_SQLITE_FILE_H
#define REGISTRAR_STORE_SQLITE_FILE_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>

#include "registrar/store_sqlite.h"

#define STORE_SQLITE_PATH_SIZE 4096

enum statement {
	BEGIN,
	COMMIT,
	ROLLBACK,
	ADD,
	STRIKE,
	MARK_CANONICAL,
	CLEAR_CANONICAL,
	EACH,
	EACH_CANONICAL,
	SET_POLICY,
	STRIKE_POLICY,
	EACH_POLICY,
	ADD_UNSAVED,
	CLEAR_UNSAVED,
	EACH_UNSAVED,
	NSTATEMENTS,
};

struct store_sqlite {
	sqlite3 *db; /* owned; NULL: it could not be begun anew */
	sqlite3_stmt *statements[NSTATEMENTS]; /* owned */
	int code;			       /* of the last failure */
	uint64_t renewed_ms;		       /* CLOCK_MONOTONIC; 0: never */
	char path[STORE_SQLITE_PATH_SIZE];
};

/* What a call of SQLite has returned; false: that was a failure, remembered. */
bool store_sqlite_worked(struct store_sqlite *s, int code);

/* Bind a value to the statement's parameter number at; text is borrowed. */
bool store_sqlite_bind_text(
    struct store_sqlite *s, enum statement which, int at, const char *text);
bool store_sqlite_bind_number(
    struct store_sqlite *s, enum statement which, int at, uint64_t value);

/* Run a prepared statement that gives no rows. */
bool store_sqlite_run(struct store_sqlite *s, enum statement which);

#endif
