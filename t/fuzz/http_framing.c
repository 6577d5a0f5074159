/*
 * Heads made of the fields that frame a message, in any number and order: a
 * body is only ever taken to have a length where no parser could see another.
 */
#include <stdlib.h>

#include "http/fields.h"
#include "http/framing.h"
#include "http/parse.h"
#include "http/upgrade.h"
#include "lib/buf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct http_limits limits = { 4096, 16384, 8192, 100 };

static const struct span lines[] = {
	{ "Content-Length: ", 16 },
	{ "Transfer-Encoding: ", 19 },
	{ "Connection: ", 12 },
	{ "Upgrade: ", 9 },
	{ "TE: ", 4 },
	{ "Content_Length: ", 16 },
	{ "X-A: ", 5 },
	{ "", 0 },
};

static struct http_msg msg;

static void
check(bool kept)
{
	if (!kept)
		abort();
}

/* The first byte chooses a line, the others up to LF are its value. */
static void
put_lines(struct buf *head, struct span bytes)
{
	while (bytes.len > 0) {
		struct span line = lines[bytes.ptr[0] & 7];
		const char *lf;
		size_t n;

		bytes = span_from(bytes, 1);
		lf = bytes.len > 0 ? memchr(bytes.ptr, '\n', bytes.len) : NULL;
		n = lf != NULL ? (size_t)(lf - bytes.ptr) : bytes.len;
		check(buf_append_span(head, line) &&
		      buf_append(head, bytes.ptr, n) &&
		      buf_append(head, "\r\n", 2));
		bytes = span_from(bytes, lf != NULL ? n + 1 : n);
	}
	check(buf_append(head, "\r\n", 2));
}

/* What any reader of the same head would see, by the simplest of means. */
static void
count(size_t *lengths, size_t *codings)
{
	*lengths = *codings = 0;
	for (size_t i = 0; i < msg.nfields; i++) {
		*lengths +=
		    span_eq_nocase(msg.field[i].name, SPAN("content-length"));
		*codings += span_eq_nocase(
		    msg.field[i].name, SPAN("transfer-encoding"));
	}
}

static void
check_body(enum body_end end, uint64_t length)
{
	size_t lengths, codings;

	count(&lengths, &codings);
	if (end == BODY_LENGTH)
		check(lengths == 1 && codings == 0 && length <= INT64_MAX);
	if (end == BODY_CHUNKED)
		check(lengths == 0 && codings == 1 && msg.minor == 1);
	if (end == BODY_NONE || end == BODY_CLOSE)
		check(lengths <= 1 && codings <= 1 && lengths + codings <= 1);
	if (lengths > 1 || codings > 1 || (lengths > 0 && codings > 0))
		check(end == BODY_REFUSE);
}

static void
check_fields(void)
{
	struct span list, element;

	for (size_t i = 0; i < msg.nfields; i++) {
		const struct http_field *f = &msg.field[i];
		uint64_t n;

		list = f->value;
		while (http_list_next(&list, &element))
			check(element.len > 0 && element.ptr >= f->value.ptr &&
			      element.ptr + element.len <=
				  f->value.ptr + f->value.len);
		if (http_parse_length(f->value, &n))
			check(n <= INT64_MAX);
		if (http_list_has(&msg, FIELD_CONNECTION, f->name) &&
		    f->id == FIELD_OTHER)
			check(http_field_is_hop(&msg, f));
	}
}

static void
check_request(struct span bytes, struct span line)
{
	size_t scanned = 0;
	struct span asked;
	uint64_t length = 0;
	struct buf head;
	enum body_end end;

	buf_init(&head, 64 + 32 * bytes.len);
	check(buf_append_span(&head, line));
	put_lines(&head, bytes);
	if (http_parse_request(buf_span(&head).ptr, buf_len(&head), &scanned,
		&limits, &msg) == HTTP_FINE) {
		end = http_request_body(&msg, &length);
		check(end != BODY_CLOSE);
		check_body(end, length);
		check_fields();
		asked = http_upgrade_asked(&msg);
		if (asked.len > 0)
			check(msg.minor == 1 && asked.len <= UPGRADE_MAX &&
			      end != BODY_REFUSE && end != BODY_CHUNKED);
		http_keep_alive(&msg);
	}
	buf_release(&head);
}

static void
check_response(struct span bytes, struct span line)
{
	size_t scanned = 0;
	uint64_t length = 0;
	struct buf head;

	buf_init(&head, 64 + 32 * bytes.len);
	check(buf_append_span(&head, line));
	put_lines(&head, bytes);
	if (http_parse_response(buf_span(&head).ptr, buf_len(&head), &scanned,
		&limits, &msg) == HTTP_FINE) {
		check_body(http_response_body(&msg, HTTP_GET, &length), length);
		length = 0;
		check(http_response_body(&msg, HTTP_HEAD, &length) !=
		      BODY_LENGTH);
		http_upgrade_given(&msg, SPAN("websocket"));
	}
	buf_release(&head);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span bytes = { (const char *)data, size };

	if (size > 400)
		return 0;
	check_request(bytes, SPAN("GET / HTTP/1.1\r\n"));
	check_request(bytes, SPAN("POST / HTTP/1.0\r\n"));
	check_response(bytes, SPAN("HTTP/1.1 200 OK\r\n"));
	check_response(bytes, SPAN("HTTP/1.0 204 No\r\n"));
	check_response(bytes, SPAN("HTTP/1.1 101 Switching\r\n"));
	return 0;
}
