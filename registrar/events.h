/*
 * What happened to tools lately: the lines of this process's log that are of
 * one, "EVENT name=TOOL ...", are kept in memory, since neither a tool's
 * maintainers nor the registrar can read the log.
 */
#ifndef REGISTRAR_EVENTS_H
#define REGISTRAR_EVENTS_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct events;

#define EVENTS_KEPT 4096 /* of all tools; then the oldest go */

/* Keep them, until events_close().  NULL with errno. */
struct events *events_open(void);
void events_close(struct events *e);

/* Have every line handed over as well, as log_watch() does.  NULL: no more. */
void events_watch(
    struct events *e, void (*watch)(void *arg, const char *line), void *arg);

/* Is the line about the tool? */
bool events_concern(const char *line, const char *tool);

/* {"time", "event", "text"} of a line. */
json_t *events_tell(uint64_t real_ms, const char *line);

/*
 * Those of a tool, the newest first, at most max: an array of the same, whose
 * texts do not begin with its name.  NULL: no memory.
 */
json_t *events_of(const struct events *e, const char *tool, size_t max);

#endif
