/* Drives client connections through their states. */
#include "worker/conn_parts.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "conf/conf.h"
#include "lib/container.h"
#include "lib/sock.h"
#include "shm/counters.h"
#include "worker/h1.h"
#include "worker/h2.h"
#include "worker/process.h"

#define LINGER_FLOOD_MS 500
#define IDLE_BUSY_MS 2000 /* between requests, when there is much to do */
#define TURN_STEPS 64	  /* of one connection, before others have their turn */

#define TO(state) (1u << CONN_##state)

static const struct {
	const char *name;			/* for whoever debugs this */
	enum conn_state (*step)(struct conn *); /* the same back: wait */
	unsigned next;				/* what may follow */
} states[] = {
	[CONN_PROXIED] = { "proxied", conn_step_proxied,
	    TO(HELD) | TO(IDLE) | TO(CLOSED) },
	[CONN_HELD] = { "held", conn_step_held, TO(HANDSHAKE) | TO(CLOSED) },
	[CONN_HANDSHAKE] = { "handshake", conn_step_handshake,
	    TO(IDLE) | TO(BUSY) | TO(H2) | TO(CLOSED) },
	[CONN_IDLE] = { "idle", conn_step_idle, TO(HEAD) | TO(CLOSED) },
	[CONN_HEAD] = { "head", conn_step_head, TO(BUSY) | TO(CLOSED) },
	[CONN_BUSY] = { "busy", conn_step_busy,
	    TO(IDLE) | TO(TUNNEL) | TO(LINGER) | TO(CLOSED) },
	[CONN_TUNNEL] = { "tunnel", conn_step_tunnel, TO(CLOSED) },
	[CONN_H2] = { "h2", conn_step_h2, TO(LINGER) | TO(CLOSED) },
	[CONN_LINGER] = { "linger", conn_step_linger,
	    TO(CLOSED) }, /* RFC 9112 section 9.6 */
	[CONN_CLOSED] = { "closed", NULL, 0 },
};

/* One place changes the state. */
static void
set_state(struct conn *c, enum conn_state state)
{
	struct worker *w = c->w;

	if (c->state == CONN_IDLE)
		TAILQ_REMOVE(&w->idle, c, by_age);
	if (c->state == CONN_TUNNEL)
		TAILQ_REMOVE(&w->tunnels, c, by_age);
	c->state = (uint8_t)state;
	if (state == CONN_IDLE)
		TAILQ_INSERT_TAIL(&w->idle, c, by_age);
	if (state == CONN_TUNNEL)
		TAILQ_INSERT_TAIL(&w->tunnels, c, by_age);
}

/* With HTTP/2, when it has a stream. */
static bool
is_idle(const struct conn *c)
{
	return c->state == CONN_H2 ? c->h2->streams == 0
				   : c->state == CONN_IDLE;
}

static void
count_as(struct conn *c, enum counters_client is)
{
	if (is == c->counted)
		return;
	counters_client_is(c->w->counters, c->counted, is);
	c->counted = (uint8_t)is;
}

static void
conn_free(struct conn *c)
{
	struct worker *w = c->w;
	void (*closed)(struct worker *) = c->closed;

	count_as(c, COUNTED_GONE);
	if (c->h1 != NULL)
		h1_put(c->h1);
	if (c->h2 != NULL)
		h2_free(c->h2);
	if (c->reserved)
		w->overload.reserved--;
	ev_forget(&w->loop, &c->later);
	timer_clear(&w->loop.timers, &c->timer);
	stream_close(&w->loop, &c->stream);
	connlimit_leave(w, c->place);
	free(c);
	closed(w);
}

/*
 * Deadlines move with every request, the timer does not: it is set for one of
 * the past, and set again when it has fired too early.
 */
void
conn_set_deadline(struct conn *c, uint64_t due_ms)
{
	c->deadline_ms = due_ms;
	if (!timer_is_set(&c->timer) || due_ms < c->timer.due_ms)
		timer_set(&c->w->loop.timers, &c->timer, due_ms);
}

/* As long as there is room: whoever comes again soon has a connection. */
static uint64_t
idle_timeout_of(const struct conn *c)
{
	const struct worker *w = c->w;
	const struct conf *conf = w->conf;

	if (w->overload.step >= OVERLOAD_BUSY)
		return conf->keepalive_timeout_ms < IDLE_BUSY_MS
			   ? conf->keepalive_timeout_ms
			   : IDLE_BUSY_MS;
	return c->requests > 0 && w->connections < w->connections_max / 2
		   ? conf->keepalive_timeout_calm_ms
		   : conf->keepalive_timeout_ms;
}

