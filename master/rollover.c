/*
 * Replaces workers.  Both generations have the same sockets, so clients that
 * wait in a queue do not notice who takes them.
 */
#include "master/rollover.h"

#include <assert.h>
#include <stddef.h>

#include "lib/container.h"
#include "lib/log.h"
#include "master/places.h"
#include "master/supervise.h"

#define READY_MS 10000 /* for each worker */

static void
end(struct master *m, bool good)
{
	void (*done)(struct master *, bool) = m->rollover.done;

	timer_clear(&m->loop.timers, &m->rollover.deadline);
	m->rollover.under_way = false;
	if (!good)
		m->generation ^= 1;
	log_event(good ? LOG_NOTICE : LOG_ERR,
	    good ? "workers-replaced" : "workers-kept", "workers=%u",
	    m->conf->workers);
	done(m, good);
}

/* Start the next one, or be done. */
static void
go_on(struct master *m)
{
	struct rollover *r = &m->rollover;

	if (r->next == m->conf->workers) {
		end(m, true);
		return;
	}
	timer_set(&m->loop.timers, &r->deadline, m->loop.now_ms + READY_MS);
	supervise_begin(places_worker(m, m->generation, r->next));
}

static void
on_deadline(struct timer *t)
{
	struct master *m = container_of(t, struct master, rollover.deadline);

	end(m, false);
}

void
rollover_begin(struct master *m, void (*done)(struct master *m, bool good))
{
	assert(!m->rollover.under_way && !places_any(m, m->generation ^ 1));
	m->generation ^= 1;
	m->rollover = (struct rollover){ .under_way = true, .done = done };
	m->rollover.deadline.fire = on_deadline;
	go_on(m);
}

void
rollover_stop(struct master *m)
{
	timer_clear(&m->loop.timers, &m->rollover.deadline);
	m->rollover.under_way = false;
}

static bool
is_awaited(const struct child *c)
{
	const struct master *m = c->master;

	return m->rollover.under_way && c->role == ROLE_WORKER &&
	       c->generation == m->generation && c->slot == m->rollover.next;
}

void
rollover_ready(struct child *c)
{
	if (!is_awaited(c))
		return;
	c->master->rollover.next++;
	go_on(c->master);
}

void
rollover_gone(struct child *c)
{
	if (is_awaited(c))
		end(c->master, false);
}
