/* Reads requests and writes responses, RFC 9112. */
#include "worker/h1.h"

#include <errno.h>
#include <stdlib.h>

#include "http/framing.h"
#include "http/parse.h"
#include "shm/policy.h"
#include "worker/process.h"
#include "worker/request.h"
#include "worker/respond.h"
#include "worker/splice.h"
#include "worker/zone.h"

#define SPARES_MAX 64	      /* kept with their buffers */
#define HEAD_READ (16 * 1024) /* bytes asked for, for a head */
#define HEAD_ROOM 1024	      /* what we add to a response's head */
#define INTERIM_ROOM 8192     /* 1xx that the client has not read yet */

static const struct exchange_ops ops;

static struct h1 *
h1_new(struct worker *w)
{
	struct h1 *h = calloc(1, sizeof(*h));
	size_t head = w->conf->request_head_max;

	if (h == NULL)
		return NULL;
	h->w = w;
	exchange_init(&h->ex, w, &ops);
	buf_init(&h->in, head > PUMP_BUF_MAX ? head : PUMP_BUF_MAX);
	sink_init(&h->sink, w->conf->response_head_max + ZONE_ROOM_MAX +
				HEAD_ROOM + INTERIM_ROOM);
	return h;
}

static void
h1_free(struct h1 *h)
{
	exchange_release(&h->ex);
	buf_release(&h->in);
	buf_release(&h->sink.out);
	source_release(&h->body);
	free(h);
}

struct h1 *
h1_get(struct worker *w, struct stream *stream, const struct ip *client,
    uint16_t port, void (*wake)(void *user), void *user)
{
	struct h1 *h = w->h1_spare;

	if (h != NULL) {
		w->h1_spare = h->next;
		w->h1_nspare--;
	} else if ((h = h1_new(w)) == NULL) {
		return NULL;
	}
	h->ex.stream = stream;
	h->peer = client;
	h->client = *client;
	h->ex.client = &h->client;
	h->port = port;
	h->wake = wake;
	h->user = user;
	h->only_health = false;
	h->scanned = 0;
	buf_consume(&h->in, buf_len(&h->in));
	sink_begin(&h->sink);
	return h;
}

void
h1_put(struct h1 *h)
{
	struct worker *w = h->w;

	exchange_end(&h->ex);
	tunnel_release(&h->tunnel);
	if (w->h1_nspare == SPARES_MAX) {
		h1_free(h);
		return;
	}
	h->next = w->h1_spare;
	w->h1_spare = h;
	w->h1_nspare++;
}

void
h1_free_spares(struct worker *w)
{
	struct h1 *h;

	while ((h = w->h1_spare) != NULL) {
		w->h1_spare = h->next;
		h1_free(h);
	}
	w->h1_nspare = 0;
}

/* Nothing that follows on this connection can be understood. */
static void
refuse(struct h1 *h, enum reason reason, const struct exchange_request *r)
{
	h->minor = 1;
	h->wants_close = h->keep_alive = false;
	source_begin(&h->body, BODY_NONE, 0);
	exchange_refuse(&h->ex, reason, r, buf_span(&h->in));
}

void
h1_head_expired(struct h1 *h)
{
	refuse(h, REASON_TIMEOUT_CLIENT, NULL);
}

void
h1_refuse_plain(struct h1 *h)
{
	refuse(h, REASON_BAD_REQUEST, NULL);
}

/* The client has left: is there half of a request to be logged? */
static void
head_lost(struct h1 *h)
{
	struct span bytes = buf_span(&h->in);

	/* some end a body with one CRLF too many */
	if (bytes.len > 0 && *bytes.ptr != '\r' && *bytes.ptr != '\n')
		refuse(h, REASON_CLIENT_GONE, NULL);
}

/* A head is complete: begin its exchange. */
static void
begin(struct h1 *h)
{
	const struct http_msg *msg = &h->w->msg;
	size_t head_len = msg->head_len;
	struct exchange_request r = { .msg = msg,
		.proto = stream_scheme(h->ex.stream),
		.port = h->port };
	enum reason reason;

	h->client = *h->peer;
	reason = request_understand(
	    h->w, h->ex.stream, &h->client, &r, &h->w->target);
	r.end = http_request_body(msg, &r.length);
	r.only_health = h->only_health;
	if (reason == REASON_NONE && r.end == BODY_REFUSE)
		reason = REASON_BAD_REQUEST;
	if (reason != REASON_NONE) {
		refuse(h, reason, &r);
		return;
	}
	h->minor = msg->minor;
	h->wants_close = !http_keep_alive(msg);
	h->keep_alive = !h->wants_close && !h->only_health;
	source_begin(&h->body, r.end, r.length);
	exchange_begin(&h->ex, &r);
	buf_consume(&h->in, head_len);
	h->bad_body = !source_decode(&h->body, &h->in, &h->w->msg);
}

