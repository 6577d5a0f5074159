/* What publish.c and publish_start.c share, and nobody else includes. */
#ifndef REGISTRAR_PUBLISHER_H
#define REGISTRAR_PUBLISHER_H

#include "lib/ev.h"
#include "registrar/book.h"
#include "registrar/grow.h"
#include "registrar/slots.h"
#include "registrar/tombstones.h"
#include "shm/table_write.h"

struct publisher {
	struct registrar *r;  /* borrowed */
	struct slots *slots;  /* owned */
	struct growth growth; /* the table's */
	struct tombstones tombstones;

	/* publish_start.c: what a predecessor left becomes what the book is */
	struct ev_task start;
	struct table_walk walk; /* over the table */
	bool walked;		/* all of it: what it lacks is next */
	char at[KEY_MAX + 1];	/* of the book; empty: its first name */

	struct tool tool; /* being built; its spans are the book's */
	struct backend backends[ROUTES_MAX * ROUTE_BACKENDS_MAX]; /* of it */
	size_t nbackends;
	uint64_t blob[2][ROUTE_BLOB_MAX / 8];
};

/*
 * The book's name as an entry, with a change made already, if there is one.
 * name   NULL: the book has none yet
 */
const struct tool *publisher_build(struct publisher *p, const char *key,
    const struct book_name *name, const struct change *change);

/*
 * Put a name in the table; NULL: the book has none any more.  -1 with errno,
 * logged.
 */
int publisher_publish(struct publisher *p, const char *key,
    struct book_name *name, uint64_t version);

/* Take a name out of the table for good. */
void publisher_withdraw(struct publisher *p, const char *key);

/* Stop comparing. */
void publish_start_release(struct publisher *p);

#endif
