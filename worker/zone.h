/*
 * What operators want in responses, by zone: fields set, defaulted, removed
 * (response_headers, hsts, csp_report_only).  Made ready when settings are.
 */
#ifndef WORKER_ZONE_H
#define WORKER_ZONE_H

#include <stdbool.h>

#include "conf/conf.h"
#include "http/msg.h"

/* Rules of a zone at most, and bytes that they add to a head. */
#define ZONE_RULES_MAX (RESPONSE_HEADERS_MAX + 2) /* hsts, csp_report_only */
#define ZONE_ROOM_MAX (ZONE_RULES_MAX * (HEADER_NAME_MAX + HEADER_VALUE_MAX + 4))

struct zones;

/* NULL: no memory.  conf has to outlive it. */
struct zones *zones_new(const struct conf *conf);
void zones_free(struct zones *zones);

/*
 * Change the fields of a response, a backend's or our own.
 *
 * host   normalised; empty: it is not known
 * https  whether the client came by TLS
 */
void zones_apply(const struct zones *zones, struct span host, bool https,
    struct http_msg *msg);

#endif
