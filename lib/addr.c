/* Reads and writes addresses, more strictly than inet_pton(3) and friends. */
#include "lib/addr.h"

#include <arpa/inet.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

/*
 * A decimal number as we would write it: no sign, no space, no leading zero,
 * which strtonum(3) allows.
 */
static bool
parse_number(const char *text, unsigned max, unsigned *number)
{
	unsigned n = 0;

	if (*text == '\0' || (text[0] == '0' && text[1] != '\0'))
		return false;
	for (; *text != '\0'; text++) {
		if (*text < '0' || *text > '9')
			return false;
		n = n * 10 + (unsigned)(*text - '0');
		if (n > max)
			return false;
	}
	*number = n;
	return true;
}

void
ip_from_in6(struct ip *ip, const struct in6_addr *in6)
{
	memset(ip, 0, sizeof(*ip));
	if (IN6_IS_ADDR_V4MAPPED(in6)) {
		ip->family = AF_INET;
		memcpy(ip->bytes, in6->s6_addr + 12, 4);
	} else {
		ip->family = AF_INET6;
		memcpy(ip->bytes, in6->s6_addr, 16);
	}
}

bool
ip_parse(struct ip *ip, struct span text)
{
	char literal[INET6_ADDRSTRLEN];
	struct in6_addr in6;

	if (text.len == 0 || text.len >= sizeof(literal) ||
	    memchr(text.ptr, '\0', text.len) != NULL)
		return false;
	memcpy(literal, text.ptr, text.len);
	literal[text.len] = '\0';

	if (inet_pton(AF_INET6, literal, &in6) == 1) {
		ip_from_in6(ip, &in6);
		return true;
	}
	memset(ip, 0, sizeof(*ip));
	ip->family = AF_INET;
	return inet_pton(AF_INET, literal, ip->bytes) == 1;
}

/* Append a number, as printf(3), which takes longer than a request may. */
static char *
put_number(char *at, unsigned number)
{
	if (number > 9)
		at = put_number(at, number / 10);
	*at++ = (char)('0' + number % 10);
	return at;
}

static char *
put_ipv4(char *at, const struct ip *ip)
{
	for (int i = 0; i < 4; i++) {
		at = put_number(at, ip->bytes[i]);
		*at++ = i < 3 ? '.' : '\0';
	}
	return at - 1;
}

const char *
ip_format(const struct ip *ip, char out[INET6_ADDRSTRLEN])
{
	if (ip->family == AF_INET) {
		put_ipv4(out, ip);
		return out;
	}
	return inet_ntop(ip->family, ip->bytes, out, INET6_ADDRSTRLEN);
}

bool
ip_eq(const struct ip *a, const struct ip *b)
{
	return a->family == b->family &&
	       memcmp(a->bytes, b->bytes, sizeof(a->bytes)) == 0;
}

static bool
path_parse(struct addr *a, const char *path)
{
	size_t len = strlen(path);

	if (len >= sizeof(a->u.un.sun_path))
		return false;
	a->u.un.sun_family = AF_UNIX;
	memcpy(a->u.un.sun_path, path, len + 1);
	a->len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len + 1);
	return true;
}

/* The part before the port: "*", "[::1]" or "127.0.0.1". */
static bool
host_parse(struct ip *ip, struct span host)
{
	bool bracketed = host.len >= 2 && host.ptr[0] == '[' &&
			 host.ptr[host.len - 1] == ']';

	if (span_eq(host, SPAN("*"))) {
		*ip = (struct ip){ .family = AF_INET6 };
		return true;
	}
	if (bracketed)
		host = (struct span){ host.ptr + 1, host.len - 2 };
	if (bracketed != (memchr(host.ptr, ':', host.len) != NULL))
		return false;
	return ip_parse(ip, host);
}

bool
addr_parse(struct addr *a, const char *text)
{
	const char *colon = strrchr(text, ':');
	unsigned port;
	struct ip ip;

	memset(a, 0, sizeof(*a));
	if (text[0] == '/')
		return path_parse(a, text);
	if (colon == NULL || !parse_number(colon + 1, UINT16_MAX, &port) ||
	    port == 0 ||
	    !host_parse(&ip, (struct span){ text, (size_t)(colon - text) }))
		return false;
	addr_set(a, &ip, (uint16_t)port);
	return true;
}

