/*
 * Any target and any Host: whatever is accepted names one host, in one
 * spelling, and goes on as bytes that a request line can have.
 */
#include <stdlib.h>

#include "http/chars.h"
#include "http/parse.h"
#include "http/target.h"
#include "lib/buf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct http_limits limits = { 4096, 8192, 4096, 8 };

static struct http_msg msg;

static void
check(bool kept)
{
	if (!kept)
		abort();
}

/* Once normalised it stays as it is, and has no port any more. */
static void
check_host(struct span authority)
{
	char once[HOST_NAME_MAX_DNS + 1], twice[HOST_NAME_MAX_DNS + 1];
	size_t n, m;

	if (!http_host_normalize(authority, once, &n))
		return;
	check(n > 0 && n <= HOST_NAME_MAX_DNS && strlen(once) == n);
	check(http_host_normalize((struct span){ once, n }, twice, &m));
	check(n == m && memcmp(once, twice, n) == 0);
	for (size_t i = 0; i < n; i++)
		check((once[i] < 'A' || once[i] > 'Z') &&
		      (once[0] == '[' || once[i] == '.' ||
			  char_is(once[i], CHAR_HOST)));
}

static void
check_target(void)
{
	struct http_target t;
	char host[HOST_NAME_MAX_DNS + 1];
	size_t n;

	if (http_target(&msg, &t) != TARGET_FINE)
		return;
	check(http_host_normalize(t.authority, host, &n));
	check(t.raw.len > 0 && t.path.len > 0 && t.path.len <= t.raw.len);
	check(t.raw.ptr[0] == '/' || span_eq(t.raw, SPAN("*")));
	check(memchr(t.path.ptr, '?', t.path.len) == NULL);
	for (size_t i = 0; i < t.raw.len; i++)
		check(char_is(t.raw.ptr[i], CHAR_TARGET));
}

/* A method, a target and a Host, each on a line of its own. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span bytes = { (const char *)data, size }, part[3];
	size_t scanned = 0;
	struct buf head;

	for (int i = 0; i < 3; i++) {
		const char *lf =
		    bytes.len > 0 ? memchr(bytes.ptr, '\n', bytes.len) : NULL;
		size_t n = lf != NULL ? (size_t)(lf - bytes.ptr) : bytes.len;

		part[i] = (struct span){ bytes.ptr, n };
		bytes = span_from(bytes, lf != NULL ? n + 1 : n);
	}
	if (part[2].len > 0)
		check_host(part[2]);
	buf_init(&head, size + 64);
	check(buf_append_span(&head, part[0]) && buf_append(&head, " ", 1) &&
	      buf_append_span(&head, part[1]) &&
	      buf_append_span(&head, SPAN(" HTTP/1.1\r\nHost: ")) &&
	      buf_append_span(&head, part[2]) &&
	      buf_append_span(&head, SPAN("\r\n\r\n")));
	if (http_parse_request(buf_span(&head).ptr, buf_len(&head), &scanned,
		&limits, &msg) == HTTP_FINE)
		check_target();
	buf_release(&head);
	return 0;
}
