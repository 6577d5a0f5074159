/*
 * What there is to be measured, for Prometheus.  Names and labels are those of
 * dynproxy-metrics(7); t/00-man.t compares.
 */
#ifndef REGISTRAR_METRICS_H
#define REGISTRAR_METRICS_H

#include <stdbool.h>

#include "registrar/metrics_text.h"

struct registrar;

#define METRICS_TOOLS_MAX 500 /* with series of their own: the busiest */
#define METRICS_MAX (4 << 20) /* bytes of all of it */

/* Append all of them.  False: no memory. */
bool metrics_write(const struct registrar *r, const struct metrics_text *text);

#endif
