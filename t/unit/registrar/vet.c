/*
 * A tool can have the address it comes from as its destination, and what the
 * operator lists; no spelling leads anywhere else.
 */
#include "registrar/vet.h"

#include <stdlib.h>

#include "t/tap.h"

/* The requests come from here. */
#define PEER4 "172.16.1.9"
#define DENIED_PEER "172.16.2.10"
#define PEER6 "2620:0:861::9"

/* The operator lists these; 10.64.0.99 and 2620:0:861::1 are this node. */
static const char *const networks[] = { "172.17.0.0/16", "127.0.0.8/32",
	"fd12::/16", "10.64.0.97/32" };
static const char *const own[] = { "10.64.0.97", "10.64.0.98",
	"10.64.0.99", "2620:0:861::1", "172.17.0.1" };
static const char *const listeners[] = { "*:8080", "10.64.0.97:8444",
	"/run/a.sock" };

static const struct {
	const char *url;
	enum vet_fault fault;
} cases[] = {
	{ "http://172.16.1.9:34567", VET_FINE },
	{ "http://172.16.1.9:34567/", VET_FINE },
	{ "https://172.16.1.9:8443", VET_FINE },
	{ "http://172.16.1.9:1024", VET_FINE },
	{ "http://172.16.1.9:65535", VET_FINE },
	{ "http://172.16.1.9:6379", VET_FINE }, /* its own: as it draws them */
	{ "http://[2620:0:861::9]:8000", VET_FINE },
	{ "http://[2620:0:0861:0:0:0:0:9]:8000/", VET_FINE },
	{ "http://[2620:0:861::0.0.0.9]:8000", VET_FINE },
	{ "http://172.17.3.4:8000", VET_FINE },
	{ "http://172.17.0.1:8000", VET_FINE }, /* ours, but listed */
	{ "http://127.0.0.8:8000", VET_FINE },
	{ "http://[fd12::5]:8000", VET_FINE },

	{ "", VET_SCHEME },
	{ "http", VET_SCHEME },
	{ "http:/172.16.1.9:8000", VET_SCHEME },
	{ "http:172.16.1.9:8000", VET_SCHEME },
	{ "//172.16.1.9:8000", VET_SCHEME },
	{ "172.16.1.9:8000", VET_SCHEME },
	{ " http://172.16.1.9:8000", VET_SCHEME },
	{ "HTTP://172.16.1.9:8000", VET_SCHEME },
	{ "Http://172.16.1.9:8000", VET_SCHEME },
	{ "ftp://172.16.1.9:8000", VET_SCHEME },
	{ "gopher://172.16.1.9:8000", VET_SCHEME },
	{ "file:///etc/passwd", VET_SCHEME },
	{ "unix:/run/docker.sock", VET_SCHEME },
	{ "ws://172.16.1.9:8000", VET_SCHEME },
	{ "httpss://172.16.1.9:8000", VET_SCHEME },
	{ "\\\\172.16.1.9:8000", VET_SCHEME },

	{ "http://", VET_ADDRESS },
	{ "http://:8000", VET_ADDRESS },
	{ "http:///172.16.1.9:8000", VET_ADDRESS },
	{ "http://localhost:8000", VET_ADDRESS },
	{ "http://LOCALHOST:8000", VET_ADDRESS },
	{ "http://localhost.:8000", VET_ADDRESS },
	{ "http://metadata.google.internal:8000", VET_ADDRESS },
	{ "http://172.16.1.9.nip.io:8000", VET_ADDRESS },
	{ "http://127.1:8000", VET_ADDRESS },
	{ "http://127.0.1:8000", VET_ADDRESS },
	{ "http://0:8000", VET_ADDRESS },
	{ "http://2130706433:8000", VET_ADDRESS },
	{ "http://0x7f000001:8000", VET_ADDRESS },
	{ "http://0x7f.0.0.1:8000", VET_ADDRESS },
	{ "http://0177.0.0.1:8000", VET_ADDRESS },
	{ "http://0177.1:8000", VET_ADDRESS },
	{ "http://127.0.0.01:8000", VET_ADDRESS },
	{ "http://172.016.001.009:8000", VET_ADDRESS },
	{ "http://256.0.0.1:8000", VET_ADDRESS },
	{ "http://383.16.1.9:8000", VET_ADDRESS },
	{ "http://172.16.1.9.:8000", VET_ADDRESS },
	{ "http://172.16.1:8000", VET_ADDRESS },
	{ "http://172.16.1.9.1:8000", VET_ADDRESS },
	{ "http://172.16.1.+9:8000", VET_ADDRESS },
	{ "http:// 172.16.1.9:8000", VET_ADDRESS },
	{ "http://172.16.1.9 :8000", VET_ADDRESS },
	{ "http://\t172.16.1.9:8000", VET_ADDRESS },
	{ "http://a@172.16.1.9:8000", VET_ADDRESS },
	{ "http://172.16.1.9:8000@127.0.0.1:8000", VET_REST },
	{ "http://172.16.1.9@127.0.0.1:8000", VET_ADDRESS },
	{ "http://172.16.1.9%40127.0.0.1:8000", VET_ADDRESS },
	{ "http://172%2e16%2e1%2e9:8000", VET_ADDRESS },
	{ "http://%31%32%37.0.0.1:8000", VET_ADDRESS },
	{ "http://172.16.1.9#:8000", VET_ADDRESS },
	{ "http://172.16.1.9/:8000", VET_PORT },
	{ "http://172.16.1.9\\:8000", VET_ADDRESS },
	{ "http://127\xe3\x80\x82" "0.0.1:8000", VET_ADDRESS },
	{ "http://\xef\xbc\x91\xef\xbc\x92\xef\xbc\x97.0.0.1:8000",
	    VET_ADDRESS },
	{ "http://\xe2\x91\xa0\xe2\x91\xa1\xe2\x91\xa6.0.0.1:8000",
	    VET_ADDRESS },
	{ "http://[172.16.1.9]:8000", VET_EMBEDDED },
	{ "http://[127.0.0.1]:8000", VET_EMBEDDED },
	{ "http://2620:0:861::9:8000", VET_ADDRESS },
	{ "http://[2620:0:861::9:8000", VET_ADDRESS },
	{ "http://2620:0:861::9]:8000", VET_ADDRESS },
	{ "http://[2620:0:861::9%eth0]:8000", VET_ADDRESS },
	{ "http://[fe80::1%25eth0]:8000", VET_ADDRESS },
	{ "http://[]:8000", VET_ADDRESS },
	{ "http://[v1.fe80::a]:8000", VET_ADDRESS },
	{ "http://[[::1]]:8000", VET_ADDRESS },

	{ "http://172.16.1.9", VET_PORT },
	{ "http://172.16.1.9/", VET_PORT },
	{ "http://[2620:0:861::9]", VET_PORT },
	{ "http://[2620:0:861::9", VET_ADDRESS },
	{ "http://[2620:0:861::9/]:8000", VET_ADDRESS },
	{ "http://172.16.1.9:", VET_PORT },
	{ "http://172.16.1.9:/", VET_PORT },
	{ "http://172.16.1.9:0", VET_PORT },
	{ "http://172.16.1.9:65536", VET_PORT },
	{ "http://172.16.1.9:73536", VET_PORT }, /* 8000 modulo 65536 */
	{ "http://172.16.1.9:4294975296", VET_PORT },
	{ "http://172.16.1.9:99999999999999999999999", VET_PORT },
	{ "http://172.16.1.9:-1", VET_PORT },
	{ "http://172.16.1.9:+8000", VET_PORT },
	{ "http://172.16.1.9:08000", VET_PORT },
	{ "http://172.16.1.9: 8000", VET_PORT },
	{ "http://172.16.1.9:0x1f40", VET_PORT },
	{ "http://172.16.1.9:http", VET_PORT },
	{ "http://172.16.1.9::8000", VET_PORT },
	{ "http://[2620:0:861::9]8000", VET_PORT },
	{ "http://[2620:0:861::9].:8000", VET_PORT },
	{ "http://172.16.1.9:80", VET_LOW_PORT },
	{ "http://172.16.1.9:22", VET_LOW_PORT },
	{ "http://172.16.1.9:1023", VET_LOW_PORT },
	{ "http://172.17.3.4:443", VET_LOW_PORT },

	{ "http://172.16.1.9:8000 ", VET_REST },
	{ "http://172.16.1.9:8000x", VET_REST },
	{ "http://172.16.1.9:8000//", VET_REST },
	{ "http://172.16.1.9:8000/a", VET_REST },
	{ "http://172.16.1.9:8000/../", VET_REST },
	{ "http://172.16.1.9:8000?", VET_REST },
	{ "http://172.16.1.9:8000#", VET_REST },
	{ "http://172.16.1.9:8000\\", VET_REST },
	{ "http://172.16.1.9:8000:22", VET_REST },
	{ "http://172.16.1.9:8000.5", VET_REST },
	{ "http://172.16.1.9:8000,http://127.0.0.1:8000", VET_REST },
	{ "http://172.16.1.9:8000\x7f", VET_REST },
	{ "http://172.16.1.9:\xd9\xa8\xd9\xa0", VET_PORT },

	{ "http://0.0.0.0:8000", VET_UNSPECIFIED },
	{ "http://0.1.2.3:8000", VET_UNSPECIFIED },
	{ "http://[::]:8000", VET_UNSPECIFIED },
	{ "http://127.0.0.1:8000", VET_LOOPBACK },
	{ "http://127.0.0.2:8000", VET_LOOPBACK },
	{ "http://127.255.255.254:8000", VET_LOOPBACK },
	{ "http://[::1]:8000", VET_LOOPBACK },
	{ "http://[0:0:0:0:0:0:0:1]:8000", VET_LOOPBACK },
	{ "http://169.254.169.254:8000", VET_METADATA },
	{ "http://169.254.170.2:8000", VET_LINK_LOCAL },
	{ "http://100.100.100.200:8000", VET_METADATA },
	{ "http://168.63.129.16:8000", VET_METADATA },
	{ "http://[fd00:ec2::254]:8000", VET_METADATA },
	{ "http://[fd20:ce::254]:8000", VET_METADATA },
	{ "http://[fe80::1]:8000", VET_LINK_LOCAL },
	{ "http://[febf::1]:8000", VET_LINK_LOCAL },
	{ "http://[fec0::1]:8000", VET_RESERVED },
	{ "http://192.0.0.192:8000", VET_RESERVED },
	{ "http://240.0.0.1:8000", VET_RESERVED },
	{ "http://255.255.255.255:8000", VET_RESERVED },
	{ "http://[100::1]:8000", VET_RESERVED },
	{ "http://224.0.0.1:8000", VET_MULTICAST },
	{ "http://239.255.255.250:8000", VET_MULTICAST },
	{ "http://[ff02::1]:8000", VET_MULTICAST },
	{ "http://[::ffff:172.16.1.9]:8000", VET_EMBEDDED },
	{ "http://[::ffff:127.0.0.1]:8000", VET_EMBEDDED },
	{ "http://[::FFFF:7f00:1]:8000", VET_EMBEDDED },
	{ "http://[::ffff:169.254.169.254]:8000", VET_EMBEDDED },
	{ "http://[::ffff:172.17.3.4]:8000", VET_EMBEDDED },
	{ "http://[::ffff:0:127.0.0.1]:8000", VET_EMBEDDED },
	{ "http://[::127.0.0.1]:8000", VET_EMBEDDED },
	{ "http://[64:ff9b::127.0.0.1]:8000", VET_EMBEDDED },
	{ "http://[64:ff9b:1::7f00:1]:8000", VET_EMBEDDED },
	{ "http://[2002:7f00:1::]:8000", VET_EMBEDDED },
	{ "http://[2001::7f00:1]:8000", VET_EMBEDDED },

	{ "http://10.64.0.98:8000", VET_OWN },
	{ "http://[2620:0:861::1]:8000", VET_OWN },
	{ "http://172.17.8.255:8000", VET_FINE },
	{ "http://172.17.9.1:8000", VET_DENIED }, /* though listed */
	{ "http://10.64.0.99:8080", VET_LISTENER },
	{ "http://172.17.0.1:8080", VET_LISTENER },
	{ "http://127.0.0.8:8080", VET_LISTENER },
	{ "http://10.64.0.97:8444", VET_LISTENER },
	{ "http://10.64.0.97:8445", VET_FINE },
	{ "http://172.16.1.10:8000", VET_FOREIGN },
	{ "http://8.8.8.8:8000", VET_FOREIGN },
	{ "http://172.18.0.1:8000", VET_FOREIGN },
	{ "http://[2620:0:861::a]:8000", VET_FOREIGN },
	{ "http://[2001:db8::1]:8000", VET_FOREIGN },
	{ "http://[fd13::5]:8000", VET_FOREIGN },
	{ "http://172.17.3.4:6379", VET_DENIED_PORT },
	{ "http://172.17.3.4:2379", VET_DENIED_PORT },
	{ "http://172.17.3.4:8282", VET_DENIED_PORT },
	{ "http://127.0.0.8:27017", VET_DENIED_PORT },
	{ "http://[fd12::5]:11211", VET_DENIED_PORT },
};

