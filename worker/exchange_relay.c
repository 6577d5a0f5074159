/* Relays the response to the client. */
#include "worker/exchange_parts.h"

#include <assert.h>
#include <errno.h>

#include "shm/counters.h"
#include "worker/process.h"
#include "worker/respond.h"
#include "worker/settings.h"
#include "worker/zone.h"

/* The site's own file, in place of a 404: what came of that is dropped. */
static void
begin_site_file(struct exchange *ex, enum body_end end, uint64_t length)
{
	upstream_head_done(&ex->upstream, end, length);
	upstream_end(&ex->upstream, ex->request_done);
	exchange_leave_tool(ex);
	ex->stage = STAGE_ANSWER;
}

/*
 * Compress the body, if it is worth it and the client takes it; then it ends
 * with its last chunk.  HEAD is told what GET would be.
 */
static void
begin_compression(struct exchange *ex, enum body_end *end, uint64_t length)
{
	struct http_msg *msg = &ex->w->msg;
	enum coding coding = ex->asked.coding;

	if (!ex->w->conf->compression ||
	    !encode_may(msg, ex->is_head, *end, length) ||
	    coding == CODING_NONE)
		return;
	if (!ex->is_head) {
		ex->compressor = compress_begin(&ex->w->compressors, coding);
		if (ex->compressor == NULL)
			return;
		*end = BODY_CHUNKED;
	}
	encode_head(msg, coding, ex->w->etag);
}

/* The response's head has come; its body follows. */
static void
begin_body(struct exchange *ex, enum body_end end, uint64_t length)
{
	struct http_msg *msg = &ex->w->msg;
	enum body_end sent_end = end;

	if (msg->status == 404 && ex->site != NULL) {
		begin_site_file(ex, end, length);
		return;
	}
	ex->site = NULL;
	ex->client_ms = ex->w->loop.now_ms;
	respond_location(msg, &ex->asked, &ex->page);
	begin_compression(ex, &sent_end, length);
	zones_apply(
	    ex->settings->zones, asked_host(&ex->asked), ex->asked.https, msg);
	if (!ex->ops->head(ex, msg, sent_end, length)) {
		exchange_end_compression(ex);
		buf_consume(&ex->page, buf_len(&ex->page));
		exchange_fail(ex, REASON_BACKEND_BAD_RESPONSE);
		return;
	}
	buf_consume(&ex->page, buf_len(&ex->page));
	ex->log.status = ex->w->msg.status;
	ex->log.from_backend = true;
	ex->log.first_ms = ex->w->loop.now_ms;
	ex->stage = STAGE_BODY;
	if (!upstream_head_done(&ex->upstream, end, length))
		exchange_cut(ex, REASON_BACKEND_BAD_RESPONSE);
}

static void
begin_tunnel(struct exchange *ex)
{
	struct http_msg *msg = &ex->w->msg;

	zones_apply(
	    ex->settings->zones, asked_host(&ex->asked), ex->asked.https, msg);
	if (!ex->ops->changes(ex, msg)) {
		exchange_fail(ex, REASON_BACKEND_BAD_RESPONSE);
		return;
	}
	ex->log.status = 101;
	ex->log.answered = ex->log.from_backend = true;
	ex->log.first_ms = ex->w->loop.now_ms;
	upstream_interim_done(&ex->upstream);
	ex->stage = STAGE_TUNNEL;
	counters_event(ex->w->counters, EVENT_TUNNEL);
	if (ex->no_websocket)
		counters_event(ex->w->counters, EVENT_WEBSOCKET);
	ex->no_websocket = false;
}

bool
exchange_read_head(struct exchange *ex)
{
	struct upstream *u = &ex->upstream;
	enum reason reason;
	enum body_end end;
	uint64_t length = 0;

	for (;;) {
		switch (upstream_read_head(u, &end, &length, &reason)) {
		case UPSTREAM_WAIT:
			return false;
		case UPSTREAM_AGAIN:
			return true;
		case UPSTREAM_FAILED:
			exchange_fail(ex, reason);
			return false;
		case UPSTREAM_HEAD:
			begin_body(ex, end, length);
			return false;
		case UPSTREAM_SWITCH:
			begin_tunnel(ex);
			return false;
		case UPSTREAM_INTERIM:
			if (!ex->ops->interim(ex, &ex->w->msg)) {
				exchange_cut(ex, REASON_CLIENT_GONE);
				return false;
			}
			upstream_interim_done(u);
		}
	}
}

bool
exchange_push(struct exchange *ex, struct span piece, bool last, size_t *taken)
{
	bool sent;
	ssize_t n = ex->ops->push(ex, piece, last, &sent);

	*taken = 0;
	if (n == -1) {
		exchange_cut(ex, REASON_CLIENT_GONE);
		return false;
	}
	*taken = (size_t)n;
	ex->log.answered = true;
	ex->log.sent += *taken;
	if (n > 0 || sent || !ex->client_blocked)
		ex->client_ms = ex->w->loop.now_ms;
	ex->client_blocked = !sent;
	if (sent && last && *taken == piece.len)
		ex->stage = STAGE_DONE;
	return !ex->client_blocked && exchange_spend(ex, *taken);
}

