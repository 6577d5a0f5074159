/* Takes bodies apart and puts them together again. */
#include "worker/pump.h"

#include <assert.h>
#include <errno.h>

#include "http/fields.h"
#include "http/parse.h"
#include "http/serialize.h"
#include "worker/splice.h"

/* What is behind a chunk's data when it is the last. */
#define ENDING CHUNK_TAIL CHUNK_LAST
#define ENDING_BEGIN CHUNK_TAIL "0\r\n" /* then trailers */
#define ENDING_MAX 8192			/* with trailers */

/* 7-security.md 7.5 */
static const struct http_limits trailer_limits = {
	.line = 4096, .head = 4096, .field = 4096, .fields = 16
};

/* The same, written again. */
static const struct http_limits ending_limits = { .line = ENDING_MAX,
	.head = ENDING_MAX,
	.field = ENDING_MAX,
	.fields = 16 };

void
source_release(struct source *s)
{
	buf_release(&s->ending);
}

void
source_begin(struct source *s, enum body_end end, uint64_t length)
{
	if (s->ending.data != NULL)
		buf_release(&s->ending);
	s->ending.max = ENDING_MAX;
	s->end = end;
	s->left = length;
	s->ready = s->scanned = 0;
	s->done = end == BODY_NONE || (end == BODY_LENGTH && length == 0);
	s->trailers = false;
	s->decoder = (struct chunk_decoder){ 0 };
}

/*
 * Close a gap of n bytes behind the decoded ones, up to `from`, so that what
 * was decoded and what was not stay in one piece.
 */
static void
close_gap(struct source *s, struct buf *in, const char *from)
{
	char *to = in->data + in->head + s->ready;
	size_t rest = (size_t)(in->data + in->tail - from);

	if (s->ready == 0) { /* nothing to be kept together with */
		buf_consume(in, (size_t)(from - to));
		return;
	}
	memmove(to, from, rest);
	in->tail -= (size_t)(from - to);
}

bool
ending_put(struct buf *ending, const struct http_msg *trailers)
{
	if (trailers->nfields == 0)
		return true;
	if (!buf_append_span(ending, SPAN(ENDING_BEGIN)))
		return false;
	for (size_t i = 0; i < trailers->nfields; i++) {
		const struct http_field *f = &trailers->field[i];

		if (f->id == FIELD_OTHER && !http_field_is_hop(trailers, f) &&
		    !http_put_field(ending, f->name, f->value))
			return false;
	}
	return http_put_end(ending);
}

struct span
source_ending(const struct source *s)
{
	return buf_len(&s->ending) > 0 ? buf_span(&s->ending) : SPAN(ENDING);
}

bool
source_trailers(const struct source *s, struct http_msg *msg)
{
	struct span bytes = buf_span(&s->ending);
	size_t scanned = 0;

	if (bytes.len == 0)
		return false;
	bytes = span_from(bytes, sizeof(ENDING_BEGIN) - 1);
	return http_parse_trailers(bytes.ptr, bytes.len, &scanned,
		   &ending_limits, msg) == HTTP_FINE;
}

static bool
decode_trailers(struct source *s, struct buf *in, struct http_msg *scratch)
{
	struct span bytes = span_from(buf_span(in), s->ready);
	bool kept;

	switch (http_parse_trailers(
	    bytes.ptr, bytes.len, &s->scanned, &trailer_limits, scratch)) {
	case HTTP_FINE:
		kept = ending_put(&s->ending, scratch);
		close_gap(s, in, bytes.ptr + scratch->head_len);
		s->done = true;
		return kept;
	case HTTP_MORE:
		return true;
	default:
		return false;
	}
}

/* Decodes all that is at hand, pushing the pieces together. */
static bool
decode_chunks(struct source *s, struct buf *in, struct http_msg *scratch)
{
	struct span bytes = span_from(buf_span(in), s->ready), data;
	char *to = in->data + in->head + s->ready;

	while (!s->trailers) {
		switch (chunk_decode(&s->decoder, &bytes, &data)) {
		case CHUNK_DATA:
			if (s->ready == 0) { /* no need to move the first */
				buf_consume(in, (size_t)(data.ptr - to));
				to = in->data + in->head;
			}
			memmove(to, data.ptr, data.len);
			to += data.len;
			s->ready += data.len;
			continue;
		case CHUNK_TRAILERS:
			s->trailers = true;
			close_gap(s, in, bytes.ptr);
			break;
		case CHUNK_MORE:
			close_gap(s, in, in->data + in->tail);
			return true;
		case CHUNK_BAD:
			return false;
		}
	}
	return decode_trailers(s, in, scratch);
}

bool
source_decode(struct source *s, struct buf *in, struct http_msg *scratch)
{
	if (s->done)
		return true;
	switch (s->end) {
	case BODY_LENGTH:
		s->ready = buf_len(in);
		if (s->ready >= s->left) {
			s->ready = (size_t)s->left;
			s->done = true;
		}
		return true;
	case BODY_CLOSE:
		s->ready = buf_len(in);
		return true;
	case BODY_CHUNKED:
		if (buf_len(in) == s->ready)
			return true;
		return decode_chunks(s, in, scratch);
	case BODY_NONE:
	case BODY_REFUSE:
		break;
	}
	return false;
}

bool
source_eof(struct source *s)
{
	if (s->end == BODY_CLOSE)
		s->done = true;
	return s->done;
}

