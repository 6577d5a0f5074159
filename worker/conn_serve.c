/* What a connection does once it has begun: requests, and at last its end. */
#include "worker/conn_parts.h"

#include <errno.h>
#include <sys/socket.h>

#include "conf/conf.h"
#include "worker/h1.h"
#include "worker/h2.h"
#include "worker/process.h"

#define LINGER_BYTES 65536 /* a turn */

static bool
has_bytes(const struct conn *c)
{
	return c->h1 != NULL && buf_len(&c->h1->in) > 0;
}

/* Read what is there; the first bytes borrow a struct h1. */
static ssize_t
read_some(struct conn *c)
{
	if (!c->stream.readable) {
		errno = EAGAIN;
		return -1;
	}
	if (!conn_borrow_h1(c)) {
		errno = ENOMEM;
		return -1;
	}
	return h1_read(c->h1);
}

enum conn_state
conn_step_idle(struct conn *c)
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

enum conn_state
conn_step_head(struct conn *c)
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

enum conn_state
conn_step_busy(struct conn *c)
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
	conn_set_deadline(c, exchange_deadline(&c->h1->ex, &wait));
	return CONN_BUSY;
}

enum conn_state
conn_step_tunnel(struct conn *c)
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
	conn_set_deadline(
	    c, h->tunnel.moved_ms + c->w->conf->tunnel_timeout_ms);
	return CONN_TUNNEL;
}

enum conn_state
conn_step_h2(struct conn *c)
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
	conn_set_deadline(c, h2_deadline(c->h2));
	return CONN_H2;
}

/*
 * With HTTP/2 a client that reads slowly says so: its window grows.  It has as
 * long to read the last of what was sent as anything before that.
 */
static void
linger_on(struct conn *c)
{
	const struct worker *w = c->w;
	uint64_t due_ms = w->loop.now_ms + LINGER_MS, last_ms;

	if (c->h2 == NULL || !c->h2->ended)
		return;
	last_ms = c->h2->moved_ms + w->conf->send_timeout_ms;
	if (due_ms > last_ms)
		due_ms = last_ms;
	if (due_ms > c->deadline_ms)
		conn_set_deadline(c, due_ms);
}

/* Read what it still sends, so that no reset destroys what we have sent. */
enum conn_state
conn_step_linger(struct conn *c)
{
	static char waste[LINGER_BYTES]; /* with MSG_TRUNC nothing comes in */
	ssize_t n;

	if (c->expired)
		return CONN_CLOSED;
	if (!c->shut && stream_shut(&c->stream) == -1)
		return CONN_CLOSED;
	c->shut = true;
	if (c->h2 != NULL && h2_is_flood(c->h2)) /* not even to forget it */
		return c->stream.ended ? CONN_CLOSED : CONN_LINGER;
	if (!c->stream.readable)
		return CONN_LINGER;
	n = recv(c->stream.io.fd, waste, sizeof(waste), MSG_TRUNC);
	if (n > 0) {
		linger_on(c);
		ev_later(&c->w->loop, &c->later);
		return CONN_LINGER;
	}
	if (n == 0 || errno != EAGAIN)
		return CONN_CLOSED;
	c->stream.readable = false;
	return CONN_LINGER;
}
