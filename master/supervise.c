/*
 * Keeps a process in every place.  There is one registrar at most at any
 * time, since it is the only writer of the table: its successor is started
 * when waitpid(2) has told that it is gone, and never otherwise.
 */
#include "master/supervise.h"

#include <assert.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/clock.h"
#include "lib/container.h"
#include "lib/ctlmsg.h"
#include "lib/log.h"
#include "master/ctl.h"
#include "master/daemon.h"
#include "master/listeners.h"
#include "master/lookup.h"
#include "master/master.h"
#include "master/segments.h"
#include "master/spawn.h"

#define START_TIMEOUT_MS 30000 /* until all are ready, or one says it loads */
#define START_FAILURES 3       /* exits of a child in a row end the start */
#define END_TIMEOUT_MS 5000    /* from TERM to KILL */
#define SHORT_LIFE_MS 1000     /* who lives less has its successor wait, */
#define BACKOFF_MIN_MS 100     /* from this */
#define BACKOFF_MAX_MS 5000    /* to this */

static void start_child(struct child *c);
static void end_by_force(struct master *m);
static void tell_to_finish(const struct child *c);

static void
set_state(struct child *c, enum child_state state)
{
	c->state = state;
	c->since_ms = clock_real_ms();
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

static void
start_failed(struct master *m, const char *why)
{
	log_event(LOG_CRIT, "start-failed", "%s", why);
	m->status = 1;
	supervise_end(m);
}

static void
now_ready(struct child *c)
{
	struct master *m = c->master;
	char name[CHILD_NAME_MAX];

	set_state(c, CHILD_READY);
	c->failures = 0;
	log_event(LOG_INFO, "child-ready", "%s pid=%d after_ms=%llu",
	    child_name(c, name), c->pid,
	    (unsigned long long)(m->loop.now_ms - c->started_ms));
	if (m->phase != PHASE_STARTING)
		return;
	for (size_t i = 0; i < m->nchildren; i++)
		if (m->children[i].state != CHILD_READY)
			return;
	m->phase = PHASE_SERVING;
	timer_clear(&m->loop.timers, &m->deadline);
	if (!m->foreground)
		daemon_ready(m->conf);
	log_event(LOG_NOTICE, "serving", "workers=%u", m->conf->workers);
}

/* So long from now: a registrar may have a million routes to load. */
static void
await_start(struct master *m)
{
	if (m->phase == PHASE_STARTING)
		timer_set(&m->loop.timers, &m->deadline,
		    m->loop.now_ms + START_TIMEOUT_MS);
}

static void
on_message(struct ev_io *io, uint32_t events)
{
	struct child *c = container_of(io, struct child, ctl);
	char name[CHILD_NAME_MAX];
	struct ctlmsg msg;
	int fd, got;

	(void)events;
	got = ctlmsg_recv(io->fd, &msg, &fd);
	if (fd != -1)
		close(fd);
	if (got == 1 && msg.type == CTL_LOADING && c->state == CHILD_STARTING) {
		await_start(c->master);
		return;
	}
	if (got == 1 && msg.type == CTL_READY && c->state == CHILD_STARTING) {
		now_ready(c);
		return;
	}
	if (got == 1 && msg.type == CTL_REOPENED && c->role == ROLE_LOGGER) {
		ctl_reopened(c->master, msg.arg == 0);
		return;
	}
	if ((got == -1 && errno == EAGAIN) ||
	    (got == 1 && msg.type == CTL_DRAINING))
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

	if (c->master->loop.now_ms - c->started_ms >= SHORT_LIFE_MS) {
		c->short_lives = 0;
		return 0;
	}
	if (c->short_lives++ == 0)
		return 0;
	for (unsigned i = 2; i < c->short_lives && delay < BACKOFF_MAX_MS; i++)
		delay *= 2;
	return delay < BACKOFF_MAX_MS ? delay : BACKOFF_MAX_MS;
}

/* No process is there any more, or could be started. */
static void
replace(struct child *c)
{
	struct master *m = c->master;
	uint64_t delay;

	set_state(c, CHILD_WAITING);
	if (m->phase == PHASE_DRAINING || m->phase == PHASE_ENDING)
		return;
	delay = backoff(c);
	if (delay == 0)
		start_child(c);
	else
		timer_set(&m->loop.timers, &c->again, m->loop.now_ms + delay);
}

static void
on_again(struct timer *t)
{
	start_child(
	    container_of(t, struct child, again));
}

static void
start_child(struct child *c)
{
	struct master *m = c->master;
	char name[CHILD_NAME_MAX];

	assert(c->pid == 0 && c->ctl.fd == -1);
	c->started_ms = m->loop.now_ms;
	if (spawn_child(c) == -1) {
		log_event(LOG_ERR, "spawn-failed", "%s: %s",
		    child_name(c, name), strerror(errno));
		replace(c);
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
	bool wanted = c->master->phase == PHASE_DRAINING ||
		      c->master->phase == PHASE_ENDING;
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

static bool
any_process(const struct master *m, bool workers_only)
{
	for (size_t i = 0; i < m->nchildren; i++)
		if (m->children[i].pid != 0 &&
		    (!workers_only || m->children[i].role == ROLE_WORKER))
			return true;
	return false;
}

/* The logger comes last: it still has the last lines of workers to write. */
static void
go_on_ending(struct master *m)
{
	if (!any_process(m, false))
		ev_stop(&m->loop);
	for (size_t i = 0; i < m->nchildren && !any_process(m, true); i++)
		if (m->children[i].role == ROLE_LOGGER &&
		    m->children[i].pid != 0)
			tell_to_finish(&m->children[i]);
}

static void
child_gone(struct child *c, int status)
{
	struct master *m = c->master;

	log_end(c, status);
	c->pid = 0;
	close_ctl(c);
	if (c->role == ROLE_WORKER)
		segments_forget_worker(m, c->slot);
	c->failures = WIFEXITED(status) ? c->failures + 1 : 0;
	if (m->phase == PHASE_STARTING && c->failures == START_FAILURES)
		start_failed(m, "a child ends again and again, see above");
	replace(c);
	if (m->phase == PHASE_DRAINING && !any_process(m, true))
		supervise_end(m);
	else if (m->phase == PHASE_ENDING)
		go_on_ending(m);
}

void
supervise_reap(struct master *m)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
		for (size_t i = 0; i < m->nchildren; i++)
			if (m->children[i].pid == pid) {
				child_gone(&m->children[i], status);
				break;
			}
}

/* The phase took too long. */
static void
on_deadline(struct timer *t)
{
	struct master *m = container_of(t, struct master, deadline);

	switch (m->phase) {
	case PHASE_STARTING:
		start_failed(m, "30 s without a sign of a child that starts");
		break;
	case PHASE_DRAINING:
		log_event(
		    LOG_NOTICE, "drain-timeout", "requests under way are cut");
		supervise_end(m);
		break;
	case PHASE_ENDING:
		end_by_force(m);
		break;
	case PHASE_SERVING:
		break; /* has no deadline */
	}
}

/* How many processes of a role there are. */
static size_t
places(const struct conf *conf, enum role role)
{
	switch (role) {
	case ROLE_WORKER:
		return conf->workers;
	case ROLE_REGISTRAR:
		return 1;
	case ROLE_LOGGER:
		return conf->access_log[0] != '\0';
	case ROLE_LOOKUP:
		return lookup_needed(conf);
	case ROLE_COUNT:
		break;
	}
	return 0;
}

int
supervise_init(struct master *m)
{
	size_t n = 0;

	for (enum role role = 0; role < ROLE_COUNT; role++)
		n += places(m->conf, role);
	m->children = calloc(n, sizeof(*m->children));
	if (m->children == NULL)
		return -1;
	for (enum role role = 0; role < ROLE_COUNT; role++)
		for (size_t i = 0; i < places(m->conf, role); i++) {
			struct child *c = &m->children[m->nchildren++];

			c->master = m;
			c->role = role;
			c->slot = (unsigned)i;
			c->ctl = (struct ev_io){ -1, on_message };
			c->again.fire = on_again;
		}
	m->deadline.fire = on_deadline;
	return 0;
}

void
supervise_release(struct master *m)
{
	free(m->children);
}

void
supervise_start(struct master *m)
{
	m->phase = PHASE_STARTING;
	await_start(m);
	/* the registrar first: it has routes to load */
	for (size_t i = m->nchildren; i-- > 0;)
		start_child(&m->children[i]);
}

/* No process is started any more. */
static void
enter_last_phase(struct master *m, enum phase phase, uint64_t at_most_ms)
{
	m->phase = phase;
	timer_set(&m->loop.timers, &m->deadline, m->loop.now_ms + at_most_ms);
	for (size_t i = 0; i < m->nchildren; i++)
		timer_clear(&m->loop.timers, &m->children[i].again);
}

/* End when all is done; who cannot be told so ends at once. */
static void
tell_to_finish(const struct child *c)
{
	struct ctlmsg msg = { .type = CTL_DRAIN };

	if (c->ctl.fd == -1 || ctlmsg_send(c->ctl.fd, &msg, -1) == -1)
		kill(c->pid, SIGTERM);
}

bool
supervise_reopen(struct master *m)
{
	struct ctlmsg msg = { .type = CTL_REOPEN };

	for (size_t i = 0; i < m->nchildren; i++)
		if (m->children[i].role == ROLE_LOGGER &&
		    m->children[i].state == CHILD_READY)
			return ctlmsg_send(m->children[i].ctl.fd, &msg, -1) ==
			       0;
	return false;
}

void
supervise_drain(struct master *m)
{
	if (m->phase == PHASE_DRAINING || m->phase == PHASE_ENDING)
		return;
	log_event(LOG_NOTICE, "draining", "at_most_ms=%llu",
	    (unsigned long long)m->conf->drain_timeout_ms);
	enter_last_phase(m, PHASE_DRAINING, m->conf->drain_timeout_ms);
	listeners_close_http(m);
	for (size_t i = 0; i < m->nchildren; i++)
		if (m->children[i].pid != 0 &&
		    m->children[i].role == ROLE_WORKER)
			tell_to_finish(&m->children[i]);
	if (!any_process(m, true))
		supervise_end(m);
}

void
supervise_end(struct master *m)
{
	if (m->phase == PHASE_ENDING)
		return;
	log_event(LOG_NOTICE, "ending", "status=%d", m->status);
	enter_last_phase(m, PHASE_ENDING, END_TIMEOUT_MS);
	for (size_t i = 0; i < m->nchildren; i++) {
		struct child *c = &m->children[i];

		if (c->pid == 0)
			continue;
		if (c->role == ROLE_REGISTRAR) /* it has a store to close */
			tell_to_finish(c);
		else if (c->role != ROLE_LOGGER) /* see go_on_ending() */
			kill(c->pid, SIGTERM);
	}
	go_on_ending(m);
}

static void
end_by_force(struct master *m)
{
	char name[CHILD_NAME_MAX];

	for (size_t i = 0; i < m->nchildren; i++)
		if (m->children[i].pid != 0) {
			log_event(LOG_WARNING, "child-killed",
			    "%s pid=%d did not end by itself",
			    child_name(&m->children[i], name),
			    m->children[i].pid);
			kill(m->children[i].pid, SIGKILL);
		}
}
