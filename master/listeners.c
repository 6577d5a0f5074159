/*
 * Binds the listening sockets.  One SO_REUSEPORT socket a worker slot stays
 * open here, so that what waits in a dead worker's queue is served by its
 * successor.
 */
#include "master/listeners.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/log.h"
#include "lib/sock.h"

#define BACKLOG 4096 /* the kernel's net.core.somaxconn bounds it */

/* The registrar asks who is there; only the master's user may ask the master.
 */
static const mode_t modes[] = {
	[LISTEN_REGISTRATION] = 0666,
	[LISTEN_CONTROL] = 0666,
	[LISTEN_MASTER] = 0600,
};

int
listener_fd(const struct listeners *l, size_t at, unsigned slot)
{
	for (size_t i = 0; i < l->n; i++)
		if (l->list[i].at == at && l->list[i].slot == slot)
			return l->list[i].fd;
	return -1;
}

/* Room for one more.  NULL: no memory. */
static struct listener *
add(struct listeners *l)
{
	struct listener *more =
	    reallocarray(l->list, l->n + 1, sizeof(*l->list));

	if (more == NULL)
		return NULL;
	l->list = more;
	more[l->n] = (struct listener){ .fd = -1 };
	return &more[l->n++];
}

static bool
same_addr(const struct addr *a, const struct addr *b)
{
	char one[ADDR_TEXT_MAX], other[ADDR_TEXT_MAX];

	return strcmp(addr_format(a, one), addr_format(b, other)) == 0;
}

/* The socket of an address; NULL: there is none. */
static const struct listener *
find(const struct listeners *from, const struct addr *a, unsigned slot)
{
	for (size_t i = 0; from != NULL && i < from->n; i++)
		if (from->list[i].slot == slot && from->list[i].fd != -1 &&
		    same_addr(&from->list[i].addr, a))
			return &from->list[i];
	return NULL;
}

/*
 * SO_REUSEPORT lets a second instance of the same user bind too, and take
 * half of the clients: only a socket without it tells that the port is free.
 */
static int
probe(const struct addr *a)
{
	int fd = sock_listen(a, 1, false, 0);

	if (fd != -1)
		close(fd);
	return fd == -1 ? -1 : 0;
}

static int
bind_to(const struct listener_conf *l, bool beside)
{
	if (listener_is_web(l->kind) && beside)
		return sock_bind_tcp(&l->addr, true);
	if (listener_is_web(l->kind))
		return sock_listen(&l->addr, BACKLOG, true, 0);
	if (l->kind == LISTEN_MASTER)
		return sock_listen_packets(&l->addr, BACKLOG, modes[l->kind]);
	return sock_listen(&l->addr, BACKLOG, false, modes[l->kind]);
}

/* The socket of a slot; first: that of slot 0, NULL: none yet.  As open(2). */
static int
open_slot(const struct listener_conf *conf, const struct listener *is,
    const struct listener *first, bool beside)
{
	int fd;

	if (is == NULL && first != NULL && first->named != 0)
		is = first; /* its own address is another one */
	if (is != NULL)
		return fcntl(is->fd, F_DUPFD_CLOEXEC, 0);
	fd = bind_to(conf, beside);
	/* who handed us the first did not let others beside it */
	if (fd == -1 && errno == EADDRINUSE && first != NULL)
		return fcntl(first->fd, F_DUPFD_CLOEXEC, 0);
	return fd;
}

/* -1 with errno. */
static int
open_listener(struct listeners *l, const struct listener_conf *conf, size_t at,
    const struct listeners *from)
{
	bool web = listener_is_web(conf->kind);
	const struct listener *first = find(from, &conf->addr, 0);

	if (web && first == NULL && !l->beside && probe(&conf->addr) == -1)
		return -1;
	for (unsigned slot = 0; slot < (web ? l->slots : 1); slot++) {
		int fd = open_slot(
		    conf, find(from, &conf->addr, slot), first, l->beside);
		struct listener *more = fd == -1 ? NULL : add(l);

		if (more == NULL) {
			if (fd != -1)
				close(fd);
			return -1;
		}
		*more = (struct listener){ .addr = conf->addr,
			.at = at,
			.slot = slot,
			.named = first == NULL ? 0 : first->named,
			.fd = fd };
	}
	return 0;
}

