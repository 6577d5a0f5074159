/* A compressed body goes on when the client can be sent more, even if the
 * backend says nothing. */
#include "worker/exchange_parts.h"

#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "t/tap.h"
#include "worker/process.h"

static bool client_reads;
static size_t waits; /* bytes of framing that it has not been sent */

/* As h1's: it takes all, but its last two bytes may have to wait. */
static ssize_t
push(struct exchange *ex, struct span piece, bool last, bool *sent)
{
	(void)ex;
	(void)last;
	if (piece.len > 0)
		waits = 2;
	if (client_reads)
		waits = 0;
	*sent = waits == 0;
	return (ssize_t)piece.len;
}

static const struct exchange_ops ops = { .push = push };

static void
relay(struct exchange *ex)
{
	ex->budget = 4096;
	exchange_relay(ex);
}

int
main(void)
{
	struct worker *w = calloc(1, sizeof(*w));
	struct exchange *ex = calloc(1, sizeof(*ex));
	struct pool_conn *backend = calloc(1, sizeof(*backend));
	int ends[2];

	if (!ok(w != NULL && ex != NULL && backend != NULL &&
		    socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends) ==
			0,
		"a backend"))
		return done();
	*ex = (struct exchange){ .ops = &ops, .w = w, .stage = STAGE_BODY };
	ex->compressor = compress_begin(&w->compressors, CODING_GZIP);
	buf_init(&ex->upstream.in, PUMP_BUF_MAX);
	source_begin(&ex->upstream.source, BODY_CLOSE, 0);
	ex->upstream.w = w;
	ex->upstream.conn = backend;
	backend->stream.io.fd = ends[0];
	backend->stream.readable = true;

	is_int(send(ends[1], "hello", 5, 0), 5, "says something");
	relay(ex);
	is_int(waits, 2, "it was sent, but for the end of its chunk");
	ok(ex->client_blocked, "for which the client is waited for");
	client_reads = true;
	relay(ex);
	is_int(waits, 0, "the client can be sent more: it gets that, too");
	ok(!ex->client_blocked, "and the backend is waited for again");
	is_int(ex->stage, STAGE_BODY, "all the while");

	exchange_end_compression(ex);
	compressors_release(&w->compressors);
	source_release(&ex->upstream.source);
	buf_release(&ex->upstream.in);
	close(ends[0]);
	close(ends[1]);
	free(backend);
	free(ex);
	free(w);
	return done();
}
