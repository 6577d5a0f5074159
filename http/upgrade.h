/* Changing to another protocol on an HTTP/1.1 connection, RFC 9110 section 7.8. */
#ifndef HTTP_UPGRADE_H
#define HTTP_UPGRADE_H

#include <stdbool.h>

#include "http/msg.h"

#define UPGRADE_MAX 32 /* bytes of a protocol's name */

/*
 * The protocol that a request asks to change to; empty: none that is passed
 * on, and the request is as good as any without.  Never from HTTP/1.0 or with
 * a body, and never to HTTP itself or TLS: whoever is behind a tunnel that
 * carries requests hears what nobody has looked at.
 */
struct span http_upgrade_asked(const struct http_msg *msg);

/* Does this response change to what was asked for, and to nothing else? */
bool http_upgrade_given(const struct http_msg *msg, struct span asked);

#endif
