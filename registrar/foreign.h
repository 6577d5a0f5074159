/* What another writer left in Redis, on its way into the book. */
#ifndef REGISTRAR_FOREIGN_H
#define REGISTRAR_FOREIGN_H

#include "registrar/book.h"

struct registrar;

/* A route as another writer left it in Redis. */
struct foreign_route {
	const char *pattern;
	const struct destination *to; /* in order, each once */
	size_t nto;
	uint64_t version; /* of its record; 0: it has none, and one destination
			     if it is a tool's */
};

/*
 * Does it say what the book has?  Without a record Redis holds one destination
 * of a tool's route: that is enough, when it is one of those in the book.
 */
bool foreign_is_known(const char *key, const struct book_route *ours,
    const struct foreign_route *theirs);

/*
 * What another writer left in Redis for one name: it replaces what the book
 * has, is kept in SQLite and published.  Malformed routes were dropped by the
 * caller.  routes may be empty: the name is gone.
 *
 * keep_later   what is new is marked unkept: store_io_keep() is to follow
 */
void foreign_enter(struct registrar *r, const char *key, bool canonical,
    const struct foreign_route *routes, size_t nroutes, bool keep_later);

#endif
