/* Drives client connections through their states. */
#include "worker/conn.h"

#include <assert.h>
#include <errno.h>
#include <openssl/ssl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "conf/conf.h"
#include "lib/container.h"
#include "lib/sock.h"
#include "shm/counters.h"
#include "worker/h1.h"
#include "worker/h2.h"
#include "worker/process.h"
#include "worker/proxy_protocol.h"
#include "worker/tls.h"

#define REQUESTS_MAX 100000 /* on one connection (7-security.md 7.5) */
#define LINGER_MS 5000
#define IDLE_BUSY_MS 2000 /* between requests, when there is much to do */
#define TURN_STEPS 64	  /* of one connection, before others have their turn */

#define TO(state) (1u << CONN_##state)

static enum conn_state step_proxied(struct conn *c);
static enum conn_state step_held(struct conn *c);
static enum conn_state step_handshake(struct conn *c);
static enum conn_state step_idle(struct conn *c);
static enum conn_state step_head(struct conn *c);
static enum conn_state step_busy(struct conn *c);
static enum conn_state step_tunnel(struct conn *c);
static enum conn_state step_h2(struct conn *c);
static enum conn_state step_linger(struct conn *c);

static const struct {
	const char *name;			/* for whoever debugs this */
	enum conn_state (*step)(struct conn *); /* the same back: wait */
	unsigned next;				/* what may follow */
} states[] = {
	[CONN_PROXIED] = { "proxied", step_proxied,
	    TO(HELD) | TO(IDLE) | TO(CLOSED) },
	[CONN_HELD] = { "held", step_held, TO(HANDSHAKE) | TO(CLOSED) },
	[CONN_HANDSHAKE] = { "handshake", step_handshake,
	    TO(IDLE) | TO(BUSY) | TO(H2) | TO(CLOSED) },
	[CONN_IDLE] = { "idle", step_idle, TO(HEAD) | TO(CLOSED) },
	[CONN_HEAD] = { "head", step_head, TO(BUSY) | TO(CLOSED) },
	[CONN_BUSY] = { "busy", step_busy,
	    TO(IDLE) | TO(TUNNEL) | TO(LINGER) | TO(CLOSED) },
	[CONN_TUNNEL] = { "tunnel", step_tunnel, TO(CLOSED) },
	[CONN_H2] = { "h2", step_h2, TO(LINGER) | TO(CLOSED) },
	[CONN_LINGER] = { "linger", step_linger,
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

static void
conn_free(struct conn *c)
{
	struct worker *w = c->w;
	void (*closed)(struct worker *) = c->closed;

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
static void
set_deadline(struct conn *c, uint64_t due_ms)
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
		return LINGER_MS;
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
		set_deadline(c, c->w->loop.now_ms + timeout_of(c, next));
		if (++steps == TURN_STEPS) {
			ev_later(&c->w->loop, &c->later);
			return;
		}
	}
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

static bool
has_bytes(const struct conn *c)
{
	return c->h1 != NULL && buf_len(&c->h1->in) > 0;
}

/* False: no memory. */
static bool
borrow_h1(struct conn *c)
{
	if (c->h1 == NULL)
		c->h1 = h1_get(c->w, &c->stream, &c->peer,
		    addr_port(&c->listener->addr), conn_wake, c);
	if (c->h1 != NULL)
		c->h1->only_health = c->reserved;
	return c->h1 != NULL;
}

/* Read what is there; the first bytes borrow a struct h1. */
static ssize_t
read_some(struct conn *c)
{
	if (!c->stream.readable) {
		errno = EAGAIN;
		return -1;
	}
	if (!borrow_h1(c)) {
		errno = ENOMEM;
		return -1;
	}
	return h1_read(c->h1);
}

/* Where a client begins, that is who it is said to be. */
static enum conn_state
first_state(const struct conn *c)
{
	return c->listener->kind == LISTEN_HTTPS ? CONN_HELD : CONN_IDLE;
}

/* The header has so many bytes: go on with what is behind it. */
static enum conn_state
proxied(struct conn *c, size_t used)
{
	if (stream_skip(&c->stream, used) == -1)
		return CONN_CLOSED;
	if (connlimit_enter(c->w, &c->peer, &c->place))
		return first_state(c);
	stream_cut(&c->stream);
	return CONN_CLOSED;
}

/* The header is taken, and nothing of what follows: that may be TLS. */
static enum conn_state
step_proxied(struct conn *c)
{
	struct buf *scratch = &c->w->scratch;
	enum proxy_header header = PROXY_MORE;
	size_t used = 0;
	ssize_t n;

	if (c->expired)
		return CONN_CLOSED;
	if (!c->stream.readable)
		return CONN_PROXIED;
	n = stream_peek(&c->stream, scratch, PROXY_V2_MAX);
	if (n > 0)
		header = proxy_parse(buf_span(scratch), &used, &c->peer);
	buf_consume(scratch, buf_len(scratch));
	if (n == 0 || (n == -1 && errno != EAGAIN) || header == PROXY_BAD)
		return CONN_CLOSED;
	if (header != PROXY_MORE)
		return proxied(c, used);
	c->stream.readable = false; /* what comes is an event */
	return c->stream.ended ? CONN_CLOSED : CONN_PROXIED;
}

/* Who begins with TLS too often waits, or is cut off. */
static enum conn_state
step_held(struct conn *c)
{
	int wait_ms;

	if (c->expired)
		return CONN_HANDSHAKE;
	if (c->held)
		return c->stream.hup ? CONN_CLOSED : CONN_HELD;
	wait_ms = connlimit_handshake(c->w, &c->peer);
	if (wait_ms == 0)
		return CONN_HANDSHAKE;
	if (wait_ms == -1) {
		stream_cut(&c->stream);
		return CONN_CLOSED;
	}
	c->held = true;
	set_deadline(c, c->w->loop.now_ms + (uint64_t)wait_ms);
	return CONN_HELD;
}

/* Begin with TLS.  False: no memory. */
static bool
begin_tls(struct conn *c)
{
	struct ssl_st *ssl = tls_accept(c->w->tls);

	return ssl != NULL && stream_secure_take(&c->stream, ssl) == 0;
}

/* Many streams may wake it in one turn. */
static void
conn_wake_later(void *user)
{
	struct conn *c = user;

	ev_later(&c->w->loop, &c->later);
}

/* False: no memory. */
static bool
begin_h2(struct conn *c)
{
	c->h2 = h2_new(c->w, &c->stream, &c->peer,
	    addr_port(&c->listener->addr), conn_wake_later, c);
	return c->h2 != NULL;
}

static enum conn_state
step_handshake(struct conn *c)
{
	if (c->expired || (c->stream.ssl == NULL && !begin_tls(c)))
		return CONN_CLOSED;
	switch (stream_handshake(&c->stream)) {
	case HANDSHAKE_WAIT:
		return CONN_HANDSHAKE;
	case HANDSHAKE_DONE:
		counters_event(c->w->counters,
		    SSL_version(c->stream.ssl) == TLS1_3_VERSION ? EVENT_TLS13
								 : EVENT_TLS12);
		switch (tls_protocol(c->stream.ssl)) {
		case TLS_HTTP1:
			return CONN_IDLE;
		case TLS_HTTP2:
			return c->w->overload.step < OVERLOAD_TIGHT &&
				       begin_h2(c)
				   ? CONN_H2
				   : CONN_CLOSED;
		}
		break;
	case HANDSHAKE_PLAIN: /* say so in the words that it understands */
		if (!borrow_h1(c))
			break;
		h1_refuse_plain(c->h1);
		return CONN_BUSY;
	case HANDSHAKE_FAILED:
		counters_event(c->w->counters, EVENT_TLS_FAILED);
		break;
	}
	return CONN_CLOSED;
}

static enum conn_state
step_idle(struct conn *c)
{
	ssize_t n;

	if (has_bytes(c)) /* the next of a pipeline */
		return CONN_HEAD;
	if (c->expired)
		c->stream.readable = true; /* one may just have come */
	n = read_some(c);
	if (n > 0)
		return CONN_HEAD;
	if (n == 0 || errno != EAGAIN || c->expired)
		return CONN_CLOSED;
	if (c->h1 != NULL) {
		h1_put(c->h1);
		c->h1 = NULL;
	}
	return CONN_IDLE;
}

static enum conn_state
step_head(struct conn *c)
{
	if (c->expired) {
		h1_head_expired(c->h1);
		return CONN_BUSY;
	}
	switch (h1_read_head(c->h1)) {
	case H1_WAIT:
		return CONN_HEAD;
	case H1_BEGUN:
		if (++c->requests >= REQUESTS_MAX)
			c->h1->keep_alive = false;
		return CONN_BUSY;
	default:
		return CONN_CLOSED;
	}
}

/* The response was sent: what now? */
static enum conn_state
after_response(const struct conn *c)
{
	if (c->h1->keep_alive)
		return CONN_IDLE;
	/* a client that closes anyway is not sending what would reset it */
	return c->h1->wants_close && c->h1->body.done ? CONN_CLOSED
						      : CONN_LINGER;
}

static enum conn_state
step_busy(struct conn *c)
{
	enum exchange_wait wait;

	if (c->expired) {
		c->expired = false;
		exchange_expire(&c->h1->ex);
	}
	switch (h1_step(c->h1)) {
	case H1_DONE:
		return after_response(c);
	case H1_TUNNEL:
		return CONN_TUNNEL;
	case H1_YIELD:
		ev_later(&c->w->loop, &c->later);
		break;
	case H1_WAIT:
		break;
	default:
		stream_cut(&c->stream);
		return CONN_CLOSED;
	}
	set_deadline(c, exchange_deadline(&c->h1->ex, &wait));
	return CONN_BUSY;
}

static enum conn_state
step_tunnel(struct conn *c)
{
	struct h1 *h = c->h1;

	if (c->expired)
		return CONN_CLOSED;
	switch (h1_tunnel(h)) {
	case H1_YIELD:
		ev_later(&c->w->loop, &c->later);
		break;
	case H1_WAIT:
		break;
	case H1_CUT:
		stream_cut(&c->stream);
		return CONN_CLOSED;
	default:
		return CONN_CLOSED;
	}
	set_deadline(c, h->tunnel.moved_ms + c->w->conf->tunnel_timeout_ms);
	return CONN_TUNNEL;
}

static enum conn_state
step_h2(struct conn *c)
{
	if (c->expired && !h2_expire(c->h2))
		return CONN_CLOSED;
	c->expired = false;
	switch (h2_run(c->h2)) {
	case H2_YIELD:
		ev_later(&c->w->loop, &c->later);
		break;
	case H2_WAIT:
		break;
	case H2_DONE:
		return CONN_LINGER;
	case H2_GONE:
		return CONN_CLOSED;
	}
	set_deadline(c, h2_deadline(c->h2));
	return CONN_H2;
}

/* Read what it still sends, so that no reset destroys what we have sent. */
static enum conn_state
step_linger(struct conn *c)
{
	char waste[4096];
	ssize_t n;

	if (c->expired)
		return CONN_CLOSED;
	if (!c->shut && stream_shut(&c->stream) == -1)
		return CONN_CLOSED;
	c->shut = true;
	if (!c->stream.readable)
		return CONN_LINGER;
	n = recv(c->stream.io.fd, waste, sizeof(waste), 0);
	if (n > 0) {
		ev_later(&c->w->loop, &c->later);
		return CONN_LINGER;
	}
	if (n == 0 || errno != EAGAIN)
		return CONN_CLOSED;
	c->stream.readable = false;
	return CONN_LINGER;
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
	set_state(c, listener->proxied ? CONN_PROXIED : first_state(c));
	c->closed = closed;
	c->timer.fire = conn_timer;
	c->later.run = conn_later;
	c->stream.readable = true; /* it may have been quicker than we */
	set_deadline(c, w->loop.now_ms + timeout_of(c, c->state));
	conn_run(c);
	return 0;
}

void
conn_hurry_idle(struct worker *w)
{
	struct conn *c;
	uint64_t due_ms;

	TAILQ_FOREACH(c, &w->idle, by_age)
	{
		due_ms = w->loop.now_ms + timeout_of(c, CONN_IDLE);
		if (due_ms < c->deadline_ms)
			set_deadline(c, due_ms);
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
