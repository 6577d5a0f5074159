/* Which form of an answer a client likes best, of those that we can make. */
#ifndef HTTP_NEGOTIATE_H
#define HTTP_NEGOTIATE_H

#include <stdbool.h>

#include "http/msg.h"

enum media { MEDIA_TEXT, MEDIA_HTML, MEDIA_JSON, MEDIA_OPENMETRICS };

/*
 * By Accept (RFC 9110 section 12.5.1).  The best weight wins, then what was
 * named more exactly, then what came first; an empty, absent or wholly
 * unacceptable one gets text.  JSON is application/json or problem+json.
 */
enum media http_negotiate_media(struct span accept);

/* The same for metrics: MEDIA_TEXT, unless the other is liked better. */
enum media http_negotiate_metrics(struct span accept);

/*
 * By Accept-Language: the best of n languages, as RFC 4647 section 3.4 looks
 * them up: "de-AT" asks for de-AT, else for de.
 *
 * Returns  its place, from 1; 0: none of them, or rather English, which our
 *          own words are in
 */
size_t http_negotiate_language(
    struct span accept, const struct span *languages, size_t n);

/* Content codings that we can apply; of equal weight the first is taken. */
enum coding { CODING_ZSTD, CODING_BROTLI, CODING_GZIP, CODING_NONE };

/*
 * By Accept-Encoding (RFC 9110 section 12.5.3), which may come in several
 * lines.  CODING_NONE unless one is named and not weighed below "identity":
 * "*" alone names none, as clients that write it do not know what they get.
 */
enum coding http_negotiate_coding(const struct http_msg *request);

/* Its name; "identity" for CODING_NONE. */
struct span http_coding_name(enum coding coding);

/* Is content of that type, as Content-Type has it, text? */
bool http_type_is_text(struct span content_type);

#endif