ssize_t
h1_read(struct h1 *h)
{
	return stream_recv(h->ex.stream, &h->in, HEAD_READ);
}

enum h1_next
h1_read_head(struct h1 *h)
{
	enum http_fault fault;
	struct span bytes;
	ssize_t n;

	for (;;) {
		bytes = buf_span(&h->in);
		fault = HTTP_MORE;
		if (bytes.len > 0)
			fault = http_parse_request(bytes.ptr, bytes.len,
			    &h->scanned, &h->w->request_limits, &h->w->msg);
		if (fault == HTTP_FINE) {
			h->scanned = 0;
			begin(h);
			return H1_BEGUN;
		}
		if (fault != HTTP_MORE) {
			refuse(h, http_fault_reason(fault), NULL);
			return H1_BEGUN;
		}
		n = h1_read(h);
		if (n == -1 && errno == EAGAIN)
			return H1_WAIT;
		if (n <= 0) {
			head_lost(h);
			return H1_GONE;
		}
	}
}

/* More of the request's body, unless some of it still waits to be sent on. */
static enum pull
h1_pull(struct exchange *ex, struct span *piece, bool *last)
{
	struct h1 *h = (struct h1 *)ex;
	ssize_t n = 0;

	if (h->bad_body)
		return PULL_BAD;
	if (h->body.ready == 0 && !h->body.done) {
		n = stream_recv(
		    h->ex.stream, &h->in, h->in.max - buf_len(&h->in));
		if (n == 0 || (n == -1 && errno != EAGAIN))
			return PULL_GONE;
		if (n > 0 && !source_decode(&h->body, &h->in, &h->w->msg))
			return PULL_BAD;
	}
	*piece = source_piece(&h->body, &h->in);
	*last = h->body.done;
	ex->upstream.sink.ending = source_ending(&h->body);
	return h->body.ready > 0 || h->body.done ||
		       (n > 0 && h->ex.stream->readable)
		   ? PULL_PIECE
		   : PULL_WAIT;
}

static void
h1_pulled(struct exchange *ex, size_t n)
{
	struct h1 *h = (struct h1 *)ex;

	source_taken(&h->body, &h->in, n);
}

static bool
h1_fills(struct exchange *ex)
{
	struct h1 *h = (struct h1 *)ex;

	return source_passes(&h->body, h->ex.stream);
}

static enum pull
h1_fill(struct exchange *ex, struct splice_pipe *pipe, bool *last)
{
	struct h1 *h = (struct h1 *)ex;
	ssize_t n = splice_fill(pipe, h->ex.stream, h->body.left);

	if (n == -1 && errno == EAGAIN)
		return PULL_WAIT;
	if (n <= 0)
		return PULL_GONE;
	source_passed(&h->body, (size_t)n);
	*last = h->body.done;
	return PULL_PIECE;
}

static bool
h1_interim(struct exchange *ex, const struct http_msg *msg)
{
	struct h1 *h = (struct h1 *)ex;

	if (h->minor == 0) /* RFC 9110 section 15.2 */
		return true;
	return respond_interim(&h->sink.out, msg) &&
	       sink_send(&h->sink, h->ex.stream, SPAN(""), false) != -1;
}

static bool
h1_changes(struct exchange *ex, const struct http_msg *msg)
{
	struct h1 *h = (struct h1 *)ex;
	size_t before = buf_len(&h->sink.out);

	if (respond_switch(&h->sink.out, msg))
		return true;
	h->sink.out.tail = h->sink.out.head + before; /* no half of a head */
	return false;
}

static bool
h1_head(struct exchange *ex, const struct http_msg *msg, enum body_end end,
    uint64_t length)
{
	struct h1 *h = (struct h1 *)ex;
	size_t before = buf_len(&h->sink.out);
	struct respond r = {
		.msg = msg, .end = end, .length = length, .minor = h->minor
	};

	if (end == BODY_CLOSE || end == BODY_CHUNKED) {
		r.end = h->minor == 1 ? BODY_CHUNKED : BODY_CLOSE;
		h->keep_alive = h->keep_alive && h->minor == 1;
	}
	h->sink.chunked = r.end == BODY_CHUNKED;
	/*
	 * What is left of a body cannot be told from the next request; and on
	 * standby the address goes, so the next one is for another node.
	 */
	if (!h->body.done || h->w->draining ||
	    h->w->overload.step >= OVERLOAD_TIGHT ||
	    policy_standby(h->w->policy))
		h->keep_alive = false;
	r.keep_alive = h->keep_alive;
	if (respond_head(&h->sink.out, &r))
		return true;
	h->sink.out.tail = h->sink.out.head + before; /* no half of a head */
	return false;
}

