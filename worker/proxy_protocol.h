/*
 * Who a connection is for: the header that a load balancer puts before it, in
 * version 1 (text) or 2 (binary) of the PROXY protocol.
 */
#ifndef WORKER_PROXY_PROTOCOL_H
#define WORKER_PROXY_PROTOCOL_H

#include "lib/addr.h"
#include "lib/span.h"

enum proxy_header {
	PROXY_MORE,   /* not all there yet, and nothing wrong so far */
	PROXY_BAD,    /* close: what follows cannot be believed */
	PROXY_UNSAID, /* the balancer's own, as a health check: the peer it is */
	PROXY_CLIENT, /* *client is set */
};

/*
 * Read a header.  It is at most 107 bytes in version 1 (section 2.1), and
 * PROXY_V2_MAX with its extensions, which are skipped, in version 2.
 *
 * used   set for the last two: bytes of it
 */
#define PROXY_V2_MAX 4096
enum proxy_header proxy_parse(
    struct span bytes, size_t *used, struct ip *client);

#endif
