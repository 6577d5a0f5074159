/* Reads destinations strictly and keeps them where they belong. */
#include "registrar/vet.h"
#include "lib/array.h"

#include <ifaddrs.h>
#include <netinet/in.h>
#include <stdlib.h>

#define PORT_LOW 1024 /* below are the system's services */

int
vet_read_own(struct vet *vet)
{
	struct ifaddrs *list, *at;
	struct addr a;
	struct ip *own;
	size_t n = 0;

	if (getifaddrs(&list) == -1)
		return -1;
	for (at = list; at != NULL; at = at->ifa_next)
		n++;
	own = calloc(n + 1, sizeof(*own));
	n = 0;
	for (at = list; own != NULL && at != NULL; at = at->ifa_next) {
		if (at->ifa_addr == NULL)
			continue;
		if (at->ifa_addr->sa_family == AF_INET)
			memcpy(&a.u.in, at->ifa_addr, sizeof(a.u.in));
		else if (at->ifa_addr->sa_family == AF_INET6)
			memcpy(&a.u.in6, at->ifa_addr, sizeof(a.u.in6));
		else
			continue;
		if (addr_ip(&a, &own[n]))
			n++;
	}
	freeifaddrs(list);
	if (own == NULL)
		return -1;
	free(vet->own);
	vet->own = own;
	vet->nown = n;
	return 0;
}

int
vet_init(struct vet *vet, const struct conf *conf)
{
	*vet = (struct vet){ .conf = conf };
	return vet_read_own(vet);
}

void
vet_release(struct vet *vet)
{
	free(vet->own);
	*vet = (struct vet){ .conf = NULL };
}

static bool
take(struct span *s, struct span prefix)
{
	if (!span_starts(*s, prefix))
		return false;
	*s = span_from(*s, prefix.len);
	return true;
}

/* Bytes before the first of these, or all. */
static size_t
len_before(struct span s, char a, char b)
{
	size_t n = 0;

	while (n < s.len && s.ptr[n] != a && s.ptr[n] != b)
		n++;
	return n;
}

/* Take an IP literal off the front: up to ':' or '/', IPv6 in brackets. */
static enum vet_fault
take_ip(struct span *s, struct ip *ip)
{
	bool bracket = take(s, SPAN("["));
	struct span text = *s;

	text.len =
	    bracket ? len_before(*s, ']', ']') : len_before(*s, ':', '/');
	*s = span_from(*s, text.len);
	if (bracket && !take(s, SPAN("]")))
		return VET_ADDRESS;
	if (!ip_parse(ip, text))
		return VET_ADDRESS;
	/* ip_parse() reads ::ffff:a.b.c.d as the IPv4 address it is */
	return bracket && ip->family == AF_INET ? VET_EMBEDDED : VET_FINE;
}

/* Take ":<1 to 65535>" off the front: digits only, no leading zero. */
static bool
take_port(struct span *s, uint16_t *port)
{
	uint32_t value = 0;
	size_t digits = 0;

	if (!take(s, SPAN(":")) || s->len == 0 || s->ptr[0] == '0')
		return false;
	while (digits < s->len && digits < 6 && s->ptr[digits] >= '0' &&
	       s->ptr[digits] <= '9')
		value = value * 10 + (uint32_t)(s->ptr[digits++] - '0');
	if (value == 0 || value > UINT16_MAX)
		return false;
	*port = (uint16_t)value;
	*s = span_from(*s, digits);
	return true;
}

enum vet_fault
vet_url(struct span url, struct backend *backend)
{
	enum vet_fault fault;

	memset(backend, 0, sizeof(*backend));
	backend->scheme = BACKEND_HTTP;
	if (take(&url, SPAN("https://")))
		backend->scheme = BACKEND_HTTPS;
	else if (!take(&url, SPAN("http://")))
		return VET_SCHEME;
	fault = take_ip(&url, &backend->ip);
	if (fault != VET_FINE)
		return fault;
	if (!take_port(&url, &backend->port))
		return VET_PORT;
	take(&url, SPAN("/"));
	return url.len == 0 ? VET_FINE : VET_REST;
}

#define V4(a, b, c, d, bits)                                                   \
	{                                                                      \
		{ { a, b, c, d }, AF_INET }, bits                              \
	}
#define V6(bits, ...)                                                          \
	{                                                                      \
		{ { __VA_ARGS__ }, AF_INET6 }, bits                            \
	}