struct listeners *
listeners_new(const struct conf *conf, const struct listeners *from,
    unsigned slots, bool beside)
{
	struct listeners *l = calloc(1, sizeof(*l));
	char text[ADDR_TEXT_MAX];

	if (l == NULL) {
		log_event(LOG_CRIT, "fatal", "listeners: %s", strerror(errno));
		return NULL;
	}
	l->slots = slots;
	l->beside = beside;
	for (size_t i = 0; i < conf->nlisteners; i++)
		if (open_listener(l, &conf->listeners[i], i, from) == -1) {
			addr_format(&conf->listeners[i].addr, text);
			log_event(LOG_CRIT, "fatal", "listener %s: bind: %s",
			    text, strerror(errno));
			listeners_free(l, from);
			return NULL;
		}
	return l;
}

int
listeners_add_take(struct listeners *l, int fd, unsigned named)
{
	struct addr addr = { .len = sizeof(addr.u) };
	struct listener *more = NULL;
	unsigned slot = 0;

	if (getsockname(fd, &addr.u.sa, &addr.len) == 0)
		more = add(l);
	if (more == NULL) {
		close(fd);
		return -1;
	}
	while (find(l, &addr, slot) != NULL)
		slot++;
	*more = (struct listener){
		.addr = addr, .slot = slot, .named = named, .fd = fd
	};
	if (slot >= l->slots)
		l->slots = slot + 1;
	return 0;
}

/* The listener that one was named for, and that has no socket yet. */
static const struct listener_conf *
meant(const struct listeners *l, const struct conf *conf,
    const struct listener *one)
{
	for (size_t i = 0; one->named != 0 && i < conf->nlisteners; i++)
		if (conf->listeners[i].kind == one->named - 1 &&
		    find(l, &conf->listeners[i].addr, 0) == NULL)
			return &conf->listeners[i];
	return NULL;
}

/* Does conf want one at its address?  A path that is gone is none. */
static bool
is_wanted(const struct listener *one, const struct conf *conf)
{
	if (one->addr.u.sa.sa_family == AF_UNIX &&
	    access(one->addr.u.un.sun_path, F_OK) == -1)
		return false;
	for (size_t i = 0; i < conf->nlisteners; i++)
		if (same_addr(&conf->listeners[i].addr, &one->addr))
			return true;
	return false;
}

void
listeners_fit(struct listeners *l, const struct conf *conf)
{
	const struct listener_conf *other;
	char text[ADDR_TEXT_MAX];

	for (size_t i = 0; i < l->n; i++) {
		struct listener *one = &l->list[i];

		if (is_wanted(one, conf)) {
			one->named = 0;
			continue;
		}
		other = meant(l, conf, one);
		if (other != NULL) {
			one->addr = other->addr;
			continue;
		}
		log_event(LOG_NOTICE, "socket-unused", "%s: no listener has it",
		    addr_format(&one->addr, text));
		close(one->fd);
		one->fd = -1;
	}
}

int
listeners_listen_web(struct listeners *l, const struct conf *conf)
{
	for (size_t i = 0; i < l->n; i++)
		if (listener_is_web(conf->listeners[l->list[i].at].kind) &&
		    listen(l->list[i].fd, BACKLOG) == -1)
			return -1;
	return 0;
}

void
listeners_close_web(struct listeners *l, const struct conf *conf)
{
	for (size_t i = 0; i < l->n; i++) {
		struct listener *one = &l->list[i];

		if (!listener_is_web(conf->listeners[one->at].kind) ||
		    one->fd == -1)
			continue;
		close(one->fd);
		one->fd = -1;
	}
}

void
listeners_free(struct listeners *l, const struct listeners *next)
{
	if (l == NULL)
		return;
	for (size_t i = 0; i < l->n; i++) {
		struct listener *one = &l->list[i];

		if (one->fd == -1)
			continue;
		if (one->addr.u.sa.sa_family == AF_UNIX &&
		    find(next, &one->addr, 0) == NULL)
			unlink(one->addr.u.un.sun_path);
		close(one->fd);
	}
	free(l->list);
	free(l);
}
