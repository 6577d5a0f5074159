/*
 * The end, in its order: workers, then the registrar, then the logger, which
 * has their last lines to write.
 */
#include "master/ending.h"

#include <signal.h>
#include <stddef.h>

#include "lib/container.h"
#include "lib/log.h"
#include "master/beside.h"
#include "master/facts.h"
#include "master/listeners.h"
#include "master/notify.h"
#include "master/places.h"
#include "master/reload.h"
#include "master/rollover.h"
#include "master/spawn.h"
#include "master/supervise.h"
#include "master/upgrade.h"

#define END_TIMEOUT_MS 5000 /* from TERM to KILL */

static bool
any_process(const struct master *m, bool workers_only)
{
	for (size_t i = 0; i < m->nchildren; i++)
		if (child_lives(&m->children[i]) &&
		    (!workers_only || m->children[i].role == ROLE_WORKER))
			return true;
	return false;
}

static void
end_by_force(struct master *m)
{
	char name[CHILD_NAME_MAX];

	for (size_t i = 0; i < m->nchildren; i++) {
		struct child *c = &m->children[i];

		if (!child_lives(c))
			continue;
		log_event(LOG_WARNING, "child-killed",
		    "%s pid=%d did not end by itself", child_name(c, name),
		    c->pid);
		if (c->state == CHILD_ORPHANED)
			supervise_orphan_gone(c); /* it is not ours to kill */
		else
			kill(c->pid, SIGKILL);
	}
}

/* The phase took too long. */
static void
on_deadline(struct timer *t)
{
	struct master *m = container_of(t, struct master, deadline);

	switch (m->phase) {
	case PHASE_STARTING:
		ending_failed(m, "30 s without a sign of a child that starts");
		break;
	case PHASE_DRAINING:
		log_event(
		    LOG_NOTICE, "drain-timeout", "requests under way are cut");
		ending_begin(m);
		break;
	case PHASE_ENDING:
		end_by_force(m);
		break;
	case PHASE_SERVING:
		break; /* has no deadline */
	}
}

void
ending_watch(struct master *m, uint64_t within_ms)
{
	m->deadline.fire = on_deadline;
	timer_set(&m->loop.timers, &m->deadline, m->loop.now_ms + within_ms);
}

void
ending_failed(struct master *m, const char *why)
{
	log_event(LOG_CRIT, "start-failed", "%s", why);
	m->status = 1;
	ending_begin(m);
}

/* No process is started any more. */
static void
enter_last_phase(struct master *m, enum phase phase, uint64_t at_most_ms)
{
	rollover_stop(m);
	reload_stop(m);
	upgrade_stop(m);
	m->phase = phase;
	notify_stopping(m);
	beside_ending(m);
	ending_watch(m, at_most_ms);
	for (size_t i = 0; i < m->nchildren; i++)
		timer_clear(&m->loop.timers, &m->children[i].again);
	facts_publish(m);
}

void
ending_drain(struct master *m)
{
	if (m->phase == PHASE_DRAINING || m->phase == PHASE_ENDING)
		return;
	log_event(LOG_NOTICE, "draining", "at_most_ms=%llu",
	    (unsigned long long)m->conf->drain_timeout_ms);
	enter_last_phase(m, PHASE_DRAINING, m->conf->drain_timeout_ms);
	listeners_close_web(m->listeners, m->conf);
	for (size_t i = 0; i < m->nchildren; i++)
		if (m->children[i].role == ROLE_WORKER)
			supervise_retire(&m->children[i]);
	ending_gone(m);
}

/* The logger comes last. */
static void
go_on(struct master *m)
{
	if (!any_process(m, false))
		ev_stop(&m->loop);
	else if (!any_process(m, true))
		supervise_retire(places_child(m, ROLE_LOGGER));
}

void
ending_begin(struct master *m)
{
	if (m->phase == PHASE_ENDING)
		return;
	log_event(LOG_NOTICE, "ending", "status=%d", m->status);
	enter_last_phase(m, PHASE_ENDING, END_TIMEOUT_MS);
	for (size_t i = 0; i < m->nchildren; i++) {
		struct child *c = &m->children[i];

		if (c->role == ROLE_REGISTRAR) /* it has a store to close */
			supervise_retire(c);
		else if (c->role != ROLE_LOGGER && c->pid != 0)
			kill(c->pid, SIGTERM);
	}
	go_on(m);
}

void
ending_gone(struct master *m)
{
	if (m->phase == PHASE_DRAINING && !any_process(m, true))
		ending_begin(m);
	else if (m->phase == PHASE_ENDING)
		go_on(m);
}
