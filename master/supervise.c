/*
 * Keeps a process in every place.  There is one registrar at most at any
 * time, since it is the only writer of the table: its successor is started
 * when waitpid(2) has told that it is gone, and never otherwise.
 */
#include "master/supervise.h"

#include <assert.h>
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/clock.h"
#include "lib/container.h"
#include "lib/ctlmsg.h"
#include "lib/log.h"
#include "master/beside.h"
#include "master/ctl.h"
#include "master/daemon.h"
#include "master/ending.h"
#include "master/facts.h"
#include "master/heartbeat.h"
#include "master/lookup.h"
#include "master/master.h"
#include "master/notify.h"
#include "master/places.h"
#include "master/reload.h"
#include "master/rollover.h"
#include "master/segments.h"
#include "master/spawn.h"
#include "master/upgrade.h"

#define START_TIMEOUT_MS 30000 /* until all are ready, or one says it loads */
#define START_FAILURES 3       /* exits of a child in a row end the start */
#define SHORT_LIFE_MS 1000     /* who lives less has its successor wait, */
#define BACKOFF_MIN_MS 100     /* from this */
#define BACKOFF_MAX_MS 5000    /* to this */

static void start_child(struct child *c);

static void
set_state(struct child *c, enum child_state state)
{
	c->state = state;
	c->since_ms = clock_real_ms();
	facts_publish(c->master);
}

static void
close_ctl(struct child *c)
{
	if (c->ctl.fd == -1)
		return;
	ev_del(&c->master->loop, &c->ctl);
	close(c->ctl.fd);
	c->ctl.fd = -1;
}

/* Whether there is to be a process in this place. */
static bool
is_wanted(const struct child *c)
{
	const struct master *m = c->master;

	if (m->phase == PHASE_DRAINING || m->phase == PHASE_ENDING)
		return false;
	switch (c->role) {
	case ROLE_WORKER:
		return c->generation == m->generation &&
		       c->slot < m->conf->workers && !m->resting &&
		       !beside_waits(m);
	case ROLE_LOGGER:
		return m->conf->access_log[0] != '\0';
	case ROLE_LOOKUP:
		return lookup_needed(m->conf);
	default:
		return true;
	}
}

bool
supervise_all_ready(const struct master *m)
{
	for (size_t i = 0; i < m->nchildren; i++)
		if (is_wanted(&m->children[i]) &&
		    m->children[i].state != CHILD_READY)
			return false;
	return true;
}

static void
now_ready(struct child *c)
{
	struct master *m = c->master;
	char name[CHILD_NAME_MAX];

	set_state(c, CHILD_READY);
	c->failures = c->unanswered = 0;
	log_event(LOG_INFO, "child-ready", "%s pid=%d after_ms=%llu",
	    child_name(c, name), c->pid,
	    (unsigned long long)(m->loop.now_ms - c->started_ms));
	rollover_ready(c);
	reload_child(c);
	upgrade_child(c);
	if (c->role == ROLE_REGISTRAR)
		beside_loaded(m);
	if (m->phase != PHASE_STARTING || !supervise_all_ready(m))
		return;
	m->phase = PHASE_SERVING;
	beside_serving(m);
	timer_clear(&m->loop.timers, &m->deadline);
	if (!m->foreground)
		daemon_ready(m->conf);
	notify_ready(m);
	log_event(LOG_NOTICE, "serving", "workers=%u", m->conf->workers);
}

/* False: it makes no sense. */
static bool
take_message(struct child *c, const struct ctlmsg *msg)
{
	char name[CHILD_NAME_MAX];

	switch (msg->type) {
	case CTL_READY:
		if (c->state == CHILD_STARTING)
			now_ready(c);
		return true;
	case CTL_LOADING: /* a registrar may have a million routes to load */
		c->unanswered = 0;
		if (c->master->phase == PHASE_STARTING)
			ending_watch(c->master, START_TIMEOUT_MS);
		reload_loading(c);
		upgrade_loading(c);
		return true;
	case CTL_PONG:
		c->unanswered = 0;
		return true;
	case CTL_APPLIED:
		c->applying = false;
		if (msg->arg != 0) /* then another one goes by it */
			kill(c->pid, SIGKILL);
		reload_child(c);
		return true;
	case CTL_DRAINING:
		log_event(LOG_INFO, "child-drains", "%s pid=%d clients=%u",
		    child_name(c, name), c->pid, msg->arg);
		c->accepting = false;
		reload_child(c);
		return true;
	case CTL_CRASH:
		log_event(LOG_ERR, "child-crashed", "%s pid=%d %s",
		    child_name(c, name), c->pid, msg->text);
		return true;
	case CTL_REOPENED:
		if (c->role == ROLE_LOGGER)
			ctl_reopened(c->master, msg->arg == 0);
		return c->role == ROLE_LOGGER;
	default:
		return false;
	}
}