/* Nobody's backend is here; the first row that fits gives the reason. */
static const struct {
	struct cidr where;
	enum vet_fault fault;
} forbidden[] = {
	{ V4(0, 0, 0, 0, 8), VET_UNSPECIFIED },
	{ V4(127, 0, 0, 0, 8), VET_LOOPBACK },
	{ V4(169, 254, 169, 254, 32), VET_METADATA },
	{ V4(169, 254, 0, 0, 16), VET_LINK_LOCAL },
	{ V4(100, 100, 100, 200, 32), VET_METADATA },
	{ V4(168, 63, 129, 16, 32), VET_METADATA },
	{ V4(192, 0, 0, 0, 24), VET_RESERVED },
	{ V4(224, 0, 0, 0, 4), VET_MULTICAST },
	{ V4(240, 0, 0, 0, 4), VET_RESERVED }, /* broadcast too */
	{ V6(128, 0), VET_UNSPECIFIED },
	{ V6(128, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1),
	    VET_LOOPBACK },
	{ V6(96, 0), VET_EMBEDDED }, /* ::a.b.c.d */
	{ V6(96, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff), VET_EMBEDDED },
	{ V6(96, 0, 0x64, 0xff, 0x9b), VET_EMBEDDED },	     /* NAT64 */
	{ V6(48, 0, 0x64, 0xff, 0x9b, 0, 1), VET_EMBEDDED }, /* RFC 8215 */
	{ V6(16, 0x20, 0x02), VET_EMBEDDED },		     /* 6to4 */
	{ V6(32, 0x20, 0x01), VET_EMBEDDED },		     /* Teredo */
	{ V6(64, 0x01), VET_RESERVED },			     /* discard */
	{ V6(128, 0xfd, 0, 0x0e, 0xc2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x02,
	      0x54),
	    VET_METADATA },
	{ V6(128, 0xfd, 0x20, 0, 0xce, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x02,
	      0x54),
	    VET_METADATA },
	{ V6(10, 0xfe, 0x80), VET_LINK_LOCAL },
	{ V6(10, 0xfe, 0xc0), VET_RESERVED }, /* site-local */
	{ V6(8, 0xff), VET_MULTICAST },
};

/* Services that speak to whoever comes; not for the peer's own address. */
static const uint16_t denied_ports[] = { 2379, 3306, 5432, 6379, 8081, 8282,
	9090, 9200, 10250, 11211, 26379, 27017 };

static bool
is_own(const struct vet *vet, const struct ip *ip)
{
	for (size_t i = 0; i < vet->nown; i++)
		if (ip_eq(&vet->own[i], ip))
			return true;
	return false;
}

static bool
is_among(const struct cidr *networks, size_t n, const struct ip *ip)
{
	for (size_t i = 0; i < n; i++)
		if (cidr_contains(&networks[i], ip))
			return true;
	return false;
}

static bool
is_listed(const struct vet *vet, const struct ip *ip)
{
	const struct conf *conf = vet->conf;

	return is_among(conf->backend_networks, conf->nbackend_networks, ip);
}

static bool
is_denied(const struct vet *vet, const struct ip *ip)
{
	const struct conf *conf = vet->conf;

	return is_among(conf->backend_denied, conf->nbackend_denied, ip);
}

static enum vet_fault
class_of(const struct ip *ip)
{
	for (size_t i = 0; i < nitems(forbidden); i++)
		if (cidr_contains(&forbidden[i].where, ip))
			return forbidden[i].fault;
	return VET_FINE;
}

static bool
is_any(const struct ip *ip)
{
	static const uint8_t zero[sizeof(ip->bytes)];

	return memcmp(ip->bytes, zero, sizeof(zero)) == 0;
}

/* Would a request to it come back to us? */
static bool
is_listener(const struct vet *vet, const struct backend *b)
{
	bool here = is_own(vet, &b->ip) || class_of(&b->ip) == VET_LOOPBACK;
	const struct addr *a;
	struct ip ip;

	for (size_t i = 0; i < vet->conf->nlisteners; i++) {
		a = &vet->conf->listeners[i].addr;
		if (addr_ip(a, &ip) && addr_port(a) == b->port &&
		    (is_any(&ip) ? here : ip_eq(&ip, &b->ip)))
			return true;
	}
	return false;
}

static bool
is_denied_port(uint16_t port)
{
	for (size_t i = 0; i < nitems(denied_ports); i++)
		if (denied_ports[i] == port)
			return true;
	return false;
}

