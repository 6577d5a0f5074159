/* What the status page asks for: JSON below /api/. */
#ifndef REGISTRAR_STATUS_API_H
#define REGISTRAR_STATUS_API_H

#include <jansson.h>

#include "lib/span.h"

struct registrar;

/*
 * Answer GET path?query: the caller's to json_decref(); NULL: no memory.
 * status   set; of the answer: 400 and 404 come with {"error"}
 */
json_t *status_api(
    struct registrar *r, struct span path, struct span query, unsigned *status);

#endif
