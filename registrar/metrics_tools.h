/* The metrics of the busiest tools, and of all others together. */
#ifndef REGISTRAR_METRICS_TOOLS_H
#define REGISTRAR_METRICS_TOOLS_H

#include <stdbool.h>

#include "registrar/metrics_text.h"

struct registrar;

/*
 * A series each for METRICS_TOOLS_MAX tools; `_other` is the rest of them,
 * `_default` the default backend, `_none` requests for nobody.  So the sum
 * over all is what was answered.  False: no memory.
 */
bool metrics_tools_write(
    const struct registrar *r, const struct metrics_text *text);

#endif
