/* A chunked body is the same however it is cut, and ends where it ends. */
#include "http/chunked.h"

#include <stdlib.h>

#include "lib/buf.h"
#include "t/tap.h"

#define BYTES(literal) { (literal), sizeof(literal) - 1 }

#define TEN "0123456789"

/* What it gives: the body, then `|` at its end or `!` where it is refused. */
static const struct {
	const char *rule, *what;
	struct span coded;
	const char *gives;
} cases[] = {
	{ "7.1", "no data", BYTES("0\r\n\r\n"), "|" },
	{ "7.1", "one chunk", BYTES("3\r\nabc\r\n0\r\n\r\n"), "abc|" },
	{ "7.1", "two chunks", BYTES("3\r\nabc\r\n1\r\nd\r\n0\r\n\r\n"), "abcd|" },
	{ "7.1", "hex in both cases", BYTES("a\r\n" TEN "\r\nA\r\n" TEN "\r\n0\r\n\r\n"), TEN TEN "|" },
	{ "7.1", "leading zeros", BYTES("0000000000000003\r\nabc\r\n0\r\n\r\n"), "abc|" },
	{ "7.1", "many zeros at the end", BYTES("0000000000000000\r\n\r\n"), "|" },
	{ "7.1", "CR and LF are data", BYTES("4\r\n\r\n\r\n\r\n0\r\n\r\n"), "\r\n\r\n|" },
	{ "7.1.1", "an extension", BYTES("3;a=b\r\nabc\r\n0;c\r\n\r\n"), "abc|" },
	{ "7.1.1", "blanks before and in it", BYTES("3 \t;\ta = \"b;c\"\r\nabc\r\n0\r\n\r\n"), "abc|" },
	{ "7.1.1", "an empty one", BYTES("3;\r\nabc\r\n0\r\n\r\n"), "abc|" },
	{ "7.1.1", "obs-text in it", BYTES("3;\xe9\r\nabc\r\n0\r\n\r\n"), "abc|" },
	{ "7.5", "a line of 64 bytes", BYTES("3;" TEN TEN TEN TEN TEN TEN "12\r\nabc\r\n0\r\n\r\n"), "abc|" },
	{ "7.1.2", "trailers are for others", BYTES("1\r\na\r\n0\r\nX: 1\r\n\r\n"), "a|" },
	{ "7.1", "unfinished", BYTES("5\r\nabc"), "abc" },

	{ "7.1", "no size", BYTES("\r\nabc\r\n"), "!" },
	{ "7.1", "no digits but an extension", BYTES(";a\r\nabc\r\n"), "!" },
	{ "7.1", "a letter past f", BYTES("g\r\nabc\r\n"), "!" },
	{ "7.1", "0x3", BYTES("0x3\r\nabc\r\n"), "!" },
	{ "7.1", "a plus", BYTES("+3\r\nabc\r\n"), "!" },
	{ "7.1", "a minus", BYTES("-3\r\nabc\r\n"), "!" },
	{ "7.1", "a blank first", BYTES(" 3\r\nabc\r\n"), "!" },
	{ "7.1", "a tab first", BYTES("\t3\r\nabc\r\n"), "!" },
	{ "7.1", "a NUL first", BYTES("\0" "3\r\nabc\r\n"), "!" },
	{ "7.1.1", "a blank behind", BYTES("3 \r\nabc\r\n"), "!" },
	{ "7.1.1", "a digit after a blank", BYTES("3 3\r\nabc\r\n"), "!" },
	{ "7.1", "a comma", BYTES("3,3\r\nabc\r\n"), "!" },
	{ "7.1", "a point", BYTES("3.0\r\nabc\r\n"), "!" },
	{ "7.1", "an underscore", BYTES("1_0\r\nabc\r\n"), "!" },
	{ "7.1", "a NUL behind", BYTES("3\0\r\nabc\r\n"), "!" },
	{ "7.1", "17 digits", BYTES("00000000000000003\r\nabc\r\n"), "!" },
	{ "7.1", "2^63", BYTES("8000000000000000\r\nabc\r\n"), "!" },
	{ "7.1", "2^64", BYTES("10000000000000000\r\nabc\r\n"), "!" },
	{ "7.1", "2^64 + 3", BYTES("10000000000000003\r\nabc\r\n"), "!" },
	{ "2.2", "LF after a size", BYTES("3\nabc\r\n"), "!" },
	{ "2.2", "CR after a size", BYTES("3\rabc\r\n"), "!" },
	{ "2.2", "CR CR LF after a size", BYTES("3\r\r\nabc\r\n"), "!" },
	{ "2.2", "LF after an extension", BYTES("3;a\nabc\r\n"), "!" },
	{ "2.2", "CR in an extension", BYTES("3;a\rb\r\nabc\r\n"), "!" },
	{ "7.1.1", "NUL in an extension", BYTES("3;a\0b\r\nabc\r\n"), "!" },
	{ "7.1.1", "DEL in an extension", BYTES("3;\x7f\r\nabc\r\n"), "!" },
	{ "7.1.1", "CR LF in a quoted one", BYTES("3;a=\"\r\n\"\r\nabc\r\n"), "\"\r\n!" },
	{ "2.2", "LF after the last size", BYTES("0\n\n"), "!" },
	{ "7.1", "more data than said", BYTES("3\r\nabcd\r\n0\r\n\r\n"), "abc!" },
	{ "7.1", "less data than said", BYTES("4\r\nabc\r\n0\r\n\r\n"), "abc\r!" },
	{ "2.2", "LF after data", BYTES("3\r\nabc\n0\r\n\r\n"), "abc!" },
	{ "2.2", "CR after data", BYTES("3\r\nabc\r0\r\n\r\n"), "abc!" },
	{ "2.2", "another byte for the CR", BYTES("3\r\nabcx\n0\r\n\r\n"), "abc!" },
	{ "2.2", "another byte for the LF", BYTES("3\r\nabc\rx0\r\n\r\n"), "abc!" },
	{ "7.1", "nothing after data", BYTES("3\r\nabc0\r\n\r\n"), "abc!" },
	{ "7.5", "a line of 65 bytes", BYTES("3;" TEN TEN TEN TEN TEN TEN "123\r\nabc\r\n"), "!" },
	{ "7.5", "an extension without end", BYTES("3;" TEN TEN TEN TEN TEN TEN "123"), "!" },
	{ "7.5", "blanks without end", BYTES("3                                                                "), "!" },
};