static uint64_t
timeout_of(const struct conn *c, enum conn_state state)
{
	const struct conf *conf = c->w->conf;

	switch (state) {
	case CONN_PROXIED:
	case CONN_HEAD:
		return conf->request_head_timeout_ms;
	case CONN_HELD: /* until it is known for how long */
	case CONN_HANDSHAKE:
		return conf->tls_handshake_timeout_ms;
	case CONN_BUSY:
		return conf->response_timeout_ms; /* until it waits */
	case CONN_TUNNEL:
		return conf->tunnel_timeout_ms;
	case CONN_LINGER:
		return c->h2 != NULL && h2_is_flood(c->h2) ? LINGER_FLOOD_MS
							   : LINGER_MS;
	default:
		return idle_timeout_of(c);
	}
}

/* Run a connection until it has to wait or is gone: every event ends here. */
static void
conn_run(struct conn *c)
{
	enum conn_state next;
	unsigned steps = 0;

	while ((next = states[c->state].step(c)) != c->state) {
		assert(states[c->state].next & 1u << next);
		set_state(c, next);
		if (next == CONN_CLOSED) {
			conn_free(c);
			return;
		}
		c->expired = false;
		conn_set_deadline(c, c->w->loop.now_ms + timeout_of(c, next));
		if (++steps == TURN_STEPS) {
			ev_later(&c->w->loop, &c->later);
			break;
		}
	}
	count_as(c, c->state == CONN_TUNNEL ? COUNTED_TUNNEL
		    : is_idle(c)	    ? COUNTED_IDLE
					    : COUNTED_ACTIVE);
}

static void
conn_ready(struct ev_io *io, uint32_t events)
{
	struct conn *c = (struct conn *)io;

	stream_note(&c->stream, events);
	conn_run(c);
}

static void
conn_wake(void *user)
{
	conn_run(user);
}

static void
conn_later(struct ev_task *task)
{
	conn_run(container_of(task, struct conn, later));
}

static void
conn_timer(struct timer *t)
{
	struct conn *c = container_of(t, struct conn, timer);

	if (c->w->loop.now_ms < c->deadline_ms) {
		timer_set(&c->w->loop.timers, t, c->deadline_ms);
		return;
	}
	c->expired = true;
	conn_run(c);
}

bool
conn_borrow_h1(struct conn *c)
{
	if (c->h1 == NULL)
		c->h1 = h1_get(c->w, &c->stream, &c->peer,
		    addr_port(&c->listener->addr), conn_wake, c);
	if (c->h1 != NULL)
		c->h1->only_health = c->reserved;
	return c->h1 != NULL;
}

/* Who has too many connections gets no answer and costs no more than this. */
static void
refuse(struct worker *w, int fd, void (*closed)(struct worker *w))
{
	sock_reset_on_close(fd);
	close(fd);
	closed(w);
}

int
conn_open_take(struct worker *w, int fd, const struct ip *peer,
    const struct listener_conf *listener, void (*closed)(struct worker *w))
{
	uint32_t place = 0;
	struct conn *c;
	int saved;

	if (!listener->proxied && !connlimit_enter(w, peer, &place)) {
		refuse(w, fd, closed);
		return 0;
	}
	c = calloc(1, sizeof(*c));
	if (c == NULL ||
	    stream_open(&w->loop, &c->stream, fd, conn_ready) == -1) {
		saved = errno;
		connlimit_leave(w, place);
		free(c);
		close(fd);
		errno = saved;
		return -1;
	}
	c->w = w;
	c->peer = *peer;
	c->place = place;
	c->listener = listener;
	c->reserved = w->overload.step >= OVERLOAD_FULL;
	w->overload.reserved += c->reserved;
	set_state(c, listener->proxied ? CONN_PROXIED : conn_first_state(c));
	c->closed = closed;
	c->timer.fire = conn_timer;
	c->later.run = conn_later;
	c->stream.readable = true; /* it may have been quicker than we */
	conn_set_deadline(c, w->loop.now_ms + timeout_of(c, c->state));
	conn_run(c);
	return 0;
}

void
conn_hurry_idle(struct worker *w)
{
	struct conn *c;
	struct h2 *h;
	uint64_t due_ms;

	TAILQ_FOREACH(c, &w->idle, by_age)
	{
		due_ms = w->loop.now_ms + timeout_of(c, CONN_IDLE);
		if (due_ms < c->deadline_ms)
			conn_set_deadline(c, due_ms);
	}
	TAILQ_FOREACH(h, &w->h2.all, of_worker)
	{
		c = h->user;
		if (c->state == CONN_H2)
			conn_set_deadline(c, h2_deadline(h));
	}
}

void
conn_leave_tunnels(struct worker *w)
{
	struct conn *c;

	TAILQ_FOREACH(c, &w->tunnels, by_age)
	{
		tunnel_leave(&c->h1->tunnel);
		ev_later(&w->loop, &c->later);
	}
}

void
conn_close_idle(struct worker *w)
{
	struct conn *c, *next;

	TAILQ_FOREACH_SAFE(c, &w->idle, by_age, next)
	{
		c->expired = true;
		conn_run(c);
	}
}
