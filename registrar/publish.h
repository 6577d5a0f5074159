/* From the book to the route table: the only caller of shm/table_write.h. */
#ifndef REGISTRAR_PUBLISH_H
#define REGISTRAR_PUBLISH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct backend;
struct change;
struct registrar;

/* How long a tool that is gone answers "stopped" instead of 404. */
#define TOMBSTONE_MS (10 * 60 * 1000)

/*
 * Become the table's writer; what it holds stays.  -1 with errno.  Ended by
 * publish_close().
 */
int publish_open(struct registrar *r);
void publish_close(struct registrar *r);

/*
 * Make the table what the book is, after the first load: at once, if it is not
 * ready; else workers go by what a predecessor left, and that is mended a slice
 * at a time.  Names that are right already are left alone.
 */
void publish_all(struct registrar *r);

/* So many names may come: a guess; 0: none. */
void publish_expect(struct registrar *r, size_t names);

/* The table is ready: nobody is answered with 503 any more for that. */
void publish_ready(struct registrar *r);

/*
 * Publish what the book has of a name now; a tool that has nothing any more
 * gets a tombstone.  -1 with errno, logged: the table did not take it.
 */
int publish_name(struct registrar *r, const char *key, uint64_t version);

/* Publish the default backends, 1 to ROUTE_BACKENDS_MAX.  -1: logged. */
int publish_default(
    struct registrar *r, const struct backend *backends, size_t n);

/* The slot of a name's counters; 0: it has none of its own. */
uint32_t publish_slot(const struct registrar *r, const char *key);

/* The slot in use at an index, from 1 to COUNTERS_TOOLS - 1; 0: nobody's. */
uint32_t publish_slot_at(const struct registrar *r, uint32_t index);

/* The key of the name that has it; NULL: nobody's. */
const char *publish_key_at(const struct registrar *r, uint32_t index);

struct publish_status {
	size_t names;	       /* in the table; stopped ones too */
	size_t entries;	       /* of its directory */
	size_t tombstones;     /* names that are gone, of these */
	size_t damaged;	       /* found so at the start */
	uint64_t generation;   /* moves with every change */
	uint64_t slices;       /* in which it grew, since the start */
	uint64_t slice_max_us; /* the longest one; CPU time */
};
void publish_status(const struct registrar *r, struct publish_status *status);

/* Would the name's routes still fit in the table after this change? */
bool publish_fits(struct registrar *r, const struct change *change);

#endif
