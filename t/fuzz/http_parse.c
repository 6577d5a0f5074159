/*
 * Any bytes as a request's, a response's and a trailer section's head: the
 * same result at once and byte by byte, spans that lie inside, and a message
 * that means the same when it is written and parsed again.
 */
#include <stdlib.h>

#include "http/fields.h"
#include "http/framing.h"
#include "http/parse.h"
#include "http/serialize.h"
#include "http/target.h"

typedef enum http_fault parse_fn(const char *, size_t, size_t *,
    const struct http_limits *, struct http_msg *);

static const struct http_limits limits = { 512, 2048, 512, 32 };

static struct http_msg msg, again;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check(bool kept)
{
	if (!kept)
		abort();
}

static enum http_fault
parse_whole(parse_fn *parse, struct span bytes, struct http_msg *into)
{
	size_t scanned = 0;

	return parse(bytes.ptr, bytes.len, &scanned, &limits, into);
}

static enum http_fault
parse_trickle(parse_fn *parse, struct span bytes)
{
	enum http_fault fault = HTTP_MORE;
	size_t scanned = 0;

	for (size_t n = 0; n <= bytes.len && fault == HTTP_MORE; n++)
		fault = parse(bytes.ptr, n, &scanned, &limits, &again);
	return fault;
}

static void
check_inside(struct span outer, struct span inner)
{
	check(inner.ptr >= outer.ptr &&
	    inner.ptr + inner.len <= outer.ptr + outer.len);
}

/* Write it as it is passed on; what is read from that is the same. */
static void
check_round_trip(parse_fn *parse, struct buf *out)
{
	const struct http_limits room = { 1024, 8192, 1024, 64 };
	size_t scanned = 0;

	for (size_t i = 0; i < msg.nfields; i++)
		check(http_put_field(out, msg.field[i].name,
		    msg.field[i].value));
	check(http_put_end(out));
	check(parse(buf_span(out).ptr, buf_len(out), &scanned, &room, &again) ==
	    HTTP_FINE);
	check(again.nfields == msg.nfields && again.head_len == buf_len(out));
	for (size_t i = 0; i < msg.nfields; i++) {
		check(span_eq(msg.field[i].name, again.field[i].name));
		check(span_eq(msg.field[i].value, again.field[i].value));
		check(http_field_is_hop(&msg, &msg.field[i]) ==
		    http_field_is_hop(&again, &again.field[i]));
	}
	buf_release(out);
}

static void
check_parser(parse_fn *parse, struct span bytes)
{
	enum http_fault slow = parse_trickle(parse, bytes);
	enum http_fault fault = parse_whole(parse, bytes, &msg);

	check(fault == slow);
	if (fault != HTTP_FINE)
		return;
	check(msg.head_len <= bytes.len && msg.head_len <= limits.head);
	check(msg.nfields <= limits.fields);
	for (size_t i = 0; i < msg.nfields; i++) {
		check(http_is_token(msg.field[i].name));
		check_inside(bytes, msg.field[i].name);
		check_inside(bytes, msg.field[i].value);
	}
}

static void
check_request(struct span bytes)
{
	char host[HOST_NAME_MAX_DNS + 1];
	struct http_target target;
	uint64_t length;
	struct buf out;
	size_t len;

	if (parse_whole(http_parse_request, bytes, &msg) != HTTP_FINE)
		return;
	http_request_body(&msg, &length);
	http_keep_alive(&msg);
	if (http_target(&msg, &target) == TARGET_FINE)
		check(http_host_normalize(target.authority, host, &len) &&
		    strlen(host) == len && target.raw.len > 0);
	buf_init(&out, 8192);
	check(http_put_request_line(&out, msg.method_text, msg.target));
	check_round_trip(http_parse_request, &out);
}

static void
check_response(struct span bytes)
{
	uint64_t length;
	struct buf out;

	if (parse_whole(http_parse_response, bytes, &msg) != HTTP_FINE)
		return;
	http_response_body(&msg, HTTP_GET, &length);
	http_response_body(&msg, HTTP_HEAD, &length);
	buf_init(&out, 8192);
	check(http_put_status_line(&out, msg.status, msg.reason));
	check_round_trip(http_parse_response, &out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span bytes = { (const char *)data, size };

	check_parser(http_parse_request, bytes);
	check_parser(http_parse_response, bytes);
	check_parser(http_parse_trailers, bytes);
	check_request(bytes);
	check_response(bytes);
	return 0;
}
