/* What single fields mean: lists, tokens, and which are hop-by-hop. */
#ifndef HTTP_FIELDS_H
#define HTTP_FIELDS_H

#include <stdbool.h>
#include <stdint.h>

#include "http/msg.h"

/*
 * The field of that name, a token, in any case; FIELD_OTHER if we do not know
 * it.
 */
enum http_field_id http_field_lookup(struct span name);

/* Its name as we write it.  id is not FIELD_OTHER. */
struct span http_field_name(enum http_field_id id);

/*
 * Take the next element off a comma-separated list (RFC 9110 section 5.6.1);
 * empty ones are skipped, a comma in a quoted string parts nothing.  False: no
 * more.
 */
bool http_list_next(struct span *list, struct span *element);

/* Is token, in any case, an element of any of msg's fields of that name? */
bool http_list_find(const struct http_msg *msg, enum http_field_id id,
    struct span token); /* where there are some */

static inline bool
http_list_has(
    const struct http_msg *msg, enum http_field_id id, struct span token)
{
	return msg->count[id] > 0 && http_list_find(msg, id, token);
}

/*
 * Must this field of a request or response not be passed on?
 *
 * - Connection, Keep-Alive, Proxy-Connection, TE, Trailer, Transfer-Encoding,
 *   Upgrade (RFC 9110 section 7.6.1), HTTP2-Settings (RFC 7540 section 3.2.1).
 * - Proxy (httpoxy).  Proxy-Authorization: a password for somebody's forward
 *   proxy is no tool's business; Proxy-Authenticate: nor may a tool ask for it.
 * - What we write anew or not at all, whatever a stranger claims:
 *   Content-Length (also for HEAD and 304), Forwarded, X-Forwarded-For, -Host,
 *   -Port, -Proto, X-Original-URI.
 * - Names that CGI takes for a field we know: X_Forwarded_For, Content.Length.
 * - What Connection names: but not Host, Date, Via, Expect, Authorization,
 *   Cookie, Set-Cookie, Cache-Control, Content-Type, -Encoding, -Range.  Those
 *   are for whoever reads the content and a connection option never names
 *   them (section 7.6.1); without them the message would mean another thing.
 *
 * Host is passed on as it came.  Of trailers (http_parse_trailers()) only
 * FIELD_OTHER may pass (RFC 9110 section 6.5.1), after this test.
 */
bool http_field_is_hop(const struct http_msg *msg, const struct http_field *f);

/* Digits only, no sign, at most INT64_MAX (RFC 9110 section 8.6). */
bool http_parse_length(struct span value, uint64_t *length);

/* RFC 9110 section 5.6.2. */
bool http_is_token(struct span s);

#endif
