/* A PROXY header names the client, or the connection is closed. */
#include "worker/proxy_protocol.h"

#include "t/tap.h"

#define V2 "\r\n\r\n\0\r\nQUIT\n"
#define BYTES(literal) { literal, sizeof(literal) - 1 }

static const struct {
	const char *what;
	struct span bytes;
	enum proxy_header is;
	const char *client; /* PROXY_CLIENT only */
	size_t rest;	    /* bytes behind it */
} cases[] = {
	{ "IPv4", BYTES("PROXY TCP4 192.0.2.1 10.0.0.1 40000 80\r\nGET"),
	    PROXY_CLIENT, "192.0.2.1", 3 },
	{ "IPv6", BYTES("PROXY TCP6 2001:db8::1 ::1 1 65535\r\n"),
	    PROXY_CLIENT, "2001:db8::1", 0 },
	{ "unknown", BYTES("PROXY UNKNOWN\r\nGET"), PROXY_UNSAID, NULL, 3 },
	{ "unknown with words", BYTES("PROXY UNKNOWN a b c\r\n"),
	    PROXY_UNSAID, NULL, 0 },
	{ "no header", BYTES("GET / HTTP/1.1\r\n"), PROXY_BAD, NULL, 0 },
	{ "lower case", BYTES("proxy TCP4 1.2.3.4 1.2.3.4 1 1\r\n"), PROXY_BAD,
	    NULL, 0 },
	{ "another family", BYTES("PROXY UDP4 1.2.3.4 1.2.3.4 1 1\r\n"),
	    PROXY_BAD, NULL, 0 },
	{ "families mixed", BYTES("PROXY TCP4 ::1 1.2.3.4 1 1\r\n"), PROXY_BAD,
	    NULL, 0 },
	{ "and the other way", BYTES("PROXY TCP6 1.2.3.4 ::1 1 1\r\n"),
	    PROXY_BAD, NULL, 0 },
	{ "a bad address", BYTES("PROXY TCP4 1.2.3.400 1.2.3.4 1 1\r\n"),
	    PROXY_BAD, NULL, 0 },
	{ "a bad port", BYTES("PROXY TCP4 1.2.3.4 1.2.3.4 1 65536\r\n"),
	    PROXY_BAD, NULL, 0 },
	{ "a port with a zero", BYTES("PROXY TCP4 1.2.3.4 1.2.3.4 01 1\r\n"),
	    PROXY_BAD, NULL, 0 },
	{ "a word too many", BYTES("PROXY TCP4 1.2.3.4 1.2.3.4 1 1 1\r\n"),
	    PROXY_BAD, NULL, 0 },
	{ "a word too few", BYTES("PROXY TCP4 1.2.3.4 1.2.3.4 1\r\n"),
	    PROXY_BAD, NULL, 0 },
	{ "two spaces", BYTES("PROXY TCP4  1.2.3.4 1.2.3.4 1 1\r\n"), PROXY_BAD,
	    NULL, 0 },
	{ "bare LF", BYTES("PROXY TCP4 1.2.3.4 1.2.3.4 1 1\n"), PROXY_BAD, NULL,
	    0 },
	{ "a long line",
	    BYTES("PROXY UNKNOWN aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
		  "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"),
	    PROXY_BAD, NULL, 0 },

	{ "v2 IPv4",
	    BYTES(V2 "\x21\x11\0\x0c\xc0\0\2\1\x0a\0\0\1\x9c\x40\0\x50GET"),
	    PROXY_CLIENT, "192.0.2.1", 3 },
	{ "v2 IPv4 with extensions",
	    BYTES(V2 "\x21\x11\0\x10\xc0\0\2\1\x0a\0\0\1\x9c\x40\0\x50\4\0\1x"),
	    PROXY_CLIENT, "192.0.2.1", 0 },
	{ "v2 IPv6",
	    BYTES(V2 "\x21\x21\0\x24\x20\1\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\1"
		     "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1\0\1\0\2"),
	    PROXY_CLIENT, "2001:db8::1", 0 },
	{ "v2 IPv4 in IPv6",
	    BYTES(V2 "\x21\x21\0\x24\0\0\0\0\0\0\0\0\0\0\xff\xff\xc0\0\2\1"
		     "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1\0\1\0\2"),
	    PROXY_CLIENT, "192.0.2.1", 0 },
	{ "v2 local", BYTES(V2 "\x20\0\0\0GET"), PROXY_UNSAID, NULL, 3 },
	{ "v2 of no family", BYTES(V2 "\x21\0\0\1x"), PROXY_UNSAID, NULL, 0 },
	{ "v2 UDP", BYTES(V2 "\x21\x12\0\x0c\1\2\3\4\1\2\3\4\0\1\0\2"),
	    PROXY_BAD, NULL, 0 },
	{ "v2 too short", BYTES(V2 "\x21\x11\0\4\1\2\3\4"), PROXY_BAD, NULL, 0 },
	{ "v2 too long", BYTES(V2 "\x21\x11\xff\xff"), PROXY_BAD, NULL, 0 },
	{ "version 3", BYTES(V2 "\x31\x11\0\0"), PROXY_BAD, NULL, 0 },
	{ "another command", BYTES(V2 "\x22\x11\0\0"), PROXY_BAD, NULL, 0 },
	{ "half a signature, then text", BYTES("\r\n\r\nGET"), PROXY_BAD, NULL,
	    0 },
};

int
main(void)
{
	char text[INET6_ADDRSTRLEN];

	for (size_t i = 0; i < nitems(cases); i++) {
		struct span bytes = cases[i].bytes;
		struct ip client;
		size_t used = 0, whole = bytes.len - cases[i].rest;

		ok(proxy_parse(bytes, &used, &client) == cases[i].is, "%s",
		    cases[i].what);
		if (cases[i].is == PROXY_BAD)
			continue;
		is_int((long long)used, (long long)whole, "  its length");
		if (cases[i].client != NULL)
			is_str(ip_format(&client, text), cases[i].client,
			    "  the client");
		for (bytes.len = 0; bytes.len < whole; bytes.len++)
			if (proxy_parse(bytes, &used, &client) != PROXY_MORE)
				break;
		is_int((long long)bytes.len, (long long)whole,
		    "  no byte sooner");
	}
	return done();
}
