/* Keeps the last events of tools in a ring. */
#include "registrar/events.h"

#include <bsd/string.h>
#include <stdbool.h>
#include <stdlib.h>

#include "lib/clock.h"
#include "lib/log.h"
#include "lib/span.h"
#include "registrar/listing.h"

#define LINE_KEPT 248 /* bytes; what is longer is cut */

struct event {
	uint64_t at_ms; /* CLOCK_REALTIME */
	char line[LINE_KEPT];
};

struct events {
	void (*watch)(void *arg, const char *line); /* NULL: nobody does */
	void *arg;
	size_t n; /* that were kept so far; the last ones are there yet */
	struct event ring[EVENTS_KEPT];
};

/* What comes behind "EVENT name="; NULL: it is of no tool. */
static const char *
name_in(const char *line)
{
	static const struct span mark = SPAN(" name=");
	const char *blank = strchr(line, ' ');

	return blank != NULL && strncmp(blank, mark.ptr, mark.len) == 0
		   ? blank + mark.len
		   : NULL;
}

/* What comes behind that name, or NULL. */
static const char *
behind_name(const char *line, const char *tool)
{
	const char *name = name_in(line);
	size_t len = strlen(tool);

	if (name == NULL || strncmp(name, tool, len) != 0)
		return NULL;
	name += len;
	return *name == ' ' || *name == '\0' ? name + (*name == ' ') : NULL;
}

bool
events_concern(const char *line, const char *tool)
{
	return behind_name(line, tool) != NULL;
}

/* No event may come of this: it would come here. */
static void
on_line(void *arg, const char *line)
{
	struct events *e = arg;
	struct event *event = &e->ring[e->n % EVENTS_KEPT];

	if (name_in(line) != NULL) {
		event->at_ms = clock_real_ms();
		strlcpy(event->line, line, sizeof(event->line));
		e->n++;
	}
	if (e->watch != NULL)
		e->watch(e->arg, line);
}

struct events *
events_open(void)
{
	struct events *e = calloc(1, sizeof(*e));

	if (e != NULL)
		log_watch(on_line, e);
	return e;
}

void
events_close(struct events *e)
{
	log_watch(NULL, NULL);
	free(e);
}

void
events_watch(
    struct events *e, void (*watch)(void *arg, const char *line), void *arg)
{
	e->watch = watch;
	e->arg = arg;
}

static json_t *
tell(uint64_t real_ms, const char *line, const char *text)
{
	return json_pack("{s:o, s:s#, s:o}", "time", listing_time(real_ms),
	    "event", line, (int)strcspn(line, " "), "text", listing_text(text));
}

json_t *
events_tell(uint64_t real_ms, const char *line)
{
	const char *blank = strchr(line, ' ');

	return tell(real_ms, line, blank != NULL ? blank + 1 : line);
}

json_t *
events_of(const struct events *e, const char *tool, size_t max)
{
	json_t *all = json_array();
	const struct event *event;
	const char *text;

	for (size_t back = 1; back <= EVENTS_KEPT && back <= e->n; back++) {
		event = &e->ring[(e->n - back) % EVENTS_KEPT];
		text = behind_name(event->line, tool);
		if (text != NULL &&
		    json_array_append_new(
			all, tell(event->at_ms, event->line, text)) == 0 &&
		    json_array_size(all) == max)
			break;
	}
	return all;
}
