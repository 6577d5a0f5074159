/*
 * What operators want in responses, by zone: fields set, defaulted, removed
 * (response_headers, hsts, csp_report_only).  Made ready at the start.
 */
#ifndef WORKER_ZONE_H
#define WORKER_ZONE_H

#include <stdbool.h>

#include "conf/conf.h"
#include "http/msg.h"

struct zones;

/* NULL: no memory.  conf has to outlive it. */
struct zones *zones_new(const struct conf *conf);
void zones_free(struct zones *zones);

/* Bytes that zones_apply() adds to a head, at most. */
size_t zones_room(const struct zones *zones);

/*
 * Change the fields of a response, a backend's or our own.
 *
 * host   normalised; empty: it is not known
 * https  whether the client came by TLS
 */
void zones_apply(const struct zones *zones, struct span host, bool https,
    struct http_msg *msg);

#endif
