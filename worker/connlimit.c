/* Counts connections by address, and says in the log whom it refused. */
#include "worker/connlimit.h"

#include "lib/log.h"
#include "worker/process.h"
#include "worker/trusted.h"

#define SAY_EVERY_MS 10000

/* A line for each would be a flood. */
static void
note_refused(struct worker *w, const struct ip *client)
{
	struct connlimit *c = &w->connlimit;
	char text[INET6_ADDRSTRLEN];

	c->refused++;
	if (w->loop.now_ms < c->say_again_ms)
		return;
	log_event(LOG_NOTICE, "connections-refused",
	    "reason=%s address=%s count=%llu",
	    reason_info(REASON_LIMIT_CLIENT)->word, ip_format(client, text),
	    (unsigned long long)(c->refused - c->refused_said));
	c->refused_said = c->refused;
	c->say_again_ms = w->loop.now_ms + SAY_EVERY_MS;
}

bool
connlimit_enter(struct worker *w, const struct ip *client, uint32_t *place)
{
	*place = 0;
	if (trusted_is(w->conf, client) ||
	    limits_connect(w->limits, client, place))
		return true;
	note_refused(w, client);
	return false;
}

void
connlimit_leave(struct worker *w, uint32_t place)
{
	limits_disconnect(w->limits, place);
}
