/*
 * Bodies: a source takes them out of a buffer, decoded; a sink sends them on,
 * framed anew.  A piece is sent from where it was received; what the socket
 * does not take stays there, and as long as something is there nothing more
 * is read: that is the back-pressure.
 */
#ifndef WORKER_PUMP_H
#define WORKER_PUMP_H

#include <stdbool.h>
#include <stdint.h>

#include "http/chunked.h"
#include "http/framing.h"
#include "http/msg.h"
#include "lib/buf.h"
#include "worker/stream.h"

#define PUMP_BUF_MAX (32 * 1024) /* bytes received and not yet sent on */

/* A body on its way in. */
struct source {
	enum body_end end;
	uint64_t left; /* BODY_LENGTH: bytes not yet taken */
	size_t ready;  /* decoded bytes at the front of the buffer */
	bool done;     /* with these the body is complete */
	bool trailers; /* BODY_CHUNKED: the last chunk was read */
	size_t scanned; /* of the trailers */
	struct chunk_decoder decoder;
	struct buf ending; /* owned: see source_ending() */
};

/* Zeroed, it is without memory. */
void source_release(struct source *s);

void source_begin(struct source *s, enum body_end end, uint64_t length);

/*
 * Decode what was received.
 *
 * in       the body's bytes first; behind its end the next message may follow
 * scratch  overwritten
 * False    this is not the coding that it says
 */
bool source_decode(struct source *s, struct buf *in, struct http_msg *scratch);

/* The peer sends nothing more.  False: the body is not complete. */
bool source_eof(struct source *s);

static inline struct span
source_piece(const struct source *s, const struct buf *in)
{
	return (struct span){ in->data + in->head, s->ready };
}

/*
 * When it is done: what a chunked sink ends with, as sink->ending.  Trailers
 * are written anew, and only those that mean nothing to us: no others may
 * follow a body (RFC 9110 section 6.5.1).
 */
struct span source_ending(const struct source *s);

/* Its trailers as fields; false: it has none. */
bool source_trailers(const struct source *s, struct http_msg *msg);

/* Write such an ending, of these trailers.  False: they are too large. */
bool ending_put(struct buf *ending, const struct http_msg *trailers);

/* May what comes next of it go past us?  See splice.h: there, from is read. */
bool source_passes(const struct source *s, const struct stream *from);

/* n bytes of a BODY_LENGTH went by: they are not in the buffer. */
void source_passed(struct source *s, size_t n);

/* n bytes of the piece have been sent on. */
void source_taken(struct source *s, struct buf *in, size_t n);

/* A message on its way out. */
struct sink {
	struct buf out;      /* owned: head and framing, not yet sent */
	size_t sent;         /* of out, as long as it is kept */
	bool keep;           /* hold what was sent, to send it again */
	bool lost;           /* something was sent that is not held */
	bool chunked;
	struct span ending;  /* borrowed: of a chunked body, up to its last byte */
	bool ended;          /* all of the message is in out, or sent */
	uint64_t chunk_left; /* bytes announced and not yet sent */
};

void sink_init(struct sink *s, size_t max);

/* Begin a message: out is empty, and the head is put there next. */
void sink_begin(struct sink *s);

/*
 * Send what is in out, then as much of piece as the socket takes, by one
 * system call.
 *
 * last    piece is the end of the body
 * Returns how much of piece is done with; less than all: wait for the socket.
 *         -1 with errno, never EAGAIN.
 */
ssize_t sink_send(
    struct sink *s, struct stream *stream, struct span piece, bool last);

/* Some of the body went by, behind all that was in out; last: it has ended. */
void sink_passed(struct sink *s, bool last);

/* Send all of it again on another stream.  Only while nothing was lost. */
void sink_rewind(struct sink *s);

/* It need not be sent again: stop holding it. */
void sink_forget(struct sink *s);

/* Is anything waiting to be sent? */
static inline bool
sink_pending(const struct sink *s)
{
	return buf_len(&s->out) > s->sent;
}

#endif
