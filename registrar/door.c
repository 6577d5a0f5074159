/* Accepts those who come, as far as there are descriptors for them. */
#include "registrar/door.h"

#include <errno.h>
#include <stdlib.h>

#include "lib/container.h"
#include "lib/log.h"
#include "lib/sock.h"
#include "registrar/ctl.h"
#include "registrar/http8081.h"
#include "registrar/process.h"
#include "registrar/session.h"

#define ACCEPT_MAX 64	    /* connections taken in one turn of the loop */
#define ACCEPT_REST_MS 100  /* when there are no descriptors left */
#define ACCEPT_WELL_MS 1000 /* without that: it is over */

/* A listening socket. */
struct door {
	struct ev_io io;    /* borrows the descriptor */
	struct timer rest;  /* set: the descriptor is not watched */
	uint64_t failed_ms; /* when it had to rest last; 0: it works */
	struct registrar *r;
	const struct client_kind *kind;
	char name[ADDR_TEXT_MAX];
};

static const struct client_kind *const kinds[] = {
	[LISTEN_REGISTRATION] = &session_kind,
	[LISTEN_ADMIN] = &http8081_kind,
	[LISTEN_CONTROL] = &ctl_kind,
};

/* It cannot take anybody for now: said when it begins, not each time. */
static void
rest(struct door *d)
{
	if (d->failed_ms == 0)
		log_event(
		    LOG_WARNING, "accept-failed", "listener=%s: %m", d->name);
	d->failed_ms = d->r->loop.now_ms;
	timer_set(
	    &d->r->loop.timers, &d->rest, d->r->loop.now_ms + ACCEPT_REST_MS);
}

/* Nobody waits there any more: said when that lasts. */
static void
all_taken(struct door *d)
{
	if (d->failed_ms == 0 ||
	    d->r->loop.now_ms - d->failed_ms < ACCEPT_WELL_MS)
		return;
	log_event(LOG_NOTICE, "accept-works", "listener=%s", d->name);
	d->failed_ms = 0;
}

static void
open_door(struct door *d)
{
	if (ev_add(&d->r->loop, &d->io, EPOLLIN) == -1)
		rest(d);
}

static void
rested(struct timer *timer)
{
	struct door *d = container_of(timer, struct door, rest);

	if (!d->r->draining)
		open_door(d);
}

static void
accept_clients(struct ev_io *io, uint32_t events)
{
	struct door *d = container_of(io, struct door, io);
	struct addr peer;
	int fd;

	(void)events;
	for (int i = 0; i < ACCEPT_MAX; i++) {
		fd = sock_accept(io->fd, &peer);
		if (fd != -1) {
			client_open_take(d->r, d->kind, fd, &peer);
			continue;
		}
		if (errno == ECONNABORTED || errno == EINTR)
			continue;
		if (errno == EAGAIN) {
			all_taken(d);
			return;
		}
		rest(d); /* EMFILE, mostly: it will pass */
		ev_del(&d->r->loop, &d->io);
		return;
	}
}

int
doors_open(struct doors *doors, struct registrar *r)
{
	doors->all = calloc(r->boot.nlisteners + 1, sizeof(*doors->all));
	if (doors->all == NULL)
		return -1;
	doors->n = r->boot.nlisteners;
	for (size_t i = 0; i < doors->n; i++) {
		const struct boot_listener *l = &r->boot.listeners[i];
		struct door *d = &doors->all[i];

		d->r = r;
		d->rest.fire = rested;
		d->kind = kinds[r->conf->listeners[l->at].kind];
		addr_format(&r->conf->listeners[l->at].addr, d->name);
		d->io = (struct ev_io){ l->fd, accept_clients };
		open_door(d);
	}
	return 0;
}

void
doors_close(struct doors *doors)
{
	for (size_t i = 0; i < doors->n; i++) {
		struct door *d = &doors->all[i];
		struct ev_loop *loop = &d->r->loop;

		if (!timer_is_set(&d->rest))
			ev_del(loop, &d->io);
		timer_clear(&loop->timers, &d->rest);
	}
	free(doors->all);
	*doors = (struct doors){ .n = 0 };
}
