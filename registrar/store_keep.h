/*
 * Brings SQLite up to the book, a part at a time: what a pass over Redis has
 * found, or all, when the file was begun anew.
 */
#ifndef REGISTRAR_STORE_KEEP_H
#define REGISTRAR_STORE_KEEP_H

#include <stdbool.h>

#include "lib/ev.h"
#include "shm/route.h"

struct registrar;

struct store_keep {
	struct registrar *r; /* borrowed */
	struct ev_task task;
	bool walking;	  /* over the book */
	bool all;	  /* of it, not only what is unkept */
	bool again;	  /* something was left out */
	char at[KEY_MAX]; /* the name last seen; empty: none */
};

void store_keep_init(struct store_keep *k, struct registrar *r);
void store_keep_release(struct store_keep *k);

/* Write the routes that are unkept; or all of them. */
void store_keep_begin(struct store_keep *k, bool all);

/* SQLite has answered: there may be room for more. */
void store_keep_go_on(struct store_keep *k);

/* The end: hand over all that is left, at once. */
void store_keep_finish(struct store_keep *k);

#endif
