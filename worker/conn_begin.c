/* How a connection begins: whose it is, whether it may, and with TLS. */
#include "worker/conn_parts.h"

#include <errno.h>
#include <openssl/ssl.h>

#include "conf/conf.h"
#include "shm/counters.h"
#include "worker/h1.h"
#include "worker/h2.h"
#include "worker/process.h"
#include "worker/proxy_protocol.h"
#include "worker/tls.h"

enum conn_state
conn_first_state(const struct conn *c)
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
		return conn_first_state(c);
	stream_cut(&c->stream);
	return CONN_CLOSED;
}

/* The header is taken, and nothing of what follows: that may be TLS. */
enum conn_state
conn_step_proxied(struct conn *c)
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
enum conn_state
conn_step_held(struct conn *c)
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
	conn_set_deadline(c, c->w->loop.now_ms + (uint64_t)wait_ms);
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

enum conn_state
conn_step_handshake(struct conn *c)
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
		if (!conn_borrow_h1(c))
			break;
		h1_refuse_plain(c->h1);
		return CONN_BUSY;
	case HANDSHAKE_FAILED:
		counters_event(c->w->counters, EVENT_TLS_FAILED);
		break;
	}
	return CONN_CLOSED;
}
