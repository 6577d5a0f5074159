/* The request target and Host (RFC 9112 section 3.2, 3.3). */
#ifndef HTTP_TARGET_H
#define HTTP_TARGET_H

#include <stdbool.h>
#include <stdint.h>

#include "http/msg.h"
#include "http/reason.h"

#define HOST_NAME_MAX_DNS 255

struct http_target {
	struct span authority; /* host[:port] as received, never empty */
	struct span path;      /* raw, with the leading slash; "*" for OPTIONS */
	struct span query;     /* without the '?'; empty: none */
	struct span raw;       /* path and query as they go to the backend */
	size_t host_len;
	char host[HOST_NAME_MAX_DNS + 1]; /* authority's, normalised */
};

static inline struct span
http_target_host(const struct http_target *target)
{
	return (struct span){ target->host, target->host_len };
}

enum target_fault {
	TARGET_FINE,
	TARGET_NO_HOST,  /* 400 no-host: missing, or more than one, or invalid */
	TARGET_BAD,      /* 400 bad-request: no form of section 3.2 */
	TARGET_CONNECT,  /* 405 method: we are no forward proxy */
};

/*
 * Find out what a request is for.  An absolute form must agree with Host
 * (7-security.md, framing policy); HTTP/1.0 without Host is TARGET_NO_HOST.
 * The spans point into the message, or to a constant "/" or "*".
 */
enum target_fault http_target(const struct http_msg *msg,
    struct http_target *target);

/* How a target that is not fine is answered; REASON_NONE: it is fine. */
enum reason http_target_reason(enum target_fault fault);

/*
 * Normalise a host: port and trailing dot off, lower case, IPv6 in brackets
 * as inet_ntop(3) writes it.  The one place where this is done.  False: not a
 * valid host (RFC 3986 section 3.2.2; here letters, digits, hyphens,
 * underscores in labels of 1 to 63; or an IP literal), or port (0 to 65535, or
 * nothing after the colon).
 *
 * out   at least HOST_NAME_MAX_DNS + 1 bytes; NUL-terminated
 */
bool http_host_normalize(struct span authority, char *out, size_t *len);

#endif
