/* Moves bodies from a backend, and past us to one. */
#include "worker/upstream.h"

#include <errno.h>

#include "worker/process.h"
#include "worker/splice.h"

bool
upstream_read_body(struct upstream *u)
{
	size_t room = u->in.max - buf_len(&u->in);
	ssize_t n;

	if (u->source.ready > 0 || u->source.done)
		return true;
	n = stream_recv(&u->conn->stream, &u->in, room);
	if (n == -1)
		return errno == EAGAIN;
	if (n == 0)
		return source_eof(&u->source);
	u->progress_ms = u->w->loop.now_ms;
	return source_decode(&u->source, &u->in, &u->w->msg);
}

bool
upstream_may_splice(const struct upstream *u)
{
	return u->conn != NULL && source_passes(&u->source, &u->conn->stream);
}

bool
upstream_splice_body(struct upstream *u, struct splice_pipe *pipe)
{
	ssize_t n = splice_fill(pipe, &u->conn->stream, u->source.left);

	if (n == -1)
		return errno == EAGAIN;
	if (n == 0)
		return source_eof(&u->source);
	u->conn->spliced = true;
	u->progress_ms = u->w->loop.now_ms;
	source_passed(&u->source, (size_t)n);
	return true;
}

bool
upstream_takes_pipe(const struct upstream *u)
{
	const struct stream *to = &u->conn->stream;

	return u->upgrade_len == 0 && !u->sink.keep && !u->sink.chunked &&
	       !sink_pending(&u->sink) && to->ssl == NULL && to->writable;
}

size_t
upstream_send_pipe(struct upstream *u, struct splice_pipe *pipe, bool last)
{
	ssize_t n;

	if (pipe->held == 0)
		return 0;
	n = splice_drain(pipe, &u->conn->stream);
	if (n == -1 && errno != EAGAIN) {
		upstream_stop_sending(u);
		return 0;
	}
	if (n <= 0)
		return 0;
	u->progress_ms = u->w->loop.now_ms;
	sink_passed(&u->sink, last && pipe->held == 0);
	return (size_t)n;
}
