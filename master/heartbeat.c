/*
 * Asks the children that serve whether they are well, and ends those that hang,
 * also when they begin.
 */
#include "master/heartbeat.h"

#include <errno.h>
#include <signal.h>
#include <string.h>

#include "lib/clock.h"
#include "lib/container.h"
#include "lib/ctlmsg.h"
#include "lib/log.h"
#include "master/master.h"
#include "master/spawn.h"

#define PULSE_MS 500	       /* from one ping to the next */
#define PULSES_MAX 5	       /* unanswered: it may hang */
#define PULSES_STARVED_MAX 60  /* unanswered: it does, however little it ran */
#define PULSES_STARTING 120    /* without a word of one that starts */
#define STARVED_CPU_US 1000000 /* who had less may not have had the time */

/*
 * Does it hang?  Stopped or blocked, it has not run at all since it fell
 * silent; in a loop, it has run for long.  On a machine that is too busy it
 * has run a little, and is only late: killing it would make that worse.
 */
static bool
hangs(const struct child *c)
{
	uint64_t used = clock_cpu_us_of(c->pid) - c->silent_cpu_us;

	if (c->unanswered < PULSES_MAX)
		return false;
	return c->unanswered >= PULSES_STARVED_MAX || used == 0 ||
	       used >= STARVED_CPU_US;
}

static void
end_hanging(struct child *c, const char *why)
{
	char name[CHILD_NAME_MAX];

	log_event(LOG_ERR, "child-hangs", "%s pid=%d %s: it is killed",
	    child_name(c, name), c->pid, why);
	c->hung = true;
	kill(c->pid, SIGKILL);
}

/* One that begins is not asked: it says CTL_LOADING now and then, or is ready.
 */
static void
watch_start(struct child *c)
{
	if (c->state == CHILD_STARTING && c->unanswered++ >= PULSES_STARTING)
		end_hanging(c, "is not ready");
}

/* A worker that does not answer is as good as dead; so is a registrar. */
static void
ping(struct child *c)
{
	const struct ctlmsg msg = { .type = CTL_PING };
	char name[CHILD_NAME_MAX];

	if ((c->role != ROLE_WORKER && c->role != ROLE_REGISTRAR) ||
	    (c->state != CHILD_READY && c->state != CHILD_DRAINING) ||
	    c->ctl.fd == -1)
		return;
	if (hangs(c)) {
		end_hanging(c, "does not answer");
		return;
	}
	if (c->unanswered++ == 0)
		c->silent_cpu_us = clock_cpu_us_of(c->pid);
	if (ctlmsg_send(c->ctl.fd, &msg, -1) == -1 && errno != EAGAIN)
		log_event(LOG_DEBUG, "child-unpinged", "%s: %s",
		    child_name(c, name), strerror(errno));
}

static void
on_pulse(struct timer *t)
{
	struct master *m = container_of(t, struct master, pulse);

	if (m->phase == PHASE_SERVING)
		for (size_t i = 0; i < m->nchildren; i++) {
			watch_start(&m->children[i]);
			ping(&m->children[i]);
		}
	timer_set(&m->loop.timers, t, m->loop.now_ms + PULSE_MS);
}

void
heartbeat_start(struct master *m)
{
	m->pulse.fire = on_pulse;
	timer_set(&m->loop.timers, &m->pulse, m->loop.now_ms + PULSE_MS);
}
