/* Writes what all metrics have around their numbers. */
#include "registrar/metrics_text.h"

#include <inttypes.h>
#include <string.h>

#include "shm/counters.h"

static const char total[] = "_total";

/*
 * OpenMetrics calls a counter's family without what its samples end in, and
 * has no two of one name.  This one would be called as the gauge of those that
 * are open: there it is of unknown type, and keeps its name.
 */
static const char ambiguous[] = "dynproxy_connections_total";

bool
metrics_head(const struct metrics_text *t, const char *name, const char *type,
    const char *help)
{
	size_t len = strlen(name);

	if (t->open && strcmp(name, ambiguous) == 0)
		type = "unknown";
	else if (t->open && strcmp(type, "counter") == 0)
		len -= sizeof(total) - 1;
	return buf_printf(t->out, "# HELP %.*s %s\n# TYPE %.*s %s\n", (int)len,
	    name, help, (int)len, name, type);
}

bool
metrics_end(const struct metrics_text *t)
{
	return !t->open || buf_append_span(t->out, SPAN("# EOF\n"));
}

/*
 * OpenMetrics wants 1.0 and not 1.  A label is compared as text, so both have
 * it: a series must not be another one for who asks in another way.
 */
static bool
write_bucket(const struct metrics_text *t, const char *name, const char *labels,
    uint32_t ms, uint64_t n)
{
	return buf_printf(t->out, "%s_bucket{%s%sle=\"%g%s\"} %" PRIu64 "\n",
	    name, labels, *labels == '\0' ? "" : ",", ms / 1e3,
	    ms % 1000 == 0 ? ".0" : "", n);
}

bool
metrics_times(const struct metrics_text *t, const char *name,
    const char *labels, const uint64_t *times, uint64_t took_ms)
{
	bool bare = *labels == '\0';
	const char *open = bare ? "" : "{", *close = bare ? "" : "}";
	uint64_t n = 0;
	bool fits = true;

	for (size_t i = 0; fits && i < COUNTERS_TIMES - 1; i++) {
		n += times[i];
		fits = write_bucket(t, name, labels, counters_times_ms[i], n);
	}
	n += times[COUNTERS_TIMES - 1];
	return fits &&
	       buf_printf(t->out,
		   "%s_bucket{%s%sle=\"+Inf\"} %" PRIu64 "\n"
		   "%s_sum%s%s%s %.15g\n%s_count%s%s%s %" PRIu64 "\n",
		   name, labels, bare ? "" : ",", n, name, open, labels, close,
		   (double)took_ms / 1e3, name, open, labels, close, n);
}