/* The connection is free as soon as all was received. */
static void
free_backend(struct exchange *ex)
{
	if (ex->upstream.source.done && ex->request_done)
		upstream_end(&ex->upstream, true);
}

/* Receive some of the body.  False: it was cut. */
static bool
read_body(struct exchange *ex)
{
	struct upstream *u = &ex->upstream;

	if (u->conn != NULL && !upstream_read_body(u)) {
		exchange_cut(ex, REASON_BACKEND_CLOSED);
		return false;
	}
	free_backend(ex);
	return true;
}

/* Is there more of the body, at once? */
static bool
body_at_hand(const struct exchange *ex)
{
	const struct upstream *u = &ex->upstream;

	assert(u->source.done || u->conn != NULL); /* see read_body() */
	return u->source.ready > 0 || u->source.done ||
	       u->conn->stream.readable;
}

/* Compress some of the body.  When the backend pauses, nothing is held back. */
static bool
compress_body(struct exchange *ex)
{
	struct upstream *u = &ex->upstream;
	enum compress op;
	size_t taken;

	/* until an operation is complete it gets no more */
	if (!compress_busy(ex->compressor) && !read_body(ex))
		return false;
	assert(u->source.done || u->conn != NULL); /* see read_body() */
	op = u->source.done		? COMPRESS_LAST
	     : u->conn->stream.readable ? COMPRESS_MORE
					: COMPRESS_FLUSH;
	if (!compress_piece(
		ex->compressor, source_piece(&u->source, &u->in), op, &taken)) {
		exchange_cut(ex, REASON_INTERNAL);
		return false;
	}
	source_taken(&u->source, &u->in, taken);
	return exchange_spend(ex, taken);
}

static void
relay_compressed(struct exchange *ex)
{
	struct compressor *c = ex->compressor;
	bool more = true;
	size_t taken;

	while (more && ex->stage == STAGE_BODY) {
		if (compress_out(c).len == 0 && !compress_ended(c))
			more = compress_body(ex);
		if (ex->stage != STAGE_BODY)
			return;
		/* a blocked client may lack the end of a chunk, no more */
		if (compress_out(c).len > 0 || compress_ended(c) ||
		    ex->client_blocked) {
			more = exchange_push(ex, compress_out(c),
				   compress_ended(c), &taken) &&
			       more;
			compress_sent(c, taken);
		}
		more = more && (compress_busy(c) || compress_out(c).len > 0 ||
				   body_at_hand(ex));
	}
}

/* Copy some of the body.  False: this is all for now, or for ever. */
static bool
copy_body(struct exchange *ex)
{
	struct upstream *u = &ex->upstream;
	bool more;
	size_t taken;

	if (!read_body(ex))
		return false;
	more = exchange_push(
	    ex, source_piece(&u->source, &u->in), u->source.done, &taken);
	source_taken(&u->source, &u->in, taken);
	return more && body_at_hand(ex);
}

/* The same through a pipe, when the client's socket is writable. */
static bool
splice_body(struct exchange *ex, struct stream *client)
{
	struct upstream *u = &ex->upstream;
	ssize_t n = 0;

	if (ex->down->held == 0 && !upstream_splice_body(u, ex->down)) {
		exchange_cut(ex, REASON_BACKEND_CLOSED);
		return false;
	}
	free_backend(ex);
	if (ex->down->held > 0)
		n = splice_drain(ex->down, client);
	if (n == -1 && errno != EAGAIN) {
		exchange_cut(ex, REASON_CLIENT_GONE);
		return false;
	}
	if (n > 0 || !ex->client_blocked)
		ex->client_ms = ex->w->loop.now_ms;
	ex->log.sent += n > 0 ? (uint64_t)n : 0;
	ex->client_blocked = ex->down->held > 0 && !client->writable;
	if (ex->down->held == 0)
		exchange_put_pipe(ex, &ex->down);
	return !ex->client_blocked &&
	       exchange_spend(ex, n > 0 ? (size_t)n : 0) &&
	       (ex->down != NULL || body_at_hand(ex));
}

/* The client's socket, when the next of the body goes there through a pipe. */
static struct stream *
splices_to(struct exchange *ex)
{
	struct stream *client;

	if (ex->down == NULL && !upstream_may_splice(&ex->upstream))
		return NULL;
	client = ex->ops->socket == NULL ? NULL : ex->ops->socket(ex);
	if (client != NULL && client->writable && ex->down == NULL)
		ex->down = splice_get(&ex->w->pipes);
	return ex->down != NULL ? client : NULL;
}

static void
relay_body(struct exchange *ex)
{
	struct stream *client;
	bool more = true;

	while (more && ex->stage == STAGE_BODY) {
		client = splices_to(ex);
		more = client != NULL ? splice_body(ex, client) : copy_body(ex);
	}
}

void
exchange_relay(struct exchange *ex)
{
	if (ex->compressor != NULL)
		relay_compressed(ex);
	else
		relay_body(ex);
}
