/*
 * Where kube2proxy's routes are: at the registrar of this node, or in Redis as
 * the original had them; and in Redis which of all routes are its own.
 */
#ifndef TOOLS_KUBE2PROXY_ROUTES_H
#define TOOLS_KUBE2PROXY_ROUTES_H

#include <hiredis/hiredis.h>

#include "tools/kube2proxy_wanted.h"

struct routes {
	const char *control; /* the registrar's socket; NULL: none is here */
	const char *redis_host;
	int redis_port;

	/* kube2proxy_routes.c only; all is owned */
	redisContext *redis; /* NULL: not connected */
	json_t *marks; /* mark -> true; NULL: what is there is not known */
	json_t *there; /* route -> URLs; all of the node, and more */
};

/*
 * Make what is there what is wanted, and know it from then on.  False: not all
 * could be done, which was logged; try again later.
 */
bool routes_make(struct routes *r, const struct kube_wanted *wanted);

/* It may be otherwise by now: look again before the next change. */
void routes_forget(struct routes *r);

#endif
