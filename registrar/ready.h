/* Whether this node should get requests, and what one compares nodes by. */
#ifndef REGISTRAR_READY_H
#define REGISTRAR_READY_H

#include <jansson.h>

struct registrar;

/* NULL: it is ready; else why not, in a word or two. */
const char *ready_why_not(const struct registrar *r);

/*
 * {"ready", "reason", "role", "node", "draining", "started", "version",
 * "table": {...}, "policy": {...}, "stores": {...}, "default_backend", "workers",
 * "certificates": [...]}; NULL: no memory.
 */
json_t *ready_tell(const struct registrar *r);

/* [{"name", "pid", "state", "since", "restarts"}]. */
json_t *ready_processes(const struct registrar *r);

#endif
