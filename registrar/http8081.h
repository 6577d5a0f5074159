/* GET :8081/list and the health of this process (1-registration.md 1.4). */
#ifndef REGISTRAR_HTTP8081_H
#define REGISTRAR_HTTP8081_H

#include "registrar/client.h"

extern const struct client_kind http8081_kind;

#endif
