/* An address is read in one spelling only, and written as it is read. */
#include "lib/addr.h"

#include <arpa/inet.h>

#include "t/tap.h"

#define LONGEST                                                                \
	"/2345678901234567890123456789012345678901234567890123"                \
	"456789012345678901234567890123456789012345678901234567"

static const struct {
	const char *text;
	const char *written; /* NULL: refused */
	int family;
	uint16_t port;
} addrs[] = {
	{ "127.0.0.1:80", "127.0.0.1:80", AF_INET, 80 },
	{ "0.0.0.0:65535", "0.0.0.0:65535", AF_INET, 65535 },
	{ "[::1]:443", "[::1]:443", AF_INET6, 443 },
	{ "[2001:DB8:0:0::1]:1", "[2001:db8::1]:1", AF_INET6, 1 },
	{ "*:80", "*:80", AF_INET6, 80 },
	{ "[::]:80", "*:80", AF_INET6, 80 },
	{ "[::ffff:10.1.2.3]:80", "10.1.2.3:80", AF_INET, 80 },
	{ "/run/a:1", "/run/a:1", AF_UNIX, 0 },
	{ LONGEST, LONGEST, AF_UNIX, 0 },
	{ LONGEST "x", NULL, 0, 0 },
	{ "", NULL, 0, 0 },
	{ ":", NULL, 0, 0 },
	{ ":80", NULL, 0, 0 },
	{ "80", NULL, 0, 0 },
	{ "127.0.0.1", NULL, 0, 0 },
	{ "127.0.0.1:", NULL, 0, 0 },
	{ "127.0.0.1:0", NULL, 0, 0 },
	{ "127.0.0.1:65536", NULL, 0, 0 },
	{ "127.0.0.1:4294967376", NULL, 0, 0 },
	{ "127.0.0.1:080", NULL, 0, 0 },
	{ "127.0.0.1:+80", NULL, 0, 0 },
	{ "127.0.0.1: 80", NULL, 0, 0 },
	{ "127.0.0.1:80 ", NULL, 0, 0 },
	{ "127.0.0.1:8x", NULL, 0, 0 },
	{ " 127.0.0.1:80", NULL, 0, 0 },
	{ "127.1:80", NULL, 0, 0 },
	{ "2130706433:80", NULL, 0, 0 },
	{ "0x7f.0.0.1:80", NULL, 0, 0 },
	{ "127.0.0.01:80", NULL, 0, 0 },
	{ "localhost:80", NULL, 0, 0 },
	{ "::1:80", NULL, 0, 0 },
	{ "[::1]", NULL, 0, 0 },
	{ "[::1]80", NULL, 0, 0 },
	{ "[::1:80", NULL, 0, 0 },
	{ "[::1%lo]:80", NULL, 0, 0 },
	{ "[127.0.0.1]:80", NULL, 0, 0 },
	{ "[]:80", NULL, 0, 0 },
	{ "[*]:80", NULL, 0, 0 },
	{ "run/a", NULL, 0, 0 },
};

static void
addresses(void)
{
	char out[ADDR_TEXT_MAX];
	struct addr a;

	for (size_t i = 0; i < nitems(addrs); i++) {
		const char *text = addrs[i].text;

		if (addrs[i].written == NULL) {
			ok(!addr_parse(&a, text), "refused: '%s'", text);
			continue;
		}
		if (!ok(addr_parse(&a, text), "read: %s", text))
			continue;
		is_int(a.u.sa.sa_family, addrs[i].family, "its family");
		is_int(addr_port(&a), addrs[i].port, "its port");
		is_str(addr_format(&a, out), addrs[i].written, "written");
	}
}

static const struct {
	const char *text;
	const char *written; /* NULL: refused */
} ips[] = {
	{ "10.0.0.1", "10.0.0.1" },
	{ "fe80::1", "fe80::1" },
	{ "::ffff:127.0.0.1", "127.0.0.1" },
	{ "::ffff:7f00:1", "127.0.0.1" },
	{ "", NULL },
	{ "[::1]", NULL },
	{ "fe80::1%eth0", NULL },
	{ "10.0.0", NULL },
	{ "10.0.0.256", NULL },
	{ "10.0.0.1 ", NULL },
	{ "1111:2222:3333:4444:5555:6666:7777:8888:9999:0000:1111", NULL },
};

