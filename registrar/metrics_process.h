/* The metrics of processes: metrics_node.h asks for them. */
#ifndef REGISTRAR_METRICS_PROCESS_H
#define REGISTRAR_METRICS_PROCESS_H

#include <stdbool.h>

#include "registrar/metrics_text.h"
#include "shm/node.h"

/* Append them.  False: no memory. */
bool metrics_process_write(
    const struct node *node, const struct metrics_text *text);

#endif
