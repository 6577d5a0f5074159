/*
 * Any bytes as a registration: the same result however they are cut, and
 * nothing in it that a line cannot have.
 */
#include <stdint.h>
#include <stdlib.h>

#include "registrar/line.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check(bool kept)
{
	if (!kept)
		abort();
}

static void
check_word(struct span bytes, struct span word)
{
	check(word.len <= LINE_MAX_BYTES && word.ptr >= bytes.ptr &&
	      word.ptr + word.len <= bytes.ptr + bytes.len);
	for (size_t i = 0; i < word.len; i++)
		check((unsigned char)word.ptr[i] >= 0x20);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span bytes = { (const char *)data, size };
	struct line_request request, part;
	enum line_fault whole = line_parse(bytes, &request), fault;

	for (size_t n = 0; n <= size; n++) {
		fault = line_parse((struct span){ bytes.ptr, n }, &part);
		if (fault == LINE_MORE)
			continue;
		check(fault == whole);
		break;
	}
	if (size > LINE_REQUEST_MAX)
		check(whole != LINE_MORE);
	if (whole != LINE_FINE)
		return 0;
	check_word(bytes, request.route);
	if (request.verb != VERB_UNREGISTER)
		check_word(bytes, request.destination);
	return 0;
}
