/*
 * Becomes another program.  Before exec(2): a child tries it.  After it: the
 * registrar, then the workers are replaced, and where one is not ready in time
 * the program of before takes over again, by the descriptor that was kept.
 */
#include "master/upgrade.h"

#include <bsd/string.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/container.h"
#include "lib/ctlmsg.h"
#include "lib/log.h"
#include "master/ctl.h"
#include "master/daemon.h"
#include "master/inherit.h"
#include "master/notify.h"
#include "master/places.h"
#include "master/rollover.h"
#include "master/segments.h"
#include "master/supervise.h"

#define PROBE_MS 10000	   /* for the child that tries */
#define REGISTRAR_MS 30000 /* for a word of another registrar */
#define SAYS_MAX 2048	   /* bytes of what the probe tells */
#define ENDS "dynproxyd ends\n"

struct upgrade {
	struct master *master; /* borrowed */
	struct timer deadline; /* of the probe, or of the registrar */

	/* before */
	pid_t probe;
	int says;     /* owned: where the probe tells why not */
	int state_fd; /* owned */
	int exe_fd;   /* owned: the next program */
	int asker; /* owned: who waits for its end, or has left; -1: nobody */
	void (*ended)(struct master *m, enum reload_end end, const char *says);

	/* after */
	bool registrar; /* it is being replaced */
};

/* Returns only when it failed. */
static void
become(struct master *m, int exe_fd, int state_fd, bool back)
{
	char value[32];

	snprintf(value, sizeof(value), "%d%s", state_fd, back ? " back" : "");
	if (setenv(UPGRADE_VARIABLE, value, 1) == 0 &&
	    inherit_keep_open(state_fd, true)) {
		log_finish();
		fexecve(exe_fd, m->argv, environ);
	}
	log_event(LOG_ERR, "exec-failed", "%s", strerror(errno));
	unsetenv(UPGRADE_VARIABLE);
	inherit_keep_open(state_fd, false);
}

static void
release(struct upgrade *u)
{
	timer_clear(&u->master->loop.timers, &u->deadline);
	if (u->says != -1)
		close(u->says);
	if (u->state_fd != -1)
		close(u->state_fd);
	if (u->exe_fd != -1)
		close(u->exe_fd);
	if (u->asker != -1)
		close(u->asker);
	u->master->upgrade = NULL;
	free(u);
}

/* Before: nothing has changed. */
static void
give_up(struct upgrade *u, enum reload_end how, const char *why)
{
	struct master *m = u->master;
	void (*ended)(struct master *, enum reload_end, const char *) =
	    u->ended;

	release(u);
	ended(m, how, why);
}

static void
refuse(struct upgrade *u, const char *why)
{
	log_event(LOG_ERR, "upgrade-refused", "%s", why);
	give_up(u, RELOAD_REFUSED, why);
}

static void
on_probe_deadline(struct timer *t)
{
	kill(container_of(t, struct upgrade, deadline)->probe, SIGKILL);
}

/* In the child. */
static void __attribute__((noreturn))
run_probe(const struct upgrade *u, int says)
{
	char state[12];
	char *argv[] = { (char *)"dynproxyd:", (char *)"probe", state, NULL };
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	snprintf(state, sizeof(state), "%d", u->state_fd);
	if (dup2(says, STDERR_FILENO) != -1 &&
	    inherit_keep_open(u->state_fd, true))
		fexecve(u->exe_fd, argv, environ);
	dprintf(STDERR_FILENO, "it cannot be executed: %s\n", strerror(errno));
	_exit(1);
}

/* What there is now, for the next image.  False with errno. */
static bool
write_state(struct upgrade *u)
{
	struct master *m = u->master;

	if (u->state_fd != -1)
		close(u->state_fd);
	u->state_fd = inherit_write(m, u->asker, m->segments, SEGMENT_COUNT);
	return u->state_fd != -1;
}

