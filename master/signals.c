/* Takes signals from a descriptor, where nothing can be interrupted. */
#include "master/signals.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "lib/array.h"
#include "lib/container.h"
#include "lib/log.h"
#include "master/ending.h"
#include "master/master.h"
#include "master/reload.h"
#include "master/supervise.h"
#include "master/upgrade.h"

/* What there is to tell was logged. */
static void
reloaded(struct master *m, enum reload_end end, const char *says)
{
	(void)m;
	(void)end;
	(void)says;
}

static void
reload(struct master *m)
{
	reload_begin(m, reloaded);
}

static void
reopen(struct master *m)
{
	if (!supervise_reopen(m))
		log_event(LOG_NOTICE, "reopen-refused",
		    "no logger is running: it opens the file when it starts");
}

/* No workers, but all else, until a reload brings them back. */
static void
rest(struct master *m)
{
	if (m->phase != PHASE_SERVING || m->reload != NULL ||
	    m->upgrade != NULL) {
		log_event(LOG_WARNING, "rest-refused", "busy: try again");
		return;
	}
	log_event(LOG_NOTICE, "resting", "workers drain, HUP brings others");
	m->resting = true;
	supervise_settle(m);
}

static void
upgrade(struct master *m)
{
	upgrade_begin(m, -1, reloaded);
}

/* In the order in which they are acted on when several came at once. */
static const struct {
	int number;
	void (*act)(struct master *m);
} signals[] = {
	{ SIGTERM, ending_begin }, { SIGINT, ending_begin },
	{ SIGQUIT, ending_drain }, { SIGHUP, reload }, { SIGUSR1, reopen },
	{ SIGUSR2, upgrade }, { SIGWINCH, rest },
	{ SIGCHLD, supervise_reap }, /* may execute another program: last */
};

/* A write to a closed pipe, or to a terminal by a process in the background. */
static const int unwanted[] = { SIGPIPE, SIGTTIN, SIGTTOU };

static void
on_signal(struct ev_io *io, uint32_t events)
{
	struct master *m = container_of(io, struct master, signals);
	struct signalfd_siginfo info;
	bool came[NSIG] = { false };

	(void)events;
	while (read(io->fd, &info, sizeof(info)) == sizeof(info))
		if (info.ssi_signo < NSIG)
			came[info.ssi_signo] = true;
	for (size_t i = 0; i < nitems(signals); i++)
		if (came[signals[i].number])
			signals[i].act(m);
}

int
signals_open(struct master *m)
{
	sigset_t set;

	for (size_t i = 0; i < nitems(unwanted); i++)
		signal(unwanted[i], SIG_IGN);
	sigemptyset(&set);
	for (size_t i = 0; i < nitems(signals); i++) {
		signal(signals[i].number, SIG_DFL); /* our starter's wish was */
		sigaddset(&set, signals[i].number); /* for itself */
	}
	if (sigprocmask(SIG_BLOCK, &set, NULL) == -1)
		return -1;
	m->signals.ready = on_signal;
	m->signals.fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
	if (m->signals.fd == -1)
		return -1;
	return ev_add(&m->loop, &m->signals, EPOLLIN);
}

void
signals_close(struct master *m)
{
	if (m->signals.fd != -1)
		close(m->signals.fd);
}