/* Feed one piece, append what comes out; the last thing that happened. */
static enum chunk_event
feed(struct chunk_decoder *d, struct span piece, struct buf *out, size_t *left)
{
	char *copy = malloc(piece.len + 1); /* just its bytes, for sanitizers */
	struct span bytes = { copy + 1, piece.len }, data;
	enum chunk_event event;

	memcpy(copy + 1, piece.ptr, piece.len);
	while ((event = chunk_decode(d, &bytes, &data)) == CHUNK_DATA)
		buf_append_span(out, data);
	*left = bytes.len;
	free(copy);
	return event;
}

/* In pieces: up to the cut, then `step` bytes at a time. */
static const char *
decode(struct span coded, size_t cut, size_t step, size_t *left)
{
	static struct buf out;
	struct chunk_decoder d = { 0 };
	enum chunk_event event = CHUNK_MORE;
	size_t at = 0, n = cut;

	buf_release(&out);
	buf_init(&out, 65536);
	*left = 0;
	while (at < coded.len && event == CHUNK_MORE) {
		if (n > coded.len - at)
			n = coded.len - at;
		event = feed(&d, (struct span){ coded.ptr + at, n }, &out, left);
		at += n - *left;
		n = step;
	}
	*left = coded.len - at;
	if (event == CHUNK_TRAILERS)
		buf_append(&out, "|", 1);
	if (event == CHUNK_BAD)
		buf_append(&out, "!", 1);
	buf_append(&out, "", 1);
	return out.data;
}

static void
test_cases(void)
{
	size_t whole, left;

	for (size_t i = 0; i < nitems(cases); i++) {
		struct span coded = cases[i].coded;
		bool same = true;

		is_str(decode(coded, coded.len, 1, &whole), cases[i].gives,
		    "%s (%s)", cases[i].what, cases[i].rule);
		for (size_t cut = 1; cut < coded.len; cut++)
			for (size_t step = 1; step <= coded.len; step++)
				same &= strcmp(decode(coded, cut, step, &left),
				    cases[i].gives) == 0 && left == whole;
		ok(same, "%s: however it is cut", cases[i].what);
	}
}

static void
test_end(void)
{
	struct chunk_decoder d = { 0 };
	struct span bytes = SPAN("0\r\nX: 1\r\n\r\n"), data;

	is_int(chunk_decode(&d, &bytes, &data), CHUNK_TRAILERS, "the end");
	is_span(bytes, "X: 1\r\n\r\n", "trailers are not eaten");
	is_int(chunk_decode(&d, &bytes, &data), CHUNK_TRAILERS, "for good");
	d = (struct chunk_decoder){ 0 };
	bytes = SPAN("x3\r\nabc\r\n");
	is_int(chunk_decode(&d, &bytes, &data), CHUNK_BAD, "nonsense");
	is_int(chunk_decode(&d, &bytes, &data), CHUNK_BAD, "for good");
	d = (struct chunk_decoder){ 0 };
	bytes = SPAN("7fffffffffffffff\r\nabc");
	is_int(chunk_decode(&d, &bytes, &data), CHUNK_DATA, "2^63 - 1 is a size");
	ok(d.left == INT64_MAX - 3, "of that many bytes");
}

static void
test_head(void)
{
	static const struct {
		size_t n;
		const char *line;
	} heads[] = {
		{ 1, "1\r\n" }, { 15, "f\r\n" }, { 16, "10\r\n" },
		{ 65536, "10000\r\n" }, { 0xabcdef, "abcdef\r\n" },
		{ SIZE_MAX, "ffffffffffffffff\r\n" },
	};
	char out[CHUNK_HEAD_MAX];

	for (size_t i = 0; i < nitems(heads); i++) {
		size_t len = chunk_head(out, heads[i].n);

		is_span((struct span){ out, len }, heads[i].line,
		    "head of a chunk of %zu", heads[i].n);
	}
}

int
main(void)
{
	test_cases();
	test_end();
	test_head();
	return done();
}