static void
on_message(struct ev_io *io, uint32_t events)
{
	struct child *c = container_of(io, struct child, ctl);
	char name[CHILD_NAME_MAX];
	struct ctlmsg msg;
	int got = ctlmsg_recv(io->fd, &msg, NULL);

	(void)events;
	if ((got == 1 && take_message(c, &msg)) ||
	    (got == -1 && errno == EAGAIN))
		return;
	if (got != 0)
		log_event(LOG_ERR, "child-confused", "%s pid=%d sent nonsense",
		    child_name(c, name), c->pid);
	/* It ends, or cannot be led any more: SIGCHLD comes either way. */
	close_ctl(c);
	kill(c->pid, SIGKILL);
}

/* How long the next one waits, after this one: once, not at all. */
static uint64_t
backoff(struct child *c)
{
	uint64_t delay = BACKOFF_MIN_MS;
	char name[CHILD_NAME_MAX];

	if (c->master->loop.now_ms - c->started_ms >= SHORT_LIFE_MS) {
		c->short_lives = 0;
		return 0;
	}
	if (c->short_lives++ == 0)
		return 0;
	log_event(LOG_ERR, "child-crash-loop",
	    "%s short_lives=%u: the next one waits", child_name(c, name),
	    c->short_lives);
	for (unsigned i = 2; i < c->short_lives && delay < BACKOFF_MAX_MS; i++)
		delay *= 2;
	return delay < BACKOFF_MAX_MS ? delay : BACKOFF_MAX_MS;
}

/* No process is there any more, or could be started. */
static void
replace(struct child *c, enum node_end why)
{
	struct master *m = c->master;
	bool told = c->state == CHILD_DRAINING;
	uint64_t delay;

	c->restarts[why] += !told;
	set_state(c, is_wanted(c) ? CHILD_WAITING : CHILD_OFF);
	if (c->state == CHILD_OFF)
		return;
	delay = told ? 0 : backoff(c);
	if (delay == 0)
		start_child(c);
	else
		timer_set(&m->loop.timers, &c->again, m->loop.now_ms + delay);
}

static void
on_again(struct timer *t)
{
	start_child(container_of(t, struct child, again));
}

static void
start_child(struct child *c)
{
	struct master *m = c->master;
	char name[CHILD_NAME_MAX];

	assert(c->pid == 0 && c->ctl.fd == -1);
	c->started_ms = m->loop.now_ms;
	c->unanswered = 0;
	c->hung = false;
	if (spawn_child(c) == -1) {
		log_event(LOG_ERR, "spawn-failed", "%s: %s",
		    child_name(c, name), strerror(errno));
		replace(c, NODE_NOT_BEGUN);
		return;
	}
	set_state(c, CHILD_STARTING);
	log_event(LOG_INFO, "child-started", "%s pid=%d", child_name(c, name),
	    c->pid);
	if (ev_add(&m->loop, &c->ctl, EPOLLIN) == -1) {
		log_event(LOG_ERR, "spawn-failed", "%s: epoll: %s",
		    child_name(c, name), strerror(errno));
		close(c->ctl.fd);
		c->ctl.fd = -1;
		kill(c->pid, SIGKILL);
	}
}

static void
log_end(const struct child *c, int status)
{
	bool wanted =
	    c->state == CHILD_DRAINING || c->master->phase == PHASE_ENDING;
	char name[CHILD_NAME_MAX];

	child_name(c, name);
	if (WIFSIGNALED(status))
		log_event(wanted ? LOG_INFO : LOG_ERR, "child-died",
		    "%s pid=%d signal=%d (%s)%s", name, c->pid,
		    WTERMSIG(status), strsignal(WTERMSIG(status)),
		    WCOREDUMP(status) ? " core=yes" : "");
	else
		log_event(
		    wanted && WEXITSTATUS(status) == 0 ? LOG_INFO : LOG_ERR,
		    "child-ended", "%s pid=%d status=%d", name, c->pid,
		    WEXITSTATUS(status));
}

/* What it said before it died, and nobody has read. */
static void
last_words(struct child *c)
{
	struct ctlmsg msg;

	while (c->ctl.fd != -1 && ctlmsg_recv(c->ctl.fd, &msg, NULL) == 1)
		if (msg.type == CTL_CRASH)
			take_message(c, &msg);
}