enum vet_fault
vet_destination(
    const struct vet *vet, const struct backend *b, const struct ip *peer)
{
	bool listed = is_listed(vet, &b->ip);
	bool theirs = peer != NULL && ip_eq(peer, &b->ip);
	enum vet_fault fault = class_of(&b->ip);

	if (b->port < PORT_LOW)
		return VET_LOW_PORT;
	if (is_listener(vet, b))
		return VET_LISTENER;
	if (is_denied(vet, &b->ip))
		return VET_DENIED;
	if (!listed && fault != VET_FINE)
		return fault;
	if (!listed && is_own(vet, &b->ip))
		return VET_OWN;
	if (!listed && !theirs)
		return VET_FOREIGN;
	if (!theirs && is_denied_port(b->port))
		return VET_DENIED_PORT;
	return VET_FINE;
}

enum vet_fault
vet_frontend(const struct vet *vet, const struct backend *b)
{
	bool listed = is_listed(vet, &b->ip);

	if (is_listener(vet, b))
		return VET_LISTENER;
	if (is_denied(vet, &b->ip))
		return VET_DENIED;
	if (listed)
		return VET_FINE;
	if (is_own(vet, &b->ip))
		return VET_OWN;
	if (is_denied_port(b->port))
		return VET_DENIED_PORT;
	return class_of(&b->ip);
}

#define ASK_OPERATOR "or ask an administrator for backend_networks"

static const char *const says[] = {
	[VET_SCHEME] = "the destination has to begin with http:// or https://",
	[VET_ADDRESS] = "the destination has to be an IP address, no name: "
			"http://192.0.2.1:8000 or http://[2001:db8::1]:8000",
	[VET_PORT] = "the destination needs a port of 1024 to 65535: "
		     "http://192.0.2.1:8000",
	[VET_REST] = "the destination ends after its port: leave the rest off",
	[VET_LOW_PORT] =
	    "the destination's port is below 1024: use a higher one",
	[VET_DENIED_PORT] = "that port is for other services: use another one",
	[VET_UNSPECIFIED] = "0.0.0.0 and :: are no destination: "
			    "use your host's address",
	[VET_LOOPBACK] = "a loopback address is no destination: "
			 "use your host's address, " ASK_OPERATOR,
	[VET_LINK_LOCAL] = "a link-local address is no destination: "
			   "use your host's address",
	[VET_METADATA] = "a metadata service is no destination: "
			 "use your host's address",
	[VET_MULTICAST] = "a multicast address is no destination: "
			  "use your host's address",
	[VET_RESERVED] = "a reserved address is no destination: "
			 "use your host's address",
	[VET_EMBEDDED] = "write an IPv4 address as IPv4: http://192.0.2.1:8000",
	[VET_OWN] = "the proxy's own address is no destination: "
		    "run the tool elsewhere, " ASK_OPERATOR,
	[VET_LISTENER] = "the proxy itself listens there: use another port",
	[VET_DENIED] = "no backend may be at that address: "
		       "run the tool elsewhere",
	[VET_FOREIGN] = "the destination is not the address you come from: "
			"register from the host it runs on, " ASK_OPERATOR,
};

const char *
vet_says(enum vet_fault fault)
{
	return says[fault];
}

bool
vet_tool_name(struct span name)
{
	bool good =
	    name.len > 0 && name.len <= TOOL_NAME_MAX && name.ptr[0] != '-';

	for (size_t i = 0; good && i < name.len; i++)
		good = (name.ptr[i] >= 'a' && name.ptr[i] <= 'z') ||
		       (name.ptr[i] >= '0' && name.ptr[i] <= '9') ||
		       name.ptr[i] == '-';
	return good;
}

bool
vet_frontend_name(struct span name)
{
	if (span_starts(name, SPAN("*.")))
		name = span_from(name, 2);
	if (name.len == 0 || name.len > FRONTEND_NAME_MAX || *name.ptr == '.')
		return false;
	for (size_t i = 0; i < name.len; i++) {
		char c = name.ptr[i];

		if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') &&
		    c != '-' && c != '.')
			return false;
	}
	return true;
}

bool
vet_key(const char *key)
{
	struct span name = span_from(span_str(key), *key != '\0');

	if (*key == KEY_TOOL)
		return vet_tool_name(name);
	return *key == KEY_FRONTEND && name.len + 2 <= KEY_MAX &&
	       vet_frontend_name(name);
}

bool
vet_account(struct span account, struct span prefix, struct span *tool)
{
	if (!take(&account, prefix) || !vet_tool_name(account))
		return false;
	*tool = account;
	return true;
}
