/*
 * Any fields as an HTTP/2 request: what is taken can be said in HTTP/1.1, and
 * our parser of that reads the same out of it.
 *
 * A byte of flags, then fields: a length and a name, a length and a value.
 */
#include <stdlib.h>

#include "http/fields.h"
#include "http/h2_head.h"
#include "http/serialize.h"
#include "http/target.h"
#include "lib/array.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct http_limits limits = { 512, 2048, 512, 32 };
static struct http_msg msg, again;

static void
check(bool kept)
{
	if (!kept)
		abort();
}

static struct span
take(struct span *bytes)
{
	struct span s = SPAN("");
	size_t n;

	if (bytes->len == 0)
		return s;
	n = (unsigned char)*bytes->ptr;
	*bytes = span_from(*bytes, 1);
	s = (struct span){ bytes->ptr, n < bytes->len ? n : bytes->len };
	*bytes = span_from(*bytes, s.len);
	return s;
}

/* Pseudo-fields are seldom found by chance. */
static struct span
name_of(struct span s)
{
	static const char *const names[] = { ":method", ":scheme", ":path",
		":authority", ":protocol", "host", "cookie", "content-length",
		"te", "connection", "transfer-encoding", "priority" };

	if (s.len == 1 && (unsigned char)*s.ptr < nitems(names))
		return span_str(names[(unsigned char)*s.ptr]);
	return s;
}

/* Write it as HTTP/1.1 has it, and read that. */
static void
check_round_trip(void)
{
	const struct http_limits room = { 1024, 8192, 1024, 64 };
	struct http_target target;
	size_t scanned = 0;
	struct buf out;

	buf_init(&out, 8192);
	check(http_put_request_line(&out, msg.method_text, msg.target));
	for (size_t i = 0; i < msg.nfields; i++)
		check(http_put_field(
		    &out, msg.field[i].name, msg.field[i].value));
	check(http_put_end(&out));
	check(http_parse_request(out.data + out.head, buf_len(&out), &scanned,
		  &room, &again) == HTTP_FINE);
	check(again.head_len == buf_len(&out));
	check(span_eq(again.method_text, msg.method_text) &&
	      span_eq(again.target, msg.target) && again.method == msg.method &&
	      again.nfields == msg.nfields);
	for (size_t i = 0; i < msg.nfields; i++)
		check(span_eq(msg.field[i].name, again.field[i].name) &&
		      span_eq(msg.field[i].value, again.field[i].value) &&
		      msg.field[i].id == again.field[i].id);
	if (http_target(&msg, &target) == TARGET_FINE)
		check(target.raw.len > 0);
	buf_release(&out);
}

static void
check_request(const struct h2_request *r, bool ended)
{
	check(msg.nfields <= limits.fields + 8);
	check(msg.count[FIELD_TRANSFER_ENCODING] == 0 &&
	      msg.count[FIELD_HOST] <= 1 && msg.count[FIELD_COOKIE] <= 1);
	check(r->tunnel == (msg.count[FIELD_UPGRADE] == 1) &&
	      r->tunnel == (msg.count[FIELD_CONNECTION] == 1));
	check(r->urgency <= 7);
	if (ended && r->end == BODY_LENGTH)
		check(r->length == 0);
	if (msg.method != HTTP_CONNECT)
		check_round_trip();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct h2_head h;
	struct span bytes = { (const char *)data, size };
	struct h2_request r;
	bool ended, good = true;
	size_t fields = 0;

	if (size == 0)
		return 0;
	ended = *data & 1;
	bytes = span_from(bytes, 1);
	h2_head_begin(&h, &limits);
	while (good && bytes.len > 0) {
		struct span name = name_of(take(&bytes));
		struct span value = take(&bytes);

		good = h2_head_add(&h, &limits, name, value);
		fields++;
	}
	check(h.bytes.size <= h.bytes.max && h.fields <= fields);
	if (good && h2_head_trailers(&h, &msg) == H2_FINE)
		check(msg.nfields == fields);
	if (good && h2_head_request(&h, ended, "dGhlIHNhbXBsZSBub25jZQ==", &msg,
			&r) == H2_FINE)
		check_request(&r, ended);
	h2_head_release(&h);
	return 0;
}
