/* What the counters hear of an exchange. */
#include "worker/count.h"

#include "shm/counters.h"
#include "worker/exchange.h"
#include "worker/process.h"

_Static_assert(REASON_COUNT <= COUNTERS_REASONS, "a counter a reason");
_Static_assert(HTTP_CONNECT < COUNTERS_METHODS, "and a method");

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
		.received = ex->received,
		.sent = line->sent,
		.took_ms = ex->w->loop.now_ms - line->begun_ms });
}
