/* Cuts off clients that flood, and says so. */
#include "worker/h2_flood.h"

#include "lib/clock.h"
#include "lib/log.h"
#include "shm/counters.h"
#include "worker/h2_stream.h"
#include "worker/process.h"

#define LOG_EVERY_MS 1000

_Static_assert(EVENT_COUNT - EVENT_FLOOD_RESET == FLOOD_COUNT - FLOOD_RESET,
    "a counter for each, in this order");

void
h2_flood_note(struct h2 *h, enum h2_flood kind)
{
	if (h->flood != FLOOD_NONE || kind == FLOOD_NONE)
		return;
	h->flood = kind;
	h->flood_us = clock_mono_us();
}

void
h2_flood_end(struct h2 *h)
{
	h2_stream_free_all(h);
	nghttp2_session_terminate_session(
	    h->session, NGHTTP2_ENHANCE_YOUR_CALM);
	h->calmed = h->ending = h->ended = true;
	h->since_ms = h->w->loop.now_ms;
	connlimit_flooded(h->w, h->peer);
}

/* One line a second says how often it has happened. */
static void
log_flood(const struct h2 *h)
{
	struct h2_floods *f = &h->w->h2.floods;
	uint64_t now_ms = h->w->loop.now_ms;
	char text[INET6_ADDRSTRLEN];

	if (f->logged_ms != 0 && now_ms - f->logged_ms < LOG_EVERY_MS)
		return;
	log_event(LOG_NOTICE, "h2-flood",
	    "kind=%s client=%s count=%llu slowest_us=%llu",
	    h2_flood_name(h->flood), ip_format(h->peer, text),
	    (unsigned long long)f->count[h->flood],
	    (unsigned long long)f->slowest_us);
	f->logged_ms = now_ms;
	f->slowest_us = 0;
}

void
h2_flood_ended(struct h2 *h)
{
	struct h2_floods *f = &h->w->h2.floods;
	uint64_t took_us = clock_mono_us() - h->flood_us;

	if (h->flood_told)
		return;
	h->flood_told = true;
	f->count[h->flood]++;
	if (took_us > f->slowest_us)
		f->slowest_us = took_us;
	counters_event(h->w->counters,
	    (enum counters_event)(EVENT_FLOOD_RESET + h->flood - FLOOD_RESET));
	log_flood(h);
}
