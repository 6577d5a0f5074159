/*
 * Binds the listening sockets.  One SO_REUSEPORT socket a worker slot stays
 * open here, so that what waits in a dead worker's queue is served by its
 * successor.
 */
#include "master/listeners.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/log.h"
#include "lib/sock.h"
#include "master/master.h"

#define BACKLOG 4096 /* the kernel's net.core.somaxconn bounds it */

/* The registrar asks who is there; only the master's user may ask the master.
 */
static const mode_t modes[] = {
	[LISTEN_REGISTRATION] = 0666,
	[LISTEN_CONTROL] = 0666,
	[LISTEN_MASTER] = 0600,
};

static int *
place(const struct master *m, size_t at, unsigned slot)
{
	return &m->listener_fds[at * m->conf->workers + slot];
}

int
listener_fd(const struct master *m, size_t at, unsigned slot)
{
	return *place(m, at, slot);
}

/*
 * SO_REUSEPORT lets a second instance of the same user bind too, and take
 * half of the clients: only a socket without it tells that the port is free.
 */
static int
listen_http(const struct addr *a, int *fds, unsigned nslots)
{
	int probe = sock_listen(a, 1, false, 0);

	if (probe == -1)
		return -1;
	close(probe);
	for (unsigned slot = 0; slot < nslots; slot++) {
		fds[slot] = sock_listen(a, BACKLOG, true, 0);
		if (fds[slot] == -1)
			return -1;
	}
	return 0;
}

static int
open_listener(struct master *m, size_t at)
{
	const struct listener_conf *l = &m->conf->listeners[at];
	int *fds = place(m, at, 0);

	if (listener_is_web(l->kind))
		return listen_http(&l->addr, fds, m->conf->workers);
	if (l->kind == LISTEN_MASTER)
		*fds = sock_listen_packets(&l->addr, BACKLOG, modes[l->kind]);
	else
		*fds = sock_listen(&l->addr, BACKLOG, false, modes[l->kind]);
	return *fds == -1 ? -1 : 0;
}

int
listeners_open(struct master *m)
{
	size_t n = m->conf->nlisteners * m->conf->workers;
	char text[ADDR_TEXT_MAX];

	m->listener_fds = reallocarray(NULL, n, sizeof(*m->listener_fds));
	if (m->listener_fds == NULL) {
		log_event(LOG_CRIT, "fatal", "listeners: %s", strerror(errno));
		return -1;
	}
	for (size_t i = 0; i < n; i++)
		m->listener_fds[i] = -1;
	for (size_t i = 0; i < m->conf->nlisteners; i++)
		if (open_listener(m, i) == -1) {
			addr_format(&m->conf->listeners[i].addr, text);
			log_event(LOG_CRIT, "fatal", "listener %s: bind: %s",
			    text, strerror(errno));
			listeners_close(m);
			return -1;
		}
	return 0;
}

void
listeners_close_http(struct master *m)
{
	for (size_t i = 0; i < m->conf->nlisteners; i++)
		for (unsigned slot = 0; slot < m->conf->workers; slot++) {
			int *fd = place(m, i, slot);

			if (!listener_is_web(m->conf->listeners[i].kind) ||
			    *fd == -1)
				continue;
			close(*fd);
			*fd = -1;
		}
}

void
listeners_close(struct master *m)
{
	size_t n = m->conf->nlisteners * m->conf->workers;

	if (m->listener_fds == NULL)
		return;
	/* only a path that we bound is ours to remove */
	for (size_t i = 0; i < m->conf->nlisteners; i++)
		if (m->conf->listeners[i].addr.u.sa.sa_family == AF_UNIX &&
		    listener_fd(m, i, 0) != -1)
			unlink(m->conf->listeners[i].addr.u.un.sun_path);
	for (size_t i = 0; i < n; i++)
		if (m->listener_fds[i] != -1)
			close(m->listener_fds[i]);
	free(m->listener_fds);
	m->listener_fds = NULL;
}
