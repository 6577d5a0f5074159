/*
 * The chunked coding, both directions (RFC 9112 section 7.1).  Only CRLF ends
 * a line; sizes up to INT64_MAX in 1 to 16 digits; extensions are dropped.
 */
#ifndef HTTP_CHUNKED_H
#define HTTP_CHUNKED_H

#include <stddef.h>
#include <stdint.h>

#include "lib/span.h"

#define CHUNK_LINE_MAX 64 /* bytes of a size line, extensions included */
#define CHUNK_HEAD_MAX 20 /* bytes chunk_head() writes at most */

enum chunk_event {
	CHUNK_MORE,     /* all bytes given were eaten; *data is empty */
	CHUNK_DATA,     /* *data is a piece of the body; call again */
	CHUNK_TRAILERS, /* the last chunk was read; trailers follow: what is
	                   not eaten yet is for http_parse_trailers() */
	CHUNK_BAD,      /* not chunked coding: nothing of it may be believed */
};

/* Zeroed: at the beginning of a body. */
struct chunk_decoder {
	uint8_t state;  /* private */
	uint8_t line;   /* bytes of the size line so far */
	uint64_t left;  /* bytes of the current chunk still to come */
};

/*
 * Decode what is at hand.
 *
 * bytes  in and out: what was eaten is taken off its front
 * data   a part of bytes, valid as long as they are
 */
enum chunk_event chunk_decode(struct chunk_decoder *d, struct span *bytes,
    struct span *data);

/*
 * Write the line that goes before a chunk of n bytes, n > 0; returns its
 * length.  After the data goes CHUNK_TAIL, and CHUNK_LAST ends the body.
 */
size_t chunk_head(char out[CHUNK_HEAD_MAX], size_t n);

#define CHUNK_TAIL "\r\n"
#define CHUNK_LAST "0\r\n\r\n" /* without trailers */

#endif
