/* Takes its place beside what a dead master left. */
#include "master/beside.h"

#include <errno.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "lib/log.h"
#include "lib/presence.h"
#include "master/master.h"

#define REGISTRAR_MS 5000 /* for a registrar without a master, to its end */
#define STEP_MS 5

/* It writes the store, and has the sockets of 8282: there is no second one. */
static int
wait_for_registrar(const struct master *m)
{
	const struct timespec step = { .tv_nsec = STEP_MS * 1000000 };

	for (int i = 0; i < REGISTRAR_MS / STEP_MS; i++) {
		if (!presence_of(m->presence, PRESENCE_REGISTRAR))
			return 0;
		nanosleep(&step, NULL);
	}
	log_event(LOG_CRIT, "fatal",
	    "state_directory %s: the registrar of a dead master still runs: "
	    "end it",
	    m->conf->state_directory);
	return -1;
}

int
beside_begin(struct master *m)
{
	m->presence = presence_open(m->conf->state_directory);
	if (m->presence == -1 ||
	    presence_claim(m->presence, PRESENCE_MASTER, false) == -1) {
		log_event(LOG_CRIT, "fatal", "state_directory %s: %s",
		    m->conf->state_directory,
		    errno == EAGAIN ? "dynproxyd runs already"
				    : strerror(errno));
		return -1;
	}
	m->beside = presence_of(m->presence, PRESENCE_WORKERS);
	if (m->beside)
		log_event(LOG_NOTICE, "master-before",
		    "its workers serve until ours do");
	return wait_for_registrar(m);
}

void
beside_serving(struct master *m)
{
	m->beside = false;
	if (presence_claim(m->presence, PRESENCE_SERVING, false) == -1)
		log_event(LOG_ERR, "presence-failed", "%s", strerror(errno));
}

int
beside_presence_of(const struct child *child)
{
	bool worker = child->role == ROLE_WORKER;
	int fd = presence_open(child->master->conf->state_directory), saved;

	if (fd == -1 ||
	    presence_claim(fd, worker ? PRESENCE_WORKERS : PRESENCE_REGISTRAR,
		worker) == 0)
		return fd;
	saved = errno; /* close() may change it */
	close(fd);
	errno = saved;
	return -1;
}
