/* Bodies come out as they went in, however the bytes arrive and leave. */
#include "worker/pump.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "t/tap.h"

static struct http_msg *scratch;

/* How a source takes bytes apart that come n at a time. */
static const struct {
	const char *what;
	enum body_end end;
	uint64_t length;
	const char *bytes, *body, *rest; /* rest: of the next message */
	bool done, bad;
} sources[] = {
	{ "none", BODY_NONE, 0, "GET", "", "GET", true, false },
	{ "no bytes", BODY_LENGTH, 0, "GET", "", "GET", true, false },
	{ "a length", BODY_LENGTH, 5, "helloGET", "hello", "GET", true, false },
	{ "a part", BODY_LENGTH, 9, "hello", "hello", "", false, false },
	{ "up to the end", BODY_CLOSE, 0, "hello", "hello", "", false, false },
	{ "a chunk", BODY_CHUNKED, 0, "5\r\nhello\r\n0\r\n\r\nGET", "hello",
	    "GET", true, false },
	{ "several", BODY_CHUNKED, 0,
	    "1\r\na\r\n2\r\nbc\r\n1\r\nd\r\n000\r\n\r\nGET / H", "abcd",
	    "GET / H", true, false },
	{ "with trailers", BODY_CHUNKED, 0,
	    "1\r\na\r\n0\r\nT: u\r\nV: w\r\n\r\nGET", "a", "GET", true, false },
	{ "without an end", BODY_CHUNKED, 0, "1\r\na\r\n0\r\nT: u\r\n", "a",
	    "", false, false },
	{ "no chunk", BODY_CHUNKED, 0, "1\r\na\r\nzz\r\n", "a", "", false,
	    true },
	{ "too much in a chunk", BODY_CHUNKED, 0, "1\r\nab\r\n", "", "", false,
	    true },
	{ "bad trailers", BODY_CHUNKED, 0, "0\r\nT : u\r\n\r\n", "", "", false,
	    true },
};

/* take: bytes of a piece that are taken each time, so that some stay. */
static void
run_source(size_t i, size_t step, size_t take)
{
	struct span bytes = span_str(sources[i].bytes);
	struct source s = { .done = false };
	struct buf in, body;
	bool good = true;

	buf_init(&in, 4096);
	buf_init(&body, 4096);
	source_begin(&s, sources[i].end, sources[i].length);
	while (good && bytes.len > 0) {
		size_t n = bytes.len < step ? bytes.len : step;

		buf_append(&in, bytes.ptr, n);
		bytes = span_from(bytes, n);
		good = source_decode(&s, &in, scratch);
		while (good && s.ready > 0) {
			struct span piece = source_piece(&s, &in);

			piece.len = piece.len < take ? piece.len : take;
			buf_append_span(&body, piece);
			source_taken(&s, &in, piece.len);
		}
	}
	ok(good == !sources[i].bad, "%s, %zu bytes at a time",
	    sources[i].what, step);
	if (good) {
		is_span(buf_span(&body), sources[i].body, "  the body");
		is_int(s.done, sources[i].done, "  its end");
		if (s.done)
			is_span(buf_span(&in), sources[i].rest, "  the rest");
		is_int(source_eof(&s),
		    sources[i].done || sources[i].end == BODY_CLOSE,
		    "  complete at the end of the connection");
	}
	source_release(&s);
	buf_release(&in);
	buf_release(&body);
}

/* What becomes of trailers. */
static const struct {
	const char *what, *trailers, *ending;
} endings[] = {
	{ "none", "", "\r\n0\r\n\r\n" },
	{ "one", "X-Sum:1 \r\n", "\r\n0\r\nX-Sum: 1\r\n\r\n" },
	{ "what means something in a head",
	    "Content-Length: 5\r\nX-Sum: 1\r\nHost: b\r\nSet-Cookie: a\r\n"
	    "Transfer-Encoding: x\r\nAuthorization: y\r\n",
	    "\r\n0\r\nX-Sum: 1\r\n\r\n" },
	{ "its alias to CGI", "Content_Length: 5\r\n", "\r\n0\r\n\r\n" },
};

static void
run_ending(size_t i)
{
	struct source s = { .done = false };
	struct buf in;

	buf_init(&in, 4096);
	buf_printf(&in, "0\r\n%s\r\n", endings[i].trailers);
	source_begin(&s, BODY_CHUNKED, 0);
	ok(source_decode(&s, &in, scratch) && s.done, "trailers: %s",
	    endings[i].what);
	is_span(source_ending(&s), endings[i].ending, "  passed on");
	source_begin(&s, BODY_CHUNKED, 0);
	is_span(source_ending(&s), "\r\n0\r\n\r\n", "  and forgotten");
	source_release(&s);
	buf_release(&in);
}

/* A stream into a socket that takes little at a time. */
static struct stream stream;
static int far_end;
static struct buf arrived;

static void
open_stream(void)
{
	int fds[2], small = 1;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds) == -1)
		abort();
	setsockopt(fds[0], SOL_SOCKET, SO_SNDBUF, &small, sizeof(small));
	stream = (struct stream){ .io.fd = fds[0], .writable = true };
	far_end = fds[1];
	buf_init(&arrived, 4 * 1024 * 1024);
}

static void
close_stream(void)
{
	close(stream.io.fd);
	close(far_end);
	buf_release(&arrived);
}

