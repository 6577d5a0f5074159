/*
 * Any destination, account and name: what is accepted has one spelling, and
 * leads to no address that is refused in another.
 */
#include <stdlib.h>

#include "registrar/vet.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check(bool kept)
{
	if (!kept)
		abort();
}

static void
check_url(struct span url)
{
	char ip[INET6_ADDRSTRLEN], text[128];
	struct backend backend = { 0 }, again = { 0 };
	const char *scheme;
	int n;

	if (vet_url(url, &backend) != VET_FINE)
		return;
	check(backend.port != 0);
	ip_format(&backend.ip, ip);
	scheme = backend.scheme == BACKEND_HTTP ? "http" : "https";
	n = snprintf(text, sizeof(text),
	    backend.ip.family == AF_INET ? "%s://%s:%u" : "%s://[%s]:%u",
	    scheme, ip, backend.port);
	check(vet_url((struct span){ text, (size_t)n }, &again) == VET_FINE);
	check(ip_eq(&backend.ip, &again.ip) && backend.port == again.port &&
	      backend.scheme == again.scheme);
}

static void
check_names(struct span bytes)
{
	struct span tool;

	if (vet_tool_name(bytes))
		check(bytes.len > 0 && bytes.len <= TOOL_NAME_MAX &&
		      memchr(bytes.ptr, '/', bytes.len) == NULL);
	if (vet_account(bytes, SPAN("tools."), &tool))
		check(vet_tool_name(tool) && tool.len + 6 == bytes.len);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span bytes = { (const char *)data, size };

	check_url(bytes);
	check_names(bytes);
	return 0;
}
