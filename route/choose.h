/* Finds the route of a request: step 6 of the order of decisions. */
#ifndef ROUTE_CHOOSE_H
#define ROUTE_CHOOSE_H

#include "route/decide.h"

/*
 * Fill a decision whose host is set: to proxy, to redirect, or to refuse.
 * The table has to be ready.
 */
void route_choose(struct router *router, const struct http_target *target,
    struct decision *decision);

/*
 * The same for a request that is to come again by TLS: to redirect, or to
 * refuse if its host is none of ours (step 1).
 */
void route_to_tls(struct router *router, const struct http_target *target,
    struct decision *decision);

#endif
