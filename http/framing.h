/* How a message's body ends, and whether its connection lives on. */
#ifndef HTTP_FRAMING_H
#define HTTP_FRAMING_H

#include <stdbool.h>
#include <stdint.h>

#include "http/msg.h"

enum body_end {
	BODY_NONE,    /* there is no body */
	BODY_LENGTH,  /* after so many bytes */
	BODY_CHUNKED, /* with its last chunk and trailers */
	BODY_CLOSE,   /* with the connection: responses only */
	BODY_REFUSE,  /* two parsers could disagree: 400 or 502, and close */
};

/*
 * Decide how the body of a request ends (RFC 9112 section 6.3).  Refused:
 * Transfer-Encoding that is not just "chunked", comes twice, in HTTP/1.0 or
 * with Content-Length; Content-Length twice, as a list, or no plain number.
 *
 * length   set for BODY_LENGTH only; bytes, 0 if the sender said so
 */
enum body_end http_request_body(const struct http_msg *msg, uint64_t *length);

/*
 * The same for a response to a request of that method.  A 1xx or 204 that
 * announces a body is refused: where would the next message begin?
 */
enum body_end http_response_body(const struct http_msg *msg,
    enum http_method method, uint64_t *length);

/* Does the sender of this head want the connection kept?  (section 9.3) */
bool http_keep_alive(const struct http_msg *msg);

#endif
