/*
 * Bodies compressed as they pass: bytes in, bytes out, nothing held back that
 * was to be flushed.  Levels are low and windows small, so that one takes less
 * than 200 KiB; there are never more than COMPRESSORS_MAX in a worker.
 */
#ifndef WORKER_COMPRESS_H
#define WORKER_COMPRESS_H

#include <stdbool.h>

#include "http/negotiate.h"

#define COMPRESSORS_MAX 512
#define COMPRESS_OUT (16 * 1024) /* bytes that may wait to be sent */

struct compressor;

/* A worker's, with some that were used before. */
struct compressors {
	struct compressor *spare[CODING_NONE]; /* owned lists */
	unsigned nspare[CODING_NONE];
	unsigned lent;
};

void compressors_release(struct compressors *cs);

/* Borrow one for a body.  NULL: none is left, or no memory: send it as it is. */
struct compressor *compress_begin(struct compressors *cs, enum coding coding);
void compress_end(struct compressors *cs, struct compressor *c);

enum compress {
	COMPRESS_MORE,  /* more input comes at once */
	COMPRESS_FLUSH, /* it does not: all so far must be decodable */
	COMPRESS_LAST,  /* with this the body ends */
};

/*
 * Compress a piece, when nothing waits to be sent.  Until an operation is
 * complete, the next call has to have what it left of the piece, no more.
 *
 * taken    bytes of the piece that are done with
 * Returns  false: no memory
 */
bool compress_piece(struct compressor *c, struct span piece, enum compress op,
    size_t *taken);

/* Is an operation not complete? */
bool compress_busy(const struct compressor *c);

/* Is the last one, so that what waits to be sent ends the body? */
bool compress_ended(const struct compressor *c);

/* What waits to be sent, and n bytes of it that were. */
struct span compress_out(const struct compressor *c);
void compress_sent(struct compressor *c, size_t n);

#endif
