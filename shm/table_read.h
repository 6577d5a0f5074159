/* The route table as a worker sees it: no locks, no waiting, no system calls. */
#ifndef SHM_TABLE_READ_H
#define SHM_TABLE_READ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/span.h"
#include "shm/route.h"

struct table; /* a mapping of the segment */

enum lookup {
	LOOKUP_FOUND,
	LOOKUP_ABSENT,
	LOOKUP_BUSY,      /* eight publishes of this entry during one copy */
	LOOKUP_DAMAGED,   /* the entry's checksum does not hold */
	LOOKUP_NOT_READY, /* the registrar has not loaded the table yet */
};

/* Room for one name's blob; a worker has one.  Zeroed at first. */
struct table_copy {
	uint64_t words[ROUTE_BLOB_MAX / 8];
	unsigned retries; /* of the last table_read(): changes it ran into */
};

/*
 * Map a table, the descriptor stays the caller's.  NULL with errno (EPROTO:
 * not a table, or of a build with another layout).  Ours until table_close().
 */
struct table *table_open(int fd);
void table_close(struct table *t);

/*
 * Look a key up and copy its routes out.
 *
 * copy   the caller's; *tool points into it until the next call
 */
enum lookup table_read(const struct table *t, struct span key,
    struct table_copy *copy, struct tool *tool);

/* Has the registrar finished its first load?  (2-http.md 2.1) */
bool table_ready(const struct table *t);

#endif
