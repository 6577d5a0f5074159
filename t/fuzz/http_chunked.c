/* Any bytes as a chunked body: the same data at once and byte by byte. */
#include <stdlib.h>

#include "http/chunked.h"
#include "lib/buf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check(bool kept)
{
	if (!kept)
		abort();
}

/* Decode pieces of that size; what was not eaten is left in coded. */
static enum chunk_event
decode(struct span *coded, size_t piece, struct buf *out)
{
	struct chunk_decoder d = { 0 };
	enum chunk_event event = CHUNK_MORE;

	while (coded->len > 0 && event == CHUNK_MORE) {
		size_t n = piece < coded->len ? piece : coded->len;
		struct span bytes = { coded->ptr, n }, body;

		while ((event = chunk_decode(&d, &bytes, &body)) == CHUNK_DATA)
			check(buf_append_span(out, body));
		*coded = span_from(*coded, n - bytes.len);
	}
	return event;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span whole = { (const char *)data, size }, slow = whole;
	struct buf a, b;

	buf_init(&a, size + 1);
	buf_init(&b, size + 1);
	check(decode(&whole, size, &a) == decode(&slow, 1, &b));
	check(whole.len == slow.len && buf_len(&a) == buf_len(&b));
	if (buf_len(&a) > 0)
		check(span_eq(buf_span(&a), buf_span(&b)));
	buf_release(&a);
	buf_release(&b);
	return 0;
}
