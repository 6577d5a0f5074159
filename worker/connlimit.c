/* Counts connections by address, and says in the log whom it refused. */
#include "worker/connlimit.h"

#include "lib/clock.h"
#include "lib/log.h"
#include "shm/counters.h"
#include "worker/process.h"
#include "worker/trusted.h"

#define SAY_EVERY_MS 10000
#define FLOOD_COSTS_MS 2000

/* A line for each would be a flood. */
static void
note_refused(const struct worker *w, struct refusals *r, const char *event,
    const struct ip *client)
{
	char text[INET6_ADDRSTRLEN];

	r->n++;
	if (w->loop.now_ms < r->say_again_ms)
		return;
	log_event(LOG_NOTICE, event, "reason=%s address=%s count=%llu",
	    reason_info(REASON_LIMIT_CLIENT)->word, ip_format(client, text),
	    (unsigned long long)(r->n - r->said));
	r->said = r->n;
	r->say_again_ms = w->loop.now_ms + SAY_EVERY_MS;
}

bool
connlimit_enter(struct worker *w, const struct ip *client, uint32_t *place)
{
	*place = 0;
	if (trusted_is(w->conf, client) ||
	    limits_connect(w->limits, client, place)) {
		counters_event(w->counters, EVENT_CONNECTION);
		return true;
	}
	counters_event(w->counters, EVENT_CONNECTION_REFUSED);
	note_refused(
	    w, &w->connlimit.connections, "connections-refused", client);
	return false;
}

int
connlimit_handshake(struct worker *w, const struct ip *client)
{
	int wait_ms = 0;

	if (!trusted_is(w->conf, client))
		wait_ms = limits_handshake(w->limits, client, w->loop.now_ms);
	if (wait_ms == -1) /* another worker's turn may have begun later */
		wait_ms = limits_handshake(w->limits, client, clock_mono_ms());
	if (wait_ms == -1) {
		counters_event(w->counters, EVENT_HANDSHAKE_REFUSED);
		note_refused(
		    w, &w->connlimit.handshakes, "handshakes-refused", client);
	}
	return wait_ms;
}

void
connlimit_flooded(struct worker *w, const struct ip *client)
{
	if (!trusted_is(w->conf, client))
		limits_charge_handshakes(
		    w->limits, client, FLOOD_COSTS_MS, w->loop.now_ms);
}

void
connlimit_leave(struct worker *w, uint32_t place)
{
	limits_disconnect(w->limits, place);
}
