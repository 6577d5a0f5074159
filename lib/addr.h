/* Addresses: parsed once, strictly, kept binary (7-security.md 7.3). */
#ifndef LIB_ADDR_H
#define LIB_ADDR_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "lib/span.h"

/*
 * An IP address without a port; IPv4 in the first four bytes, rest zero.
 * ::ffff:a.b.c.d is IPv4 here: it cannot slip past a list of networks.
 */
struct ip {
	uint8_t bytes[16];
	uint8_t family; /* AF_INET or AF_INET6 */
};

struct cidr {
	struct ip ip; /* host bits are zero */
	uint8_t bits;
};

/* An address to bind or connect to: IPv4, IPv6, or a Unix socket's path. */
struct addr {
	union {
		struct sockaddr sa;
		struct sockaddr_in in;
		struct sockaddr_in6 in6;
		struct sockaddr_un un;
	} u;
	socklen_t len;
};

#define ADDR_TEXT_MAX 112 /* "[ipv6]:port", or a path; with the NUL */

/*
 * "127.0.0.1:80", "[::1]:80", "*:80" (all addresses, IPv6 and IPv4) or an
 * absolute path.  False: none of these, or port 0.
 */
bool addr_parse(struct addr *a, const char *text);

/* An address from its binary parts. */
void addr_set(struct addr *a, const struct ip *ip, uint16_t port);

/* As addr_parse() reads it ("unnamed": a client's Unix socket); returns out. */
const char *addr_format(const struct addr *a, char out[ADDR_TEXT_MAX]);

/* The port, host byte order; 0 for a Unix socket. */
uint16_t addr_port(const struct addr *a);

/* The IP.  False for a Unix socket. */
bool addr_ip(const struct addr *a, struct ip *ip);

/* ::ffff:a.b.c.d is IPv4 in disguise: no list of networks may miss it. */
void ip_from_in6(struct ip *ip, const struct in6_addr *in6);

/* An IP literal (inet_pton(3)), IPv6 without brackets or zone. */
bool ip_parse(struct ip *ip, struct span text);
const char *ip_format(const struct ip *ip, char out[INET6_ADDRSTRLEN]);
bool ip_eq(const struct ip *a, const struct ip *b);

/* "10.0.0.0/8", "fe80::/10", or one address.  Host bits must be zero. */
bool cidr_parse(struct cidr *c, const char *text);
bool cidr_contains(const struct cidr *c, const struct ip *ip);

#endif
