/* Where a client is sent instead: Location fields, of normalised names only. */
#ifndef ROUTE_REDIRECT_H
#define ROUTE_REDIRECT_H

#include <stddef.h>

#include "conf/conf.h"
#include "http/target.h"
#include "lib/span.h"

/* scheme://host, and the longest request line there may be. */
#define LOCATION_MAX (8 + HOST_NAME_MAX_DNS + 16 * 1024)

/*
 * The same address by TLS: on the port of the first listener that speaks it.
 * As redirect_location().
 *
 * raw  the target as it came
 */
size_t redirect_https(const struct conf *conf, struct span host,
    struct span raw, char out[LOCATION_MAX]);

/*
 * `<scheme>://<label>.<domain><rest>`.  Returns its bytes; 0: it does not fit
 * in LOCATION_MAX.
 *
 * label    empty: the host is domain itself
 * rest     raw path and query, or their end: it gets its slash here
 */
size_t redirect_location(const struct conf *conf, struct span label,
    struct span domain, struct span rest, char out[LOCATION_MAX]);

/* `<path>/[?query]` on the same host: a relative reference. */
size_t redirect_slash(
    const struct http_target *target, char out[LOCATION_MAX]);

/* The configured redirect that names this very host.  NULL: none does. */
const struct redirect_conf *redirect_find(
    const struct conf *conf, struct span host);

/*
 * The first one at or after *at that covers the host as one label below it;
 * *at moves past it.  NULL: no more.
 */
const struct redirect_conf *redirect_find_below(const struct conf *conf,
    struct span host, struct span *label, size_t *at);

#endif