static ssize_t
h1_push(struct exchange *ex, struct span piece, bool last, bool *sent)
{
	struct h1 *h = (struct h1 *)ex;
	ssize_t n;

	/* trailers may tell of bytes that compressed ones are not */
	if (last && ex->compressor == NULL)
		h->sink.ending = source_ending(&ex->upstream.source);
	n = sink_send(&h->sink, h->ex.stream, piece, last);

	*sent = n != -1 && !sink_pending(&h->sink) && h->ex.stream->writable;
	return n;
}

static struct stream *
h1_socket(struct exchange *ex)
{
	struct h1 *h = (struct h1 *)ex;

	return h->ex.stream->ssl != NULL || h->sink.chunked ||
		       sink_pending(&h->sink)
		   ? NULL
		   : h->ex.stream;
}

/* While a body is awaited, reading finds out. */
static bool
h1_gone(struct exchange *ex)
{
	struct h1 *h = (struct h1 *)ex;

	ex->half_closed = h->body.done && h->ex.stream->ended;
	return h->body.done && h->ex.stream->hup;
}

static void
h1_wake(struct exchange *ex)
{
	struct h1 *h = (struct h1 *)ex;

	h->wake(h->user);
}

static const struct exchange_ops ops = {
	.protocol = { "h1", 2 },
	.pull = h1_pull,
	.pulled = h1_pulled,
	.fills = h1_fills,
	.fill = h1_fill,
	.interim = h1_interim,
	.changes = h1_changes,
	.head = h1_head,
	.push = h1_push,
	.socket = h1_socket,
	.gone = h1_gone,
	.wake = h1_wake,
};

/* What was received goes first; then an idle tunnel holds no buffer. */
static enum h1_next
begin_tunnel(struct h1 *h)
{
	struct tunnel *t = &h->tunnel;
	struct upstream *u = &h->ex.upstream;

	tunnel_init(t, h->ex.stream, &u->conn->stream, h->w->loop.now_ms);
	t->up.bytes = buf_len(&h->in);
	t->down.bytes = buf_len(&u->in);
	t->down.framed = upstream_is_websocket(u);
	websocket_pass(&t->down.frames, buf_span(&u->in));
	if (!buf_append_span(&t->up.held, buf_span(&h->in)) ||
	    !buf_append_span(&t->down.held, buf_span(&h->sink.out)) ||
	    !buf_append_span(&t->down.held, buf_span(&u->in)))
		return H1_CUT;
	buf_release(&h->in);
	buf_release(&h->sink.out);
	buf_release(&u->in);
	buf_release(&u->sink.out);
	return H1_TUNNEL;
}

enum h1_next
h1_tunnel(struct h1 *h)
{
	enum tunnel_next next;

	if (h->ex.stage == STAGE_CUT)
		return H1_GONE;
	next = tunnel_run(&h->tunnel, &h->w->scratch, h->w->loop.now_ms);
	h->ex.received = h->tunnel.up.bytes;
	h->ex.log.sent = h->tunnel.down.bytes;
	switch (next) {
	case TUNNEL_WAIT:
		return H1_WAIT;
	case TUNNEL_YIELD:
		return H1_YIELD;
	case TUNNEL_ENDED:
		return H1_GONE;
	case TUNNEL_CUT:
		break;
	}
	stream_cut(&h->ex.upstream.conn->stream);
	return H1_CUT;
}

enum h1_next
h1_step(struct h1 *h)
{
	switch (exchange_step(&h->ex)) {
	case EXCHANGE_WAIT:
		return H1_WAIT;
	case EXCHANGE_YIELD:
		return H1_YIELD;
	case EXCHANGE_TUNNEL:
		return begin_tunnel(h);
	case EXCHANGE_CUT:
		/* half an answer tells more than none */
		if (sink_pending(&h->sink))
			sink_send(&h->sink, h->ex.stream, SPAN(""), false);
		return H1_CUT;
	case EXCHANGE_DONE:
		break;
	}
	exchange_end(&h->ex);
	/* what the backend did not want of the body; then the next request */
	source_taken(&h->body, &h->in, h->body.ready);
	sink_begin(&h->sink);
	return H1_DONE;
}
