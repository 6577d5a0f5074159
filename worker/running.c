/* Walks the exchanges, which are in the order in which they began. */
#include "worker/running.h"

#include <stdio.h>
#include <string.h>

#include "lib/container.h"
#include "shm/requests.h"
#include "worker/exchange.h"
#include "worker/process.h"

#define EVERY_MS 1000
#define YOUNG_MS 1000 /* is not told */

static enum request_state
state_of(const struct exchange *ex)
{
	switch (ex->stage) {
	case STAGE_HEAD:
		if (!ex->upstream.connected)
			return REQUEST_CONNECTING;
		return ex->request_done ? REQUEST_WAITING : REQUEST_SENDING;
	case STAGE_TUNNEL:
		return REQUEST_TUNNEL;
	default:
		return ex->client_blocked ? REQUEST_BLOCKED : REQUEST_RECEIVING;
	}
}

/*
 * The path of a request line, without the query, which may hold what is
 * nobody's business; empty: none was kept, as there is no access log.
 */
static struct span
path_of(struct span line)
{
	const char *at = line.len == 0 ? NULL : memchr(line.ptr, ' ', line.len);
	struct span path;

	if (at == NULL)
		return SPAN("");
	path = span_from(line, (size_t)(at - line.ptr) + 1);
	for (size_t i = 0; i < path.len; i++)
		if (path.ptr[i] == ' ' || path.ptr[i] == '?')
			path.len = i;
	/* "http://host/path" (RFC 9112 section 3.2.2), or "*" */
	return path.len > 0 && *path.ptr == '/' ? path : SPAN("");
}

static void
set_text(char *out, size_t size, struct span text)
{
	snprintf(out, size, "%.*s", SPAN_ARG(text));
}

static void
tell_backend(const struct logline *line, struct request_note *note)
{
	if (line->ntries == 0)
		return;
	note->backend = line->tries[line->ntries - 1].ip;
	note->backend_port = line->tries[line->ntries - 1].port;
}

/* False: there is no room for more. */
static bool
tell(struct worker *w, const struct exchange *ex)
{
	const struct logline *line = &ex->log;
	struct request_note note = { .begun_ms = line->begun_ms,
		.received = ex->received,
		.sent = line->sent,
		.state = state_of(ex) };

	if (!logline_client_ip(line, w->conf->access_log_address, &note.client))
		note.client.family = 0;
	tell_backend(line, &note);
	set_text(note.protocol, sizeof(note.protocol), line->protocol);
	set_text(note.tool, sizeof(note.tool), asked_tool(&ex->asked));
	snprintf(note.url, sizeof(note.url), "%s://%.*s%.*s",
	    ex->asked.https ? "https" : "http",
	    SPAN_ARG(asked_host(&ex->asked)),
	    SPAN_ARG(path_of(logline_part(line, LINE_REQUEST))));
	return requests_put(w->requests, &note);
}

static void
timer_due(struct timer *t)
{
	struct worker *w = container_of(t, struct worker, running);
	uint64_t now = w->loop.now_ms;
	const struct exchange *ex;

	requests_begin(w->requests);
	TAILQ_FOREACH(ex, &w->overload.exchanges, under_way)
	if (now - ex->log.begun_ms < YOUNG_MS || !tell(w, ex))
		break;
	requests_end(w->requests, w->boot.number, now);
	timer_set(&w->loop.timers, t, now + EVERY_MS);
}

void
running_start(struct worker *w)
{
	w->running.fire = timer_due;
	timer_set(&w->loop.timers, &w->running, w->loop.now_ms + EVERY_MS);
}
