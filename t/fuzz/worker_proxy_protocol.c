/*
 * Any bytes as a PROXY header: the same however they are cut, never more than
 * were there, and found bad as soon as it is.
 */
#include <stdlib.h>
#include <string.h>

#include "worker/proxy_protocol.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check(bool kept)
{
	if (!kept)
		abort();
}

/* The first n bytes, where a sanitizer sees who reads the next one. */
static enum proxy_header
parse(const uint8_t *data, size_t n, size_t *used, struct ip *client)
{
	char *bytes = malloc(n > 0 ? n : 1);
	enum proxy_header header;

	check(bytes != NULL);
	if (n > 0)
		memcpy(bytes, data, n);
	header = proxy_parse((struct span){ bytes, n }, used, client);
	free(bytes);
	return header;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ip client = { .family = 0 }, early = { .family = 0 };
	size_t used = 0, n = 0, used_early = 0;
	enum proxy_header whole = parse(data, size, &used, &client);
	enum proxy_header first = PROXY_MORE;

	while (first == PROXY_MORE && n <= size)
		first = parse(data, n++, &used_early, &early);
	check(first == whole);
	check(whole != PROXY_MORE || size < PROXY_V2_MAX);
	if (whole == PROXY_MORE || whole == PROXY_BAD)
		return 0;
	check(used == used_early && used == n - 1 && used <= PROXY_V2_MAX);
	if (whole == PROXY_CLIENT)
		check(ip_eq(&client, &early));
	else
		check(client.family == 0);
	return 0;
}
