/*
 * Where kube2proxy's routes are: at the registrar of this node, or in Redis as
 * the original had them; and in Redis which of all routes are its own.
 */
#ifndef TOOLS_KUBE2PROXY_ROUTES_H
#define TOOLS_KUBE2PROXY_ROUTES_H

#include <hiredis/hiredis.h>
#include <jansson.h>
#include <stdbool.h>

#include "lib/addr.h"
#include "tools/ctl_client.h"

struct routes {
	const char *control; /* the registrar's socket; NULL: none is here */
	const char *redis_host;
	int redis_port;
	redisContext *redis; /* owned; NULL: not connected */
};

/* One service's route. */
struct kube_route {
	char tool[64];	   /* the service's name */
	char id[512];	   /* "<namespace>/<name>/<route>", its own mark */
	char pattern[256]; /* ".*", "/label.*" */
	char url[128];	   /* empty: it has no address */
};

/* The route that a Service object wants.  False: it is none that can be. */
bool kube_route_of(
    struct kube_route *r, const json_t *service, const char *path_label);

/* The same from an own mark; without URL.  False: it is none. */
bool kube_route_from_id(struct kube_route *r, const char *id);

/* Our own marks, a list of texts.  NULL: Redis is not there; it was logged. */
json_t *routes_own(struct routes *r);

/* False: it could not be stored, which was logged; try again later. */
bool routes_set(struct routes *r, const struct kube_route *route);
bool routes_delete(struct routes *r, const struct kube_route *route);

#endif
