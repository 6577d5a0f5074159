/* From the book to the route table: the only caller of shm/table_write.h. */
#ifndef REGISTRAR_PUBLISH_H
#define REGISTRAR_PUBLISH_H

#include <stdbool.h>
#include <stdint.h>

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
 * Make the table what the book is, after the first load, and say that it is
 * ready.  Names that are right already are left alone.
 */
void publish_all(struct registrar *r);

/*
 * Publish what the book has of a name now; a tool that has nothing any more
 * gets a tombstone.  -1 with errno, logged: the table did not take it.
 */
int publish_name(struct registrar *r, const char *key, uint64_t version);

/* Would the name's routes still fit in the table after this change? */
bool publish_fits(struct registrar *r, const struct change *change);

#endif