static enum node_end
how_ended(const struct child *c, int status)
{
	if (c->hung)
		return NODE_HUNG;
	return WIFSIGNALED(status) ? NODE_DIED : NODE_ENDED;
}

static void
child_gone(struct child *c, int status)
{
	struct master *m = c->master;

	last_words(c);
	log_end(c, status);
	c->pid = 0;
	c->applying = c->accepting = false;
	close_ctl(c);
	if (c->role == ROLE_WORKER)
		segments_forget_worker(m, c->ring);
	if (c->role == ROLE_LOGGER)
		m->reopening = 0;
	c->failures = WIFEXITED(status) ? c->failures + 1 : 0;
	if (m->phase == PHASE_STARTING && c->failures == START_FAILURES)
		ending_failed(m, "a child ends again and again, see above");
	rollover_gone(c);
	replace(c, how_ended(c, status));
	reload_child(c);
	ending_gone(m);
}

void
supervise_orphan_gone(struct child *c)
{
	segments_forget_worker(c->master, c->ring);
	set_state(c, CHILD_OFF);
	ending_gone(c->master);
}

void
supervise_reap(struct master *m)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		upgrade_reaped(m, pid, status);
		for (size_t i = 0; i < m->nchildren; i++)
			if (m->children[i].pid == pid) {
				child_gone(&m->children[i], status);
				break;
			}
	}
}

int
supervise_init(struct master *m)
{
	if (places_make(m) == -1)
		return -1;
	for (size_t i = 0; i < m->nchildren; i++) {
		m->children[i].ctl = (struct ev_io){ -1, on_message };
		m->children[i].again.fire = on_again;
	}
	return 0;
}

/* Start one that is wanted, retire one that is not. */
static void
settle(struct child *c)
{
	if (is_wanted(c) && c->state == CHILD_OFF)
		start_child(c);
	else if (!is_wanted(c))
		supervise_retire(c);
}

void
supervise_settle(struct master *m)
{
	/* the registrar first: it has routes to load */
	for (size_t i = m->nchildren; i-- > 0;)
		settle(&m->children[i]);
}

void
supervise_begin(struct child *c)
{
	if (c->state == CHILD_OFF)
		start_child(c);
}

void
supervise_retire(struct child *c)
{
	struct ctlmsg msg = { .type = CTL_DRAIN,
		.value = c->master->conf->tunnel_drain_ms };

	if (c->state == CHILD_ORPHANED)
		return;
	timer_clear(&c->master->loop.timers, &c->again);
	if (c->pid == 0) {
		set_state(c, CHILD_OFF);
		return;
	}
	if (c->master->phase == PHASE_DRAINING)
		msg.value = c->master->conf->drain_timeout_ms;
	else if (c->state == CHILD_DRAINING)
		return;
	set_state(c, CHILD_DRAINING);
	c->accepting = c->role == ROLE_WORKER; /* until it says so */
	if (c->ctl.fd == -1 || ctlmsg_send(c->ctl.fd, &msg, -1) == -1)
		kill(c->pid, SIGTERM);
}

void
supervise_leave(struct child *c)
{
	close_ctl(c);
	c->pid = 0;
	set_state(c, CHILD_OFF);
}

void
supervise_renew(struct child *c)
{
	if (c->pid != 0)
		supervise_retire(c); /* replace() starts the next */
	else
		settle(c);
}

void
supervise_start(struct master *m)
{
	m->phase = PHASE_STARTING;
	ending_watch(m, START_TIMEOUT_MS);
	heartbeat_start(m);
	supervise_settle(m);
}

int
supervise_adopt(struct child *c, pid_t pid, int ctl, enum child_state state)
{
	c->pid = pid;
	c->ctl.fd = ctl;
	set_state(c, state);
	return ctl == -1 ? 0 : ev_add(&c->master->loop, &c->ctl, EPOLLIN);
}

void
supervise_resume(struct master *m)
{
	m->phase = PHASE_SERVING;
	heartbeat_start(m);
	supervise_reap(m);
}

bool
supervise_reopen(struct master *m)
{
	struct ctlmsg msg = { .type = CTL_REOPEN };

	for (size_t i = 0; i < m->nchildren; i++)
		if (m->children[i].role == ROLE_LOGGER &&
		    m->children[i].state == CHILD_READY &&
		    ctlmsg_send(m->children[i].ctl.fd, &msg, -1) == 0) {
			m->reopening++;
			return true;
		}
	return false;
}
