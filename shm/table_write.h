/* The route table as its one writer, the registrar, sees it. */
#ifndef SHM_TABLE_WRITE_H
#define SHM_TABLE_WRITE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shm/route.h"

struct table_writer;

/*
 * Lay an empty table out in a fresh segment (at least 32 KiB, less than 4 GiB,
 * sparse): once, by the master.  -1 with errno.
 */
int table_format(int fd);

/*
 * Become the writer of a formatted table, recovering whatever a killed
 * predecessor left: each entry is found as it was before or after its last
 * change.  NULL with errno: EBUSY (another writer lives), EPROTO (not a table,
 * or of another build), EBADMSG (damaged beyond recovery: make a new one).
 * Ours until table_writer_free().
 *
 * fd      writable; borrowed for as long as the writer lives.  A process that
 *         closes any descriptor of the segment loses its lock (fcntl(2)).
 * found   called for every name in it, in no order; may not change the table.
 *         NULL: nobody wants to know
 */
struct table_writer *table_writer_new(
    int fd, void (*found)(void *arg, const struct tool *tool), void *arg);
void table_writer_free(struct table_writer *w);

/*
 * Publish a tool, new or changed: readers see all of it or nothing.
 * version   grows with every change of this name; the same again is allowed
 * -1 with errno: ENOSPC (table full), EINVAL (over a bound of route.h), ESTALE
 * (the table has a newer version), EBUSY (another writer has taken over).
 */
int table_put(
    struct table_writer *w, const struct tool *tool, uint64_t version);

/* Withdraw a name.  0 also when it is not there; -1 with errno as above. */
int table_delete(struct table_writer *w, struct span key, uint64_t version);

/*
 * The directory grows a slice at a time (well under 100 microseconds), one
 * with each table_put(); call this when there is nothing else to do.
 * Returns whether more is to be done.
 */
bool table_grow_step(struct table_writer *w);

/*
 * So many names are about to be put: make the directory large enough for all
 * of them, at once.  Before table_set_ready() only.
 */
void table_reserve(struct table_writer *w, size_t names);

/*
 * So many names may be put, over all: when the directory grows it takes larger
 * steps, though not in larger slices.  A guess; 0: there is none.
 */
void table_expect(struct table_writer *w, size_t names);

/*
 * The first load is complete: workers may answer 404 from now on, and no call
 * takes a millisecond any more, to make a huge page.
 */
void table_set_ready(struct table_writer *w);

/* Has somebody called table_set_ready(), perhaps a predecessor? */
bool table_was_ready(const struct table_writer *w);

/* Names that the table holds, deleted ones not counted. */
size_t table_count(const struct table_writer *w);

/* Entries of its directory, used or not: what growing doubles. */
size_t table_entries(const struct table_writer *w);

/* Moves with every change that was published. */
uint64_t table_generation(const struct table_writer *w);

/* Entries that recovery found damaged: 503 until their names are put again. */
size_t table_damaged(const struct table_writer *w);

/* Where a walk over the table is.  Zeroed: at its beginning. */
struct table_walk {
	uint64_t directory; /* by the key of its hashes: no two have the same */
	uint32_t at;
};

/*
 * Go on with a walk, and call found() for the names among so many entries, in
 * no order; damaged ones have no name.  When the directory has grown meanwhile
 * it begins anew.  found() may delete that name and change nothing else.
 *
 * Returns whether there are more.
 */
bool table_walk(struct table_writer *w, struct table_walk *walk, size_t entries,
    void (*found)(void *arg, const struct tool *tool), void *arg);

#endif
