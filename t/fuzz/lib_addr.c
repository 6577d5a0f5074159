/* Any text as an address, an IP or a network: read, written, read again. */
#include <stdlib.h>

#include "lib/addr.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check(bool kept)
{
	if (!kept)
		abort();
}

static void
check_addr(const char *text)
{
	char out[ADDR_TEXT_MAX], again[ADDR_TEXT_MAX];
	struct addr a, b;

	if (!addr_parse(&a, text))
		return;
	check(a.len > 0 && a.len <= sizeof(a.u));
	addr_format(&a, out);
	check(addr_parse(&b, out) && addr_port(&a) == addr_port(&b));
	check(strcmp(out, addr_format(&b, again)) == 0);
}

static void
check_ip(struct span text)
{
	char out[INET6_ADDRSTRLEN];
	struct ip ip, again;

	if (!ip_parse(&ip, text))
		return;
	ip_format(&ip, out);
	check(ip_parse(&again, (struct span){ out, strlen(out) }) &&
	      ip_eq(&ip, &again));
}

static void
check_cidr(const char *text)
{
	struct cidr c;

	if (!cidr_parse(&c, text))
		return;
	check(c.bits <= (c.ip.family == AF_INET ? 32 : 128));
	check(cidr_contains(&c, &c.ip));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = strndup((const char *)data, size);

	check(text != NULL);
	check_addr(text);
	check_cidr(text);
	free(text);
	check_ip((struct span){ (const char *)data, size });
	return 0;
}
