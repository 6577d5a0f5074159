/* A registration on TCP 8282 or its Unix socket (1-registration.md 1.1). */
#ifndef REGISTRAR_SESSION_H
#define REGISTRAR_SESSION_H

#include "registrar/client.h"

extern const struct client_kind session_kind;

#endif