/* -1 with errno. */
static int
start_probe(struct upgrade *u, int asker)
{
	struct master *m = u->master;
	int ends[2];

	u->exe_fd = open(m->exe_path, O_RDONLY | O_CLOEXEC);
	if (u->exe_fd == -1)
		return -1;
	/* our own: its number must not become another's when it leaves */
	if (asker != -1)
		u->asker = fcntl(asker, F_DUPFD_CLOEXEC, 0);
	if ((asker != -1 && u->asker == -1) || !write_state(u) ||
	    pipe2(ends, O_CLOEXEC | O_NONBLOCK) == -1)
		return -1;
	u->says = ends[0];
	u->probe = fork();
	if (u->probe == 0)
		run_probe(u, ends[1]);
	close(ends[1]);
	if (u->probe == -1)
		return -1;
	timer_set(&m->loop.timers, &u->deadline, m->loop.now_ms + PROBE_MS);
	return 0;
}

static const char *
why_not_now(const struct master *m)
{
	if (m->phase != PHASE_SERVING || m->reload != NULL ||
	    m->upgrade != NULL || m->rollover.under_way || m->resting)
		return "dynproxyd is busy starting, ending, reloading or "
		       "resting: try again\n";
	if (places_any(m, m->generation ^ 1))
		return "workers of an older generation still drain: "
		       "dynproxyctl "
		       "status shows them; try again later\n";
	return supervise_all_ready(m)
		   ? NULL
		   : "not every process is ready: try again\n";
}

void
upgrade_begin(struct master *m, int asker,
    void (*ended)(struct master *m, enum reload_end end, const char *says))
{
	const char *why = why_not_now(m);
	struct upgrade *u;

	if (why != NULL) {
		ended(m, RELOAD_AGAIN, why);
		return;
	}
	u = calloc(1, sizeof(*u));
	if (u == NULL) {
		ended(m, RELOAD_REFUSED, "no memory\n");
		return;
	}
	*u = (struct upgrade){ .master = m,
		.says = -1,
		.state_fd = -1,
		.exe_fd = -1,
		.asker = -1,
		.ended = ended };
	u->deadline.fire = on_probe_deadline;
	m->upgrade = u;
	log_event(LOG_NOTICE, "upgrade-asked", "program=%s", m->exe_path);
	if (start_probe(u, asker) == -1) {
		char text[256];

		snprintf(text, sizeof(text), "%s: %s\n", m->exe_path,
		    strerror(errno));
		refuse(u, text);
	}
}

void
upgrade_reaped(struct master *m, pid_t pid, int status)
{
	struct upgrade *u = m->upgrade;
	char text[SAYS_MAX + 128] = "";
	ssize_t n;

	if (u == NULL || u->probe != pid)
		return;
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0) {
		notify_reloading(m);
		/* a child may have ended, and another begun, meanwhile */
		if (write_state(u))
			become(m, u->exe_fd, u->state_fd, false);
		refuse(u, "the program cannot be executed\n");
		return;
	}
	snprintf(text, sizeof(text), "%s cannot take over: ", m->exe_path);
	n = read(u->says, text + strlen(text), SAYS_MAX);
	if (n <= 0)
		strlcat(
		    text, "it did not say why, or not in time\n", sizeof(text));
	refuse(u, text);
}

int
upgrade_probe(const char *state)
{
	struct master m = { .lookup = { -1, -1 }, .log_wake = { -1, -1 } };
	int fd = (int)strtol(state, NULL, 10);
	struct inherited *in = inherit_read_take(&m, fd, stderr);

	if (in == NULL)
		return 1;
	memcpy(m.segments, in->segments, sizeof(m.segments));
	return segments_check(&m, stderr) ? 0 : 1;
}

/* --- after ---------------------------------------------------------------- */

static void
end(struct upgrade *u, bool good)
{
	struct master *m = u->master;
	struct inherited *in = m->inherited;

	log_event(good ? LOG_NOTICE : LOG_ERR,
	    good ? "upgraded" : "upgrade-taken-back", "program=%s",
	    m->exe_path);
	segments_drop(m, in->segments, SEGMENTS_MAX);
	if (in->asker != -1)
		ctl_answer_take(in->asker, good ? RELOAD_DONE : RELOAD_REFUSED,
		    good
			? ""
			: "the new program's processes were not ready in time, "
			  "and the old one serves on: the log says why\n");
	inherit_free(in);
	m->inherited = NULL;
	release(u);
	notify_ready(m);
}