void
addr_set(struct addr *a, const struct ip *ip, uint16_t port)
{
	memset(a, 0, sizeof(*a));
	if (ip->family == AF_INET) {
		a->u.in.sin_family = AF_INET;
		a->u.in.sin_port = htons(port);
		memcpy(&a->u.in.sin_addr, ip->bytes, 4);
		a->len = sizeof(a->u.in);
	} else {
		a->u.in6.sin6_family = AF_INET6;
		a->u.in6.sin6_port = htons(port);
		memcpy(&a->u.in6.sin6_addr, ip->bytes, 16);
		a->len = sizeof(a->u.in6);
	}
}

static void
put_port(char *at, const struct addr *a)
{
	*at++ = ':';
	*put_number(at, addr_port(a)) = '\0';
}

const char *
addr_format(const struct addr *a, char out[ADDR_TEXT_MAX])
{
	size_t path = offsetof(struct sockaddr_un, sun_path);
	char literal[INET6_ADDRSTRLEN];
	struct ip ip;

	if (a->u.sa.sa_family == AF_INET6 &&
	    IN6_IS_ADDR_UNSPECIFIED(&a->u.in6.sin6_addr))
		snprintf(out, ADDR_TEXT_MAX, "*:%u", addr_port(a));
	else if (addr_ip(a, &ip) && ip.family == AF_INET)
		put_port(put_ipv4(out, &ip), a);
	else if (addr_ip(a, &ip))
		snprintf(out, ADDR_TEXT_MAX, "[%s]:%u", ip_format(&ip, literal),
		    addr_port(a));
	else if (a->u.sa.sa_family == AF_UNIX && a->len > path &&
		 a->u.un.sun_path[0] == '/')
		snprintf(out, ADDR_TEXT_MAX, "%.*s", (int)(a->len - path),
		    a->u.un.sun_path);
	else /* most clients of a Unix socket have bound no path */
		snprintf(out, ADDR_TEXT_MAX, "unnamed");
	return out;
}

uint16_t
addr_port(const struct addr *a)
{
	switch (a->u.sa.sa_family) {
	case AF_INET:
		return ntohs(a->u.in.sin_port);
	case AF_INET6:
		return ntohs(a->u.in6.sin6_port);
	default:
		return 0;
	}
}

bool
addr_ip(const struct addr *a, struct ip *ip)
{
	switch (a->u.sa.sa_family) {
	case AF_INET:
		memset(ip, 0, sizeof(*ip));
		ip->family = AF_INET;
		memcpy(ip->bytes, &a->u.in.sin_addr, 4);
		return true;
	case AF_INET6:
		ip_from_in6(ip, &a->u.in6.sin6_addr);
		return true;
	default:
		return false;
	}
}

/* Are the bits [from, to) the same in both? */
static bool
bits_eq(const uint8_t *a, const uint8_t *b, unsigned from, unsigned to)
{
	for (unsigned i = from; i < to; i++)
		if ((a[i / 8] ^ b[i / 8]) & 0x80 >> i % 8)
			return false;
	return true;
}

bool
cidr_parse(struct cidr *c, const char *text)
{
	static const uint8_t zero[16];
	const char *slash = strchr(text, '/');
	struct span ip = span_str(text);
	unsigned width, bits;

	if (slash != NULL)
		ip.len = (size_t)(slash - text);
	if (!ip_parse(&c->ip, ip))
		return false;
	bits = width = c->ip.family == AF_INET ? 32 : 128;
	if (slash != NULL && !parse_number(slash + 1, width, &bits))
		return false;
	c->bits = (uint8_t)bits;
	return bits_eq(c->ip.bytes, zero, bits, width);
}

bool
cidr_contains(const struct cidr *c, const struct ip *ip)
{
	return c->ip.family == ip->family &&
	       bits_eq(c->ip.bytes, ip->bytes, 0, c->bits);
}
