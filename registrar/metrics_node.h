/* The metrics that have a label of their own: metrics.h asks for them. */
#ifndef REGISTRAR_METRICS_NODE_H
#define REGISTRAR_METRICS_NODE_H

#include <stdbool.h>

#include "registrar/metrics_text.h"

struct registrar;

/* Append them.  False: no memory. */
bool metrics_node_write(
    const struct registrar *r, const struct metrics_text *text);

#endif
