/*
 * Files that a child cannot open, in a sealed memfd: it never changes once it
 * was handed over (memfd_create(2), F_ADD_SEALS).
 */
#ifndef LIB_BUNDLE_H
#define LIB_BUNDLE_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/span.h"

/* A sealed memfd of these bytes.  -1 with errno; the caller's to close. */
int sealed_memfd(const char *name, struct span bytes);

/* Several pieces, each with a name. */
struct bundle_piece {
	struct span name, bytes;
};

/* The same of pieces.  -1 with errno; the caller's to close. */
int bundle_seal(const char *name, const struct bundle_piece *pieces, size_t n);

/*
 * Map what bundle_seal() made; the descriptor stays the caller's.  False with
 * errno (EPROTO: it is none).  bundle_close(): the pieces end with it.
 */
struct bundle {
	const char *map; /* owned; NULL: empty */
	size_t size;
};
bool bundle_open(struct bundle *b, int fd);
void bundle_close(struct bundle *b);

/* The next piece; *at is 0 for the first.  False: there is none any more. */
bool bundle_next(
    const struct bundle *b, size_t *at, struct bundle_piece *piece);

#endif