static void
literals(void)
{
	char out[INET6_ADDRSTRLEN];
	struct ip a, b;

	for (size_t i = 0; i < nitems(ips); i++) {
		bool read = ip_parse(&a, span_str(ips[i].text));

		if (ips[i].written == NULL)
			ok(!read, "no IP: '%s'", ips[i].text);
		else if (ok(read, "an IP: %s", ips[i].text))
			is_str(ip_format(&a, out), ips[i].written, "written");
	}
	ok(!ip_parse(&a, SPAN("10.0.0.1\0x")), "a NUL ends no literal");
	ok(ip_parse(&a, (struct span){ "10.0.0.12", 8 }) &&
		ip_parse(&b, SPAN("10.0.0.1")) && ip_eq(&a, &b),
	    "a span ends where it ends");
	ok(ip_parse(&a, SPAN("::a00:1")) && !ip_eq(&a, &b),
	    "the other family is another address");
}

static const struct {
	const char *cidr;
	const char *in, *out; /* NULL: the network is refused */
} cidrs[] = {
	{ "10.0.0.0/8", "10.255.0.1", "11.0.0.0" },
	{ "192.168.4.0/22", "192.168.7.255", "192.168.8.0" },
	{ "0.0.0.0/0", "255.255.255.255", "::" },
	{ "127.0.0.1", "127.0.0.1", "127.0.0.2" },
	{ "127.0.0.1/32", "::ffff:127.0.0.1", "127.0.0.0" },
	{ "fe80::/10", "febf::1", "fec0::" },
	{ "::/0", "::1", "0.0.0.0" },
	{ "::1/128", "::1", "::" },
	{ "10.0.0.1/8", NULL, NULL },
	{ "10.0.0.0/33", NULL, NULL },
	{ "10.0.0.0/", NULL, NULL },
	{ "10.0.0.0/08", NULL, NULL },
	{ "10.0.0.0/-1", NULL, NULL },
	{ "10.0.0.0/8/8", NULL, NULL },
	{ "10/8", NULL, NULL },
	{ "::/129", NULL, NULL },
	{ "::1/127", NULL, NULL },
	{ "/8", NULL, NULL },
	{ "", NULL, NULL },
};

static void
networks(void)
{
	struct cidr c;
	struct ip ip;

	for (size_t i = 0; i < nitems(cidrs); i++) {
		const char *text = cidrs[i].cidr;

		if (cidrs[i].in == NULL) {
			ok(!cidr_parse(&c, text), "no network: '%s'", text);
			continue;
		}
		ok(cidr_parse(&c, text), "a network: %s", text);
		ok(ip_parse(&ip, span_str(cidrs[i].in)) &&
			cidr_contains(&c, &ip),
		    "%s has %s", text, cidrs[i].in);
		ok(ip_parse(&ip, span_str(cidrs[i].out)) &&
			!cidr_contains(&c, &ip),
		    "%s has not %s", text, cidrs[i].out);
	}
}

/* What accept4(2) says of a client on a listener for "*". */
static void
accepted(void)
{
	struct addr a = { .len = sizeof(a.u.in6) };
	char out[ADDR_TEXT_MAX];
	struct cidr loopback;
	struct ip ip;

	a.u.in6.sin6_family = AF_INET6;
	a.u.in6.sin6_port = htons(4711);
	inet_pton(AF_INET6, "::ffff:127.0.0.1", &a.u.in6.sin6_addr);
	ok(cidr_parse(&loopback, "127.0.0.0/8") && addr_ip(&a, &ip) &&
		cidr_contains(&loopback, &ip),
	    "an IPv4 client of an IPv6 socket is an IPv4 client");
	is_str(addr_format(&a, out), "127.0.0.1:4711", "also in the log");

	addr_set(&a, &ip, 0);
	is_int(a.u.sa.sa_family, AF_INET, "addr_set() makes it plain IPv4");

	a = (struct addr){ .u.un.sun_family = AF_UNIX, .len = 2 };
	ok(!addr_ip(&a, &ip), "a Unix socket has no IP");
	is_str(addr_format(&a, out), "unnamed", "and its client no name");
}

int
main(void)
{
	addresses();
	literals();
	networks();
	accepted();
	return done();
}
