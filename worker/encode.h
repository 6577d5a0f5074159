/* Which responses are sent compressed, and what their heads say then. */
#ifndef WORKER_ENCODE_H
#define WORKER_ENCODE_H

#include <stdint.h>

#include "http/framing.h"
#include "http/negotiate.h"

#define ENCODE_ETAG_MAX 256 /* bytes; a longer one is dropped */

/*
 * Is this response's body one to compress: text of a kibibyte or of unknown
 * length, whole, not encoded, and nobody says that it must stay as it is?  Then
 * its head says that it depends on Accept-Encoding (RFC 9110 section 12.5.5).
 *
 * end, length  of the body; BODY_NONE for HEAD, whose length the head has
 */
bool encode_may(
    struct http_msg *msg, bool is_head, enum body_end end, uint64_t length);

/*
 * Have the head say that the body is compressed.  What describes the bytes
 * that they are not any more goes; a strong entity tag becomes a weak one
 * (section 8.8.3.3).
 *
 * etag  room for that, as long as msg is used
 */
void encode_head(
    struct http_msg *msg, enum coding coding, char etag[ENCODE_ETAG_MAX]);

#endif
