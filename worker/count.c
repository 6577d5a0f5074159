/* What the counters hear of an exchange. */
#include "worker/count.h"

#include <bsd/string.h>
#include <stdio.h>

#include "lib/addr.h"
#include "lib/clock.h"
#include "route/host.h"
#include "shm/counters.h"
#include "shm/errors.h"
#include "worker/exchange.h"
#include "worker/process.h"

_Static_assert(REASON_COUNT <= COUNTERS_REASONS, "a counter a reason");
_Static_assert(HTTP_CONNECT < COUNTERS_METHODS, "and a method");

/* A tool's maintainers want to know. */
static void
note_error(const struct exchange *ex)
{
	const struct logline *line = &ex->log;
	struct span request = logline_part(line, LINE_REQUEST);
	struct error_note note = { .at_ms = clock_real_ms(),
		.took_ms = ex->w->loop.now_ms - line->begun_ms,
		.slot = ex->counted,
		.status = line->answered ? (uint16_t)line->status : 0,
		.reason = (uint16_t)ex->reason };
	struct addr addr;
	char text[ADDR_TEXT_MAX];

	if (line->ntries > 0) {
		addr_set(&addr, &line->tries[line->ntries - 1].ip,
		    line->tries[line->ntries - 1].port);
		strlcpy(note.backend, addr_format(&addr, text),
		    sizeof(note.backend));
	}
	snprintf(note.request, sizeof(note.request), "%.*s", SPAN_ARG(request));
	errors_put(&ex->w->errors, &note);
}

void
count_unknown(struct worker *w, const struct http_target *target)
{
	struct error_note note = { .at_ms = clock_real_ms(),
		.slot = COUNTERS_NONE };
	struct span name = http_target_host(target), tool = SPAN(""), rest;
	struct host host;

	host_classify(w->conf, name, &host);
	if (host.kind == HOST_LEGACY &&
	    !host_legacy_path(target->path, &tool, &rest))
		tool = SPAN("");
	snprintf(note.request, sizeof(note.request), "%.*s%s%.*s",
	    SPAN_ARG(name), tool.len > 0 ? "/" : "", SPAN_ARG(tool));
	errors_put(&w->unknown, &note);
}

void
count_response(const struct exchange *ex)
{
	const struct logline *line = &ex->log;

	if (!line->open)
		return;
	counters_add(ex->w->counters,
	    &(struct counted){ .slot = ex->counted,
		.by_backend = line->from_backend,
		.status = line->answered ? line->status : 0,
		.method = ex->method,
		.reason = ex->reason,
		.no_websocket = ex->no_websocket,
		.received = ex->received,
		.sent = line->sent,
		.took_ms = ex->w->loop.now_ms - line->begun_ms });
	if ((ex->reason != REASON_NONE || line->status >= 500) &&
	    counters_index(ex->counted) < COUNTERS_TOOLS &&
	    ex->counted != COUNTERS_OTHER)
		note_error(ex);
}