bool
source_passes(const struct source *s, const struct stream *from)
{
	return s->end == BODY_LENGTH && s->ready == 0 &&
	       s->left >= SPLICE_MIN && from->ssl == NULL && from->readable;
}

void
source_passed(struct source *s, size_t n)
{
	assert(s->end == BODY_LENGTH && s->ready == 0 && n <= s->left);
	s->left -= n;
	s->done = s->left == 0;
}

void
source_taken(struct source *s, struct buf *in, size_t n)
{
	assert(n <= s->ready);
	s->ready -= n;
	if (s->end == BODY_LENGTH)
		s->left -= n;
	buf_consume(in, n);
}

void
sink_init(struct sink *s, size_t max)
{
	*s = (struct sink){ .ending = SPAN(ENDING), .ended = true };
	buf_init(&s->out, max);
}

void
sink_begin(struct sink *s)
{
	buf_consume(&s->out, buf_len(&s->out));
	s->sent = 0;
	s->keep = s->lost = s->chunked = s->ended = false;
	s->ending = SPAN(ENDING);
	s->chunk_left = 0;
}

void
sink_passed(struct sink *s, bool last)
{
	assert(!s->chunked && !s->keep && !sink_pending(s));
	s->lost = true;
	s->ended = s->ended || last;
}

void
sink_rewind(struct sink *s)
{
	assert(!s->lost);
	s->sent = 0;
}

void
sink_forget(struct sink *s)
{
	s->lost = s->lost || s->sent > 0;
	buf_consume(&s->out, s->sent);
	s->sent = 0;
	s->keep = false;
}

/* Announce a piece; false: out is full of what the peer does not read. */
static bool
open_chunk(struct sink *s, size_t len)
{
	char line[CHUNK_HEAD_MAX];

	if (!s->chunked || s->chunk_left > 0 || len == 0)
		return true;
	if (!buf_append(&s->out, line, chunk_head(line, len)))
		return false;
	s->chunk_left = len;
	return true;
}

/* What follows the next n bytes of data. */
static struct span
framing_after(const struct sink *s, size_t n, bool last)
{
	if (!s->chunked)
		return SPAN("");
	if (n > 0 && n == s->chunk_left)
		return last ? s->ending : SPAN(CHUNK_TAIL);
	return last ? span_from(s->ending, sizeof(CHUNK_TAIL) - 1) : SPAN("");
}

/* Count off what the kernel took; returns what is left of n behind out. */
static size_t
drop_sent(struct sink *s, size_t n)
{
	size_t pending = buf_len(&s->out) - s->sent;
	size_t mine = n < pending ? n : pending;

	if (s->keep) {
		s->sent += mine;
	} else {
		buf_consume(&s->out, mine);
		s->lost = s->lost || n > 0;
	}
	return n - mine;
}

static ssize_t
send_all(
    struct sink *s, struct stream *stream, struct span piece, struct span tail)
{
	struct iovec iov[3];
	int n = 0;

	if (sink_pending(s))
		iov[n++] = (struct iovec){ s->out.data + s->out.head + s->sent,
			buf_len(&s->out) - s->sent };
	if (piece.len > 0)
		iov[n++] = (struct iovec){ (char *)piece.ptr, piece.len };
	if (tail.len > 0)
		iov[n++] = (struct iovec){ (char *)tail.ptr, tail.len };
	return n == 0 ? 0 : stream_send(stream, iov, n);
}

/*
 * Hold a copy of the piece, so that it too can be sent again, and send what
 * can be.  If that fails, reading will find out.  False: too much to hold.
 */
static bool
send_held(
    struct sink *s, struct stream *stream, struct span data, struct span tail)
{
	ssize_t n;

	if (!buf_reserve(&s->out, data.len + tail.len) ||
	    !buf_append_span(&s->out, data) || !buf_append_span(&s->out, tail))
		return false;
	n = send_all(s, stream, SPAN(""), SPAN(""));
	drop_sent(s, n == -1 ? 0 : (size_t)n);
	return true;
}

/* All of the data is done with; of what follows it, this is left. */
static ssize_t
data_done(struct sink *s, size_t n, struct span rest, bool last)
{
	if (s->chunked)
		s->chunk_left -= n;
	if (last)
		s->ended = true;
	if (buf_append_span(&s->out, rest))
		return (ssize_t)n;
	errno = ENOBUFS;
	return -1;
}

ssize_t
sink_send(struct sink *s, struct stream *stream, struct span piece, bool last)
{
	struct span data = piece, tail;
	size_t taken;
	ssize_t n;

	if (!stream->writable)
		return 0;
	if (!open_chunk(s, piece.len)) {
		errno = ENOBUFS;
		return -1;
	}
	if (s->chunked && data.len > s->chunk_left)
		data.len = (size_t)s->chunk_left;
	last = last && data.len == piece.len && !s->ended;
	tail = framing_after(s, data.len, last);

	if (s->keep && (data.len > 0 || tail.len > 0)) {
		if (send_held(s, stream, data, tail))
			return data_done(s, data.len, SPAN(""), last);
		sink_forget(s);
	}
	n = send_all(s, stream, data, tail);
	if (n == -1 && errno != EAGAIN)
		return -1;
	taken = drop_sent(s, n == -1 ? 0 : (size_t)n);
	if (!sink_pending(s) && taken >= data.len)
		return data_done(
		    s, data.len, span_from(tail, taken - data.len), last);
	if (s->chunked)
		s->chunk_left -= taken;
	return (ssize_t)taken;
}