static const struct {
	const char *account;
	const char *tool; /* NULL: no tool's */
} accounts[] = {
	{ "tools.alpha", "alpha" },
	{ "tools.a", "a" },
	{ "tools.0-day", "0-day" },
	{ "tools.a-", "a-" },
	{ "tools.aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
	    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" },
	{ "tools.aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
	    NULL },
	{ "", NULL },
	{ "tools", NULL },
	{ "tools.", NULL },
	{ "tools.tools.x", NULL },
	{ "tools.-a", NULL },
	{ "tools.Alpha", NULL },
	{ "TOOLS.alpha", NULL },
	{ "Tools.alpha", NULL },
	{ "tools.al_pha", NULL },
	{ "tools.al pha", NULL },
	{ "tools.alpha ", NULL },
	{ " tools.alpha", NULL },
	{ "tools.alpha:x", NULL },
	{ "tools.alpha/..", NULL },
	{ "tools.\xc3\xa4", NULL },
	{ "toolsalpha", NULL },
	{ "toolsbeta.alpha", NULL },
	{ "xtools.alpha", NULL },
	{ "root", NULL },
	{ "www-data", NULL },
};

static struct cidr backend_networks[nitems(networks)], backend_denied[2];
static struct ip own_ips[nitems(own)];
static struct listener_conf listener_confs[nitems(listeners)];

static void
set_up(struct vet *vet, struct conf *conf)
{
	bool all = true;

	for (size_t i = 0; i < nitems(networks); i++)
		all &= cidr_parse(&backend_networks[i], networks[i]);
	all &= cidr_parse(&backend_denied[0], "172.17.9.0/24") &&
	       cidr_parse(&backend_denied[1], DENIED_PEER);
	for (size_t i = 0; i < nitems(own); i++)
		all &= ip_parse(&own_ips[i], span_str(own[i]));
	for (size_t i = 0; i < nitems(listeners); i++)
		all &= addr_parse(&listener_confs[i].addr, listeners[i]);
	ok(all, "the setting of these tests");
	*conf = (struct conf){ .backend_networks = backend_networks,
		.nbackend_networks = nitems(networks),
		.backend_denied = backend_denied,
		.nbackend_denied = nitems(backend_denied),
		.listeners = listener_confs,
		.nlisteners = nitems(listeners) };
	*vet = (struct vet){ .conf = conf, .own = own_ips,
		.nown = nitems(own) };
}

/* From memory of exactly its size: a byte read beyond it would be seen. */
static enum vet_fault
vet_copy(const struct vet *vet, const char *url, const struct ip *peer)
{
	size_t len = strlen(url);
	char *copy = malloc(len + (len == 0));
	struct backend backend;
	enum vet_fault fault;

	memcpy(copy, url, len);
	fault = vet_url((struct span){ copy, len }, &backend);
	if (fault == VET_FINE)
		fault = vet_destination(vet, &backend, peer);
	free(copy);
	return fault;
}

/* An IPv6 spelling is tried by an IPv6 peer. */
static const struct ip *
peer_for(const char *url)
{
	static struct ip four, six;

	ip_parse(&four, SPAN(PEER4));
	ip_parse(&six, SPAN(PEER6));
	return strchr(url, '[') != NULL ? &six : &four;
}

static void
try_denied_peer(const struct vet *vet)
{
	struct ip peer;

	ip_parse(&peer, SPAN(DENIED_PEER));
	is_int(vet_copy(vet, "http://" DENIED_PEER ":8000", &peer), VET_DENIED,
	    "whoever registers itself there");
}

static void
try_binary(void)
{
	struct backend b;
	char text[INET6_ADDRSTRLEN];

	vet_url(SPAN("https://172.16.1.9:34567/"), &b);
	is_str(ip_format(&b.ip, text), "172.16.1.9", "the address, binary");
	is_int(b.port, 34567, "the port");
	is_int(b.scheme, BACKEND_HTTPS, "the scheme");
}

int
main(void)
{
	struct vet vet;
	struct conf conf;
	struct span tool;
	bool is_tool;

	set_up(&vet, &conf);
	for (size_t i = 0; i < nitems(cases); i++)
		is_int(vet_copy(&vet, cases[i].url, peer_for(cases[i].url)),
		    cases[i].fault, "<%s>", cases[i].url);
	for (int fault = VET_FINE + 1; fault <= VET_FOREIGN; fault++)
		ok(vet_says(fault) != NULL && strchr(vet_says(fault), '\n') ==
		    NULL, "fault %d has one line to say", fault);
	is_int(vet_copy(&vet, "http://172.16.1.9:8000", NULL), VET_FOREIGN,
	    "no peer's address over a Unix socket");
	is_int(vet_copy(&vet, "http://127.0.0.8:8000", NULL), VET_FINE,
	    "but a listed one");
	try_denied_peer(&vet);
	try_binary();

	for (size_t i = 0; i < nitems(accounts); i++) {
		is_tool = vet_account(span_str(accounts[i].account),
		    SPAN("tools."), &tool);
		is_int(is_tool, accounts[i].tool != NULL, "account <%s>",
		    accounts[i].account);
		if (is_tool)
			is_span(tool, accounts[i].tool, "its tool");
	}
	return done();
}
