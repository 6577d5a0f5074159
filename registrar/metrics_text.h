/*
 * How metrics are written: as Prometheus' text format 0.0.4, or as OpenMetrics
 * 1.0.0, which Prometheus asks for and others know.  Series are the same.
 */
#ifndef REGISTRAR_METRICS_TEXT_H
#define REGISTRAR_METRICS_TEXT_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/buf.h"

struct metrics_text {
	struct buf *out; /* borrowed; appended to */
	bool open;	 /* OpenMetrics */
};

/* What comes before a family's samples; and behind the last one.  As buf_*. */
bool metrics_head(const struct metrics_text *t, const char *name,
    const char *type, const char *help);
bool metrics_end(const struct metrics_text *t);

/*
 * The samples of a histogram.
 *
 * labels  without braces, as `tool="alpha"`; "": none
 * times   COUNTERS_TIMES, not cumulative
 */
bool metrics_times(const struct metrics_text *t, const char *name,
    const char *labels, const uint64_t *times, uint64_t took_ms);

#endif
