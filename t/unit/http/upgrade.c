/* Only what was asked for, and may be, becomes a tunnel (RFC 9110 7.8). */
#include "http/upgrade.h"

#include <stdlib.h>

#include "http/parse.h"
#include "t/tap.h"

#define GET "GET / HTTP/1.1\r\nHost: a\r\n"
#define ASKS "Connection: Upgrade\r\n"

static const struct {
	const char *what, *head, *asked;
} requests[] = {
	{ "nothing", GET "\r\n", "" },
	{ "a WebSocket", GET ASKS "Upgrade: websocket\r\n\r\n", "websocket" },
	{ "among other options",
	    GET "Connection: keep-alive, upgrade\r\nUpgrade: x/1.0\r\n\r\n",
	    "x/1.0" },
	{ "Connection does not say so", GET "Upgrade: websocket\r\n\r\n", "" },
	{ "no protocol", GET ASKS "\r\n", "" },
	{ "an empty one", GET ASKS "Upgrade: \r\n\r\n", "" },
	{ "two fields", GET ASKS "Upgrade: a\r\nUpgrade: b\r\n\r\n", "" },
	{ "two in a list", GET ASKS "Upgrade: websocket, h2c\r\n\r\n", "" },
	{ "no token", GET ASKS "Upgrade: web socket\r\n\r\n", "" },
	{ "two slashes", GET ASKS "Upgrade: a/b/c\r\n\r\n", "" },
	{ "a long name",
	    GET ASKS "Upgrade: abcdefghijklmnopqrstuvwxyz0123456\r\n\r\n", "" },
	{ "h2c", GET ASKS "Upgrade: H2C\r\n\r\n", "" },
	{ "HTTP/2.0", GET ASKS "Upgrade: HTTP/2.0\r\n\r\n", "" },
	{ "TLS", GET ASKS "Upgrade: TLS/1.2\r\n\r\n", "" },
	{ "HTTP/1.0",
	    "GET / HTTP/1.0\r\nHost: a\r\n" ASKS "Upgrade: websocket\r\n\r\n",
	    "" },
	{ "no body after all",
	    "POST / HTTP/1.1\r\nHost: a\r\n" ASKS
	    "Upgrade: tcp\r\nContent-Length: 0\r\n\r\n", "tcp" },
	{ "a body",
	    "POST / HTTP/1.1\r\nHost: a\r\n" ASKS
	    "Upgrade: tcp\r\nContent-Length: 1\r\n\r\n", "" },
	{ "chunks",
	    "POST / HTTP/1.1\r\nHost: a\r\n" ASKS
	    "Upgrade: tcp\r\nTransfer-Encoding: chunked\r\n\r\n", "" },
	{ "HEAD",
	    "HEAD / HTTP/1.1\r\nHost: a\r\n" ASKS "Upgrade: tcp\r\n\r\n", "" },
};

#define SWITCHES "HTTP/1.1 101 Switching Protocols\r\n"

static const struct {
	const char *what, *asked, *head;
	bool given;
} responses[] = {
	{ "the same", "websocket",
	    SWITCHES ASKS "Upgrade: WebSocket\r\n\r\n", true },
	{ "unasked", "", SWITCHES ASKS "Upgrade: websocket\r\n\r\n", false },
	{ "unasked and unnamed", "", SWITCHES ASKS "Upgrade: \r\n\r\n", false },
	{ "another", "websocket", SWITCHES ASKS "Upgrade: h2c\r\n\r\n", false },
	{ "none", "websocket", SWITCHES ASKS "\r\n", false },
	{ "one more", "websocket",
	    SWITCHES ASKS "Upgrade: websocket, x\r\n\r\n", false },
	{ "Connection does not say so", "websocket",
	    SWITCHES "Upgrade: websocket\r\n\r\n", false },
	{ "from HTTP/1.0", "websocket",
	    "HTTP/1.0 101 x\r\n" ASKS "Upgrade: websocket\r\n\r\n", false },
	{ "not a 101", "websocket",
	    "HTTP/1.1 200 OK\r\n" ASKS "Upgrade: websocket\r\n\r\n", false },
};

int
main(void)
{
	const struct http_limits limits = { 4096, 4096, 4096, 16 };
	struct http_msg *msg = calloc(1, sizeof(*msg));
	size_t scanned;

	for (size_t i = 0; i < nitems(requests); i++) {
		scanned = 0;
		ok(http_parse_request(requests[i].head,
		       strlen(requests[i].head), &scanned, &limits,
		       msg) == HTTP_FINE,
		    "%s: a request", requests[i].what);
		is_span(http_upgrade_asked(msg), requests[i].asked,
		    "  asks for \"%s\"", requests[i].asked);
	}
	for (size_t i = 0; i < nitems(responses); i++) {
		scanned = 0;
		ok(http_parse_response(responses[i].head,
		       strlen(responses[i].head), &scanned, &limits,
		       msg) == HTTP_FINE,
		    "%s: a response", responses[i].what);
		is_int(http_upgrade_given(msg, span_str(responses[i].asked)),
		    responses[i].given, "  gives what was asked for");
	}
	free(msg);
	return done();
}