static void
read_far_end(void)
{
	while (buf_recv(&arrived, far_end, 65536) > 0)
		;
	stream.writable = true;
}

#define HEAD "HEAD\r\n\r\n"
#define TRAILERS "\r\n0\r\nT: u\r\n\r\n"

/* Send a body in two pieces; returns what should have arrived. */
static void
run_sink(bool chunked, bool keep, size_t first, size_t second)
{
	static char body[400000];
	struct span pieces[] = { { body, first }, { body + first, second } };
	struct sink s;
	struct source back = { .done = false };
	unsigned blocked = 0;

	open_stream();
	for (size_t i = 0; i < sizeof(body); i++)
		body[i] = (char)('a' + i % 23);
	sink_init(&s, 65536);
	sink_begin(&s);
	buf_append_span(&s.out, SPAN(HEAD));
	s.chunked = chunked;
	s.ending = SPAN(TRAILERS);
	s.keep = keep;
	for (size_t i = 0; i < 2; i++) {
		bool last = i == 1;

		while (pieces[i].len > 0 || (last && !s.ended)) {
			ssize_t n = sink_send(&s, &stream, pieces[i], last);

			if (n == -1)
				abort();
			pieces[i] = span_from(pieces[i], (size_t)n);
			if (!stream.writable) {
				blocked++;
				read_far_end();
			}
		}
	}
	while (sink_pending(&s)) {
		sink_send(&s, &stream, SPAN(""), false);
		read_far_end();
	}
	read_far_end();
	ok(span_starts(buf_span(&arrived), SPAN(HEAD)),
	    "%s%s, %zu and %zu bytes, %s", chunked ? "chunked" : "as it is",
	    keep ? ", kept" : "", first, second,
	    blocked ? "in parts" : "at once");
	buf_consume(&arrived, strlen(HEAD));
	source_begin(&back, chunked ? BODY_CHUNKED : BODY_LENGTH,
	    first + second);
	ok(source_decode(&back, &arrived, scratch) && back.done, "  complete");
	ok(span_eq(source_piece(&back, &arrived),
	       (struct span){ body, first + second }),
	    "  every byte");
	is_int(buf_len(&arrived), (long long)back.ready, "  and no more");
	if (chunked)
		is_span(source_ending(&back), TRAILERS, "  with trailers");
	source_release(&back);
	buf_release(&s.out);
	close_stream();
}

static void
test_rewind(void)
{
	struct sink s;

	open_stream();
	sink_init(&s, 100);
	sink_begin(&s);
	s.keep = true;
	buf_append_span(&s.out, SPAN(HEAD));
	is_int(sink_send(&s, &stream, SPAN("body"), true), 4, "sent");
	ok(!s.lost && s.ended, "and kept");
	sink_rewind(&s);
	s.keep = false;
	sink_send(&s, &stream, SPAN(""), false);
	read_far_end();
	is_span(buf_span(&arrived), HEAD "body" HEAD "body", "sent again");
	ok(s.lost && !sink_pending(&s), "and kept no longer");
	buf_release(&s.out);
	close_stream();
}

/* A kept-alive connection that is dead already. */
static void
test_rewind_after_failure(void)
{
	struct sink s;

	open_stream();
	close(far_end);
	sink_init(&s, 100);
	sink_begin(&s);
	s.keep = s.chunked = true;
	buf_append_span(&s.out, SPAN(HEAD));
	is_int(sink_send(&s, &stream, SPAN("bo"), false), 2,
	    "sent to nobody, but kept");
	close(stream.io.fd);
	open_stream();
	sink_rewind(&s);
	is_int(sink_send(&s, &stream, SPAN("dy"), true), 2, "sent elsewhere");
	read_far_end();
	is_span(buf_span(&arrived),
	    HEAD "2\r\nbo\r\n2\r\ndy\r\n0\r\n\r\n", "all of it, once");
	buf_release(&s.out);
	close_stream();
}

static void
test_peer_gone(void)
{
	struct sink s;

	open_stream();
	sink_init(&s, 100);
	sink_begin(&s);
	buf_append_span(&s.out, SPAN(HEAD));
	shutdown(far_end, SHUT_RD);
	ok(sink_send(&s, &stream, SPAN("x"), false) == -1 && errno == EPIPE,
	    "a peer that does not listen: EPIPE, no signal");
	ok(!s.lost, "and nothing is lost");
	buf_release(&s.out);
	close_stream();
}

int
main(void)
{
	static const size_t sizes[][2] = { { 0, 0 }, { 0, 1 }, { 1, 0 },
		{ 10, 10 }, { 100000, 7 }, { 200000, 200000 } };

	scratch = calloc(1, sizeof(*scratch));
	for (size_t i = 0; i < nitems(sources); i++)
		for (size_t step = 1; step < 50; step += step < 4 ? 1 : 20)
			run_source(i, step, step);
	run_source(6, 100, 1);
	for (size_t i = 0; i < nitems(sizes); i++)
		for (int how = 0; how < 4; how++)
			run_sink(how & 1, how & 2, sizes[i][0], sizes[i][1]);
	for (size_t i = 0; i < nitems(endings); i++)
		run_ending(i);
	test_rewind();
	test_rewind_after_failure();
	test_peer_gone();
	free(scratch);
	return done();
}