/* What cannot be used by the program of before ends at once. */
static void
end_new_children(struct master *m)
{
	for (size_t i = 0; i < m->nchildren; i++) {
		struct child *c = &m->children[i];

		if (c->pid == 0 || c->state == CHILD_READY)
			continue;
		kill(c->pid, SIGKILL);
		c->state = CHILD_DRAINING;
	}
}

static void
go_back(struct upgrade *u)
{
	struct master *m = u->master;
	struct inherited *in = m->inherited;

	log_event(LOG_ERR, "upgrade-failed",
	    "not ready in time: the program before takes over");
	end_new_children(m);
	u->state_fd = inherit_write(m, in->asker, in->segments, SEGMENTS_MAX);
	if (u->state_fd != -1)
		become(m, in->exe_fd, u->state_fd, true);
	end(u, false);
}

static void
workers_replaced(struct master *m, bool good)
{
	if (!good) {
		for (unsigned i = 0; i < m->places; i++) {
			struct child *c =
			    places_worker(m, m->generation ^ 1, i);

			if (c->pid != 0)
				c->state = CHILD_DRAINING;
		}
		go_back(m->upgrade);
		return;
	}
	supervise_settle(m); /* the old ones drain */
	supervise_renew(places_child(m, ROLE_LOGGER));
	supervise_renew(places_child(m, ROLE_LOOKUP));
	end(m->upgrade, true);
}

static void
on_registrar_deadline(struct timer *t)
{
	struct upgrade *u = container_of(t, struct upgrade, deadline);

	if (u->master->inherited->rollback)
		end(u, false);
	else
		go_back(u);
}

static void
await_registrar(struct upgrade *u)
{
	struct ev_loop *loop = &u->master->loop;

	u->registrar = true;
	timer_set(&loop->timers, &u->deadline, loop->now_ms + REGISTRAR_MS);
}

void
upgrade_child(struct child *c)
{
	struct master *m = c->master;
	struct upgrade *u = m->upgrade;

	if (u == NULL || !u->registrar || c->role != ROLE_REGISTRAR)
		return;
	u->registrar = false;
	timer_clear(&m->loop.timers, &u->deadline);
	if (m->inherited->rollback)
		end(u, false);
	else
		rollover_begin(m, workers_replaced);
}

void
upgrade_loading(const struct child *c)
{
	struct upgrade *u = c->master->upgrade;

	if (u != NULL && u->registrar && c->role == ROLE_REGISTRAR)
		await_registrar(u);
}

int
upgrade_go_on(struct master *m)
{
	struct upgrade *u = calloc(1, sizeof(*u));

	if (u == NULL || inherit_children(m, m->inherited) == -1) {
		free(u);
		return -1;
	}
	*u = (struct upgrade){ .master = m,
		.says = -1,
		.state_fd = -1,
		.exe_fd = -1,
		.asker = -1 };
	u->deadline.fire = on_registrar_deadline;
	m->upgrade = u;
	if (!m->foreground)
		daemon_ready(m->conf);
	supervise_resume(m);
	await_registrar(u);
	supervise_renew(places_child(m, ROLE_REGISTRAR));
	return 0;
}

/* The processes stay what they are by now. */
static void
stay(struct upgrade *u)
{
	struct inherited *in = u->master->inherited;

	if (in->asker != -1)
		ctl_answer_take(in->asker, RELOAD_AGAIN, ENDS);
	in->asker = -1;
	release(u);
}

void
upgrade_stop(struct master *m)
{
	struct upgrade *u = m->upgrade;

	if (u == NULL)
		return;
	log_event(LOG_NOTICE, "upgrade-stopped", "program=%s", m->exe_path);
	if (u->probe == 0) {
		stay(u);
		return;
	}
	kill(u->probe, SIGKILL);
	give_up(u, RELOAD_AGAIN, ENDS);
}

void
upgrade_back_at_once(struct master *m)
{
	become(m, m->inherited->exe_fd, m->inherited->state_fd, true);
}

void
upgrade_release(struct master *m)
{
	if (m->upgrade != NULL)
		release(m->upgrade);
	inherit_free(m->inherited);
	m->inherited = NULL;
}
