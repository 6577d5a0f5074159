/* Finds an address and a port of this host for a server. */
#include "tools/own_address.h"

#include <netdb.h>
#include <unistd.h>

uint16_t
own_free_port(void)
{
	struct addr a = { .u.in.sin_family = AF_INET,
		.len = sizeof(struct sockaddr_in) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	uint16_t port = 0;

	if (fd == -1)
		return 0;
	if (bind(fd, &a.u.sa, a.len) == 0 &&
	    getsockname(fd, &a.u.sa, &a.len) == 0)
		port = addr_port(&a);
	close(fd);
	return port;
}

/* What our fully qualified name resolves to, loopback not counted. */
static bool
address_of_name(struct ip *ip)
{
	struct addrinfo hints = { .ai_family = AF_INET,
		.ai_socktype = SOCK_STREAM };
	struct addrinfo *found;
	struct cidr loopback;
	struct addr a;
	char name[256];
	bool known;

	if (gethostname(name, sizeof(name)) == -1 ||
	    getaddrinfo(name, NULL, &hints, &found) != 0)
		return false;
	a.len = found->ai_addrlen;
	memcpy(&a.u, found->ai_addr, found->ai_addrlen);
	known = addr_ip(&a, ip) && cidr_parse(&loopback, "127.0.0.0/8") &&
		!cidr_contains(&loopback, ip);
	freeaddrinfo(found);
	return known;
}

bool
own_address(struct reg *reg, const char *given, struct ip *ip)
{
	if (given != NULL && ip_parse(ip, span_str(given)))
		return true;
	if (given != NULL) {
		snprintf(reg->said, sizeof(reg->said),
		    "--address %.64s: not an IP address", given);
		return false;
	}
	/* to a proxy on this host, by its socket, the name means nothing */
	return (reg->port[0] != '\0' && address_of_name(ip)) ||
	       reg_source(reg, ip);
}

const char *
own_url(const struct ip *ip, uint16_t port, char url[OWN_URL_MAX])
{
	char text[INET6_ADDRSTRLEN];

	snprintf(url, OWN_URL_MAX,
	    ip->family == AF_INET6 ? "http://[%s]:%u" : "http://%s:%u",
	    ip_format(ip, text), port);
	return url;
}
