/* Any X-Request-Id, traceparent and tracestate: what goes on is well-formed. */
#include <stdlib.h>

#include "http/chars.h"
#include "http/trace.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check(bool kept)
{
	if (!kept)
		abort();
}

static bool
is_hex(const char *s, size_t n)
{
	return strspn(s, "0123456789abcdef") >= n;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct trace_source source = { .key = { 1, 2 } };
	struct span bytes = { (const char *)data, size };
	char out[TRACE_PARENT_LEN + 1];
	bool goes_on;

	/* a field's value, as the parser lets it through */
	if (char_skip(bytes.ptr, bytes.ptr + size, CHAR_VALUE) !=
	    bytes.ptr + size)
		return 0;
	if (request_id_valid(bytes))
		check(size >= 8 && size <= REQUEST_ID_MAX &&
		      memchr(data, '\n', size) == NULL &&
		      memchr(data, '"', size) == NULL);
	if (trace_state_valid(bytes))
		check(memchr(data, '=', size) != NULL);
	goes_on = trace_parent(&source, bytes, NULL, out);
	out[TRACE_PARENT_LEN] = '\0';
	check(is_hex(out, 2) && out[2] == '-' && is_hex(out + 3, 32) &&
	      out[35] == '-' && is_hex(out + 36, 16) && out[52] == '-' &&
	      is_hex(out + 53, 2));
	if (goes_on)
		check(size >= 35 && memcmp(out + 3, data + 3, 32) == 0);
	return 0;
}
