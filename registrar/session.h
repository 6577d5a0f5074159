/* A registration on TCP 8282 or its Unix socket (1-registration.md 1.1). */
#ifndef REGISTRAR_SESSION_H
#define REGISTRAR_SESSION_H

#include <jansson.h>

#include "registrar/client.h"

extern const struct client_kind session_kind;

/*
 * One of this kind, for people: {"tool", "peer", "age", "state", "last",
 * "lease"}, null where there is none.  NULL: no memory.
 */
json_t *session_tell(const struct client *c);

#endif
