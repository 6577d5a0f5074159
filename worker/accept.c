/* Accepts in batches, and pauses while there is no room. */
#include "worker/accept.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <unistd.h>

#include "lib/container.h"
#include "lib/log.h"
#include "lib/sock.h"
#include "worker/conn.h"
#include "worker/pool.h"
#include "worker/process.h"

#define QUEUE_MAX 4096		/* of one listener, accepted by accept_stop() */
#define UNSENT_MAX (256 * 1024) /* what a client that is slow to read costs */
#define BATCH_MAX 64		/* accepted before others have their turn */
#define RESERVED_MAX 16		/* accepted when we are overloaded */
#define RETRY_MS 100		/* when there is no descriptor or no memory */
#define LOG_EVERY_MS 60000	/* that this is so */

struct listener {
	struct ev_io io; /* first; the descriptor is boot's */
	struct worker *w;
	struct listener_conf conf; /* outlives what a reload brings */
	unsigned batch;		   /* how many probably wait */
};

struct acceptor {
	struct listener *listeners; /* owned */
	size_t n;
	bool accepting;
	struct timer retry;
	uint64_t log_again_ms;
};

static void
pause_all(struct worker *w)
{
	struct acceptor *a = w->acceptor;

	if (!a->accepting)
		return;
	a->accepting = false;
	for (size_t i = 0; i < a->n; i++)
		ev_del(&w->loop, &a->listeners[i].io);
}

/* -1 with errno: then none is watched. */
static int
resume_all(struct worker *w)
{
	struct acceptor *a = w->acceptor;
	int saved;

	for (size_t i = 0; i < a->n; i++) {
		if (ev_add(&w->loop, &a->listeners[i].io, EPOLLIN) == 0)
			continue;
		saved = errno;
		while (i-- > 0)
			ev_del(&w->loop, &a->listeners[i].io);
		errno = saved;
		return -1;
	}
	a->accepting = true;
	return 0;
}

static void
wait_and_retry(struct worker *w)
{
	timer_set(
	    &w->loop.timers, &w->acceptor->retry, w->loop.now_ms + RETRY_MS);
}

/* Of those who come when all is full some are let in, to ask how we are. */
static bool
has_room(const struct worker *w)
{
	if (w->overload.step >= OVERLOAD_FULL)
		return w->overload.reserved < RESERVED_MAX;
	return w->connections < w->connections_max;
}

/* Accept again if there is room now. */
static void
resume(struct worker *w)
{
	struct acceptor *a = w->acceptor;

	if (a->accepting || w->draining || timer_is_set(&a->retry) ||
	    !has_room(w))
		return;
	if (resume_all(w) == -1)
		wait_and_retry(w);
}

static void
retry_due(struct timer *t)
{
	struct acceptor *a = container_of(t, struct acceptor, retry);

	resume(a->listeners[0].w);
}

static void
conn_closed(struct worker *w)
{
	w->connections--;
	if (w->draining && w->connections == 0)
		ev_stop(&w->loop);
	else
		resume(w);
}

/* No descriptor or no memory: leave them in the queue for a while. */
static void
out_of_resources(struct listener *l)
{
	struct worker *w = l->w;
	struct acceptor *a = w->acceptor;

	if (w->loop.now_ms >= a->log_again_ms) {
		log_event(LOG_WARNING, "accept-paused", "port=%u error=%m",
		    addr_port(&l->conf.addr));
		a->log_again_ms = w->loop.now_ms + LOG_EVERY_MS;
	}
	if (errno == EMFILE)
		pool_sweep(w->pool);
	pause_all(w);
	wait_and_retry(w);
}

/* One client more; false: this is all for now. */
static bool
accept_one(struct listener *l)
{
	struct worker *w = l->w;
	struct addr from;
	struct ip peer = { .family = AF_UNSPEC };
	int fd = sock_accept(l->io.fd, &from);

	if (fd == -1) {
		if (errno == ECONNABORTED || errno == EINTR)
			return true;
		if (errno == EAGAIN)
			return false;
		out_of_resources(l);
		return false;
	}
	addr_ip(&from, &peer);
	w->connections++;
	if (conn_open_take(w, fd, &peer, &l->conf, conn_closed) == -1) {
		w->connections--;
		out_of_resources(l);
	}
	if (!has_room(w))
		pause_all(w);
	return w->acceptor->accepting;
}

/*
 * The event comes again as long as somebody waits, so a call that only finds
 * out that nobody does is needed only where many came before.
 */
static void
listener_ready(struct ev_io *io, uint32_t events)
{
	struct listener *l = (struct listener *)io;
	unsigned n = 0;

	(void)events;
	while (n < l->batch && accept_one(l))
		n++;
	if (n == l->batch)
		l->batch = n < BATCH_MAX ? n * 2 : BATCH_MAX;
	else
		l->batch = n > 1 ? n : 1;
}

int
accept_start(struct worker *w)
{
	struct acceptor *a = calloc(1, sizeof(*a));
	size_t n = w->boot.nlisteners;

	w->acceptor = a;
	if (a == NULL)
		return -1;
	a->retry.fire = retry_due;
	a->listeners = calloc(n + 1, sizeof(*a->listeners));
	if (a->listeners == NULL)
		return -1;
	for (size_t i = 0; i < n; i++) {
		const struct boot_listener *l = &w->boot.listeners[i];

		/* accepted sockets inherit it */
		if (sock_nodelay(l->fd) == -1 ||
		    sock_unsent_max(l->fd, UNSENT_MAX) == -1)
			return -1;
		a->listeners[a->n++] = (struct listener){
			.io = { .fd = l->fd, .ready = listener_ready },
			.w = w,
			.conf = w->conf->listeners[l->at],
			.batch = 1,
		};
	}
	return resume_all(w);
}

/* Whoever waits there came before we said no: serve them, then close. */
static void
close_listener(struct listener *l)
{
	struct worker *w = l->w;

	/* others have the socket too: closing alone would not forget it, nor
	 * does pause_all(), which knows those only that are left */
	if (w->acceptor->accepting)
		ev_del(&w->loop, &l->io);
	for (unsigned n = 0; n < QUEUE_MAX && accept_one(l); n++)
		;
	for (size_t i = 0; i < w->boot.nlisteners; i++)
		if (w->boot.listeners[i].fd == l->io.fd)
			w->boot.listeners[i].fd = -1;
	close(l->io.fd);
}

void
accept_look_again(struct worker *w)
{
	if (!has_room(w))
		pause_all(w);
	else
		resume(w);
}

void
accept_stop(struct worker *w)
{
	struct acceptor *a = w->acceptor;

	w->connections++; /* one may be done before the next is accepted */
	while (a->n > 0)
		close_listener(&a->listeners[--a->n]);
	w->connections--;
	a->accepting = false;
	timer_clear(&w->loop.timers, &a->retry);
}

void
accept_release(struct worker *w)
{
	if (w->acceptor == NULL)
		return;
	free(w->acceptor->listeners);
	free(w->acceptor);
	w->acceptor = NULL;
}
