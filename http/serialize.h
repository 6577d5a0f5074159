/* Heads from meaning to bytes: what is passed on is written anew, never copied. */
#ifndef HTTP_SERIALIZE_H
#define HTTP_SERIALIZE_H

#include <stdbool.h>

#include "http/msg.h"
#include "lib/buf.h"

/* All return false when the buffer's bound is reached. */
bool http_put_request_line(struct buf *b, struct span method,
    struct span target);
bool http_put_status_line(struct buf *b, unsigned status, struct span reason);
bool http_put_field(struct buf *b, struct span name, struct span value);
bool http_put_number(struct buf *b, struct span name, uint64_t number);
bool http_put_length(struct buf *b, uint64_t length);
bool http_put_end(struct buf *b); /* the empty line */

/* A number's digits, at the end of that room. */
#define HTTP_DIGITS_MAX 20
struct span http_digits(char room[HTTP_DIGITS_MAX], uint64_t number);

/* The standard phrase (RFC 9110 section 15), or an empty one. */
struct span http_status_phrase(unsigned status);

/* An IMF-fixdate (RFC 9110 section 5.6.7): always 29 bytes and a NUL. */
#define HTTP_DATE_LEN 29
void http_date(char out[HTTP_DATE_LEN + 1], int64_t unix_seconds);

#endif
