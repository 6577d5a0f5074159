/*
 * Bytes to a message's head (RFC 9112 sections 2 to 5), strict wherever two
 * parsers could disagree.  No allocation, no socket, no clock.
 *
 * Only CRLF ends a line; no folded lines, no blank before a colon, no control
 * bytes (DEL is one) but HTAB, and that in values only.  A fault is told with
 * the byte that makes it certain, so cutting the bytes into pieces changes
 * nothing.
 */
#ifndef HTTP_PARSE_H
#define HTTP_PARSE_H

#include <stddef.h>

#include "http/msg.h"
#include "http/reason.h"

struct http_limits {
	size_t line;   /* bytes of the request or status line, without CRLF */
	size_t head;   /* bytes of the whole head; less than 16 MiB */
	size_t field;  /* bytes of one field line, without CRLF */
	size_t fields; /* how many; at most HTTP_FIELDS_MAX */
};

/* What is wrong with a head; each maps to one status, see http/reason.h. */
enum http_fault {
	HTTP_FINE,
	HTTP_MORE,            /* not all there yet, and nothing wrong so far */
	HTTP_BAD,             /* 400: not HTTP, or two parsers could disagree */
	HTTP_BAD_VERSION,     /* 400: HTTP, but neither 1.0 nor 1.1 */
	HTTP_TARGET_TOO_LONG, /* 414 */
	HTTP_HEAD_TOO_LARGE,  /* 431; also when Connection names over 32 */
};

/* How a request with this fault is answered; REASON_NONE: with none. */
enum reason http_fault_reason(enum http_fault fault);

enum http_method http_method_of(struct span text);

/*
 * Parse a request's head, as far as it is there.
 *
 * bytes    borrowed; msg's spans point into it
 * scanned  in and out, 0 at first and the parser's own then: how far earlier
 *          calls got with the same bytes (which may have moved), so that a
 *          head that trickles in costs linear time
 * msg      complete after HTTP_FINE only
 *
 * One empty line (CRLF) before the request line is skipped (section 2.2).
 */
enum http_fault http_parse_request(const char *bytes, size_t len,
    size_t *scanned, const struct http_limits *limits, struct http_msg *msg);

/* The same for a response's head.  Every fault but HTTP_MORE is a 502. */
enum http_fault http_parse_response(const char *bytes, size_t len,
    size_t *scanned, const struct http_limits *limits, struct http_msg *msg);

/*
 * Parse the field lines of a trailer section up to its empty line (section
 * 7.1.2).  msg's fields, their index and head_len are set.
 */
enum http_fault http_parse_trailers(const char *bytes, size_t len,
    size_t *scanned, const struct http_limits *limits, struct http_msg *msg);

#endif
