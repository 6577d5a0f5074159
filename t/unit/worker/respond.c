/* What the client gets of a response's head (2-http.md 2.3). */
#include "worker/respond.h"

#include <stdlib.h>

#include "http/parse.h"
#include "t/tap.h"

static const struct {
	const char *what, *head;
	struct respond as;
	const char *sent;
} cases[] = {
	{ "a length", "HTTP/1.1 200 Fine\r\nContent-Length: 05\r\nA: b\r\n\r\n",
	    { .end = BODY_LENGTH, .length = 5, .minor = 1, .keep_alive = true },
	    "HTTP/1.1 200 Fine\r\nA: b\r\nContent-Length: 5\r\n\r\n" },
	{ "chunks", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
	    { .end = BODY_CHUNKED, .minor = 1, .keep_alive = true },
	    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" },
	{ "up to the end of the connection", "HTTP/1.0 200 OK\r\n\r\n",
	    { .end = BODY_CLOSE, .minor = 0 },
	    "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" },
	{ "a HEAD's length stays",
	    "HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n",
	    { .end = BODY_NONE, .minor = 1, .keep_alive = true },
	    "HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n" },
	{ "204 has none", "HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n",
	    { .end = BODY_NONE, .minor = 1, .keep_alive = true },
	    "HTTP/1.1 204 No Content\r\n\r\n" },
	{ "HTTP/1.0 is told that it is kept",
	    "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
	    { .end = BODY_LENGTH, .minor = 0, .keep_alive = true },
	    "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n"
	    "Connection: keep-alive\r\n\r\n" },
	{ "hop-by-hop fields end here",
	    "HTTP/1.1 200 OK\r\nConnection: close, X-A\r\nX-A: 1\r\n"
	    "Keep-Alive: timeout=5\r\nUpgrade: h2c\r\nTrailer: x\r\n"
	    "Proxy-Connection: x\r\nContent-Length: 0\r\nSet-Cookie: a=b\r\n"
	    "Set-Cookie: c=d\r\n\r\n",
	    { .end = BODY_LENGTH, .minor = 1, .keep_alive = true },
	    "HTTP/1.1 200 OK\r\nSet-Cookie: a=b\r\nSet-Cookie: c=d\r\n"
	    "Content-Length: 0\r\n\r\n" },
};

static const struct {
	const char *what, *proto, *location, *sent;
} locations[] = {
	{ "our own host", "https", "http://a.example/x?y#z",
	    "https://a.example/x?y#z" },
	{ "in capitals", "https", "HTTP://A.Example/", "https://A.Example/" },
	{ "without a path", "https", "http://a.example", "https://a.example" },
	{ "with the port that the client asked for", "https",
	    "http://a.example:8443/", "https://a.example:8443/" },
	{ "with another port", "https", "http://a.example:8080/",
	    "http://a.example:8080/" },
	{ "another host", "https", "http://b.example/", "http://b.example/" },
	{ "one that begins like ours", "https", "http://a.example.org/",
	    "http://a.example.org/" },
	{ "a user before it", "https", "http://a.example@b.example/",
	    "http://a.example@b.example/" },
	{ "a query behind it", "https", "http://a.example?x",
	    "https://a.example?x" },
	{ "https already", "https", "https://a.example/",
	    "https://a.example/" },
	{ "a path only", "https", "/x", "/x" },
	{ "no host", "https", "http:///x", "http:///x" },
	{ "a client without TLS", "http", "http://a.example/",
	    "http://a.example/" },
};

static void
test_location(size_t i, struct http_msg *msg)
{
	const struct http_limits limits = { 8192, 16384, 8192, 100 };
	struct http_target target = { .authority = SPAN("a.example:8443") };
	struct trace_source source = { .key = { 1, 2 } };
	struct asked asked;
	struct buf storage;
	size_t scanned = 0;
	char head[256];

	buf_init(&storage, 1024);
	asked_begin(&asked, &source, msg, &target, span_str(locations[i].proto));
	asked_set_host(&asked, SPAN("a.example"));
	snprintf(head, sizeof(head),
	    "HTTP/1.1 302 Found\r\nA: b\r\nLocation: %s\r\n\r\n",
	    locations[i].location);
	ok(http_parse_response(head, strlen(head), &scanned, &limits, msg) ==
	    HTTP_FINE, "Location: %s", locations[i].what);
	respond_location(msg, &asked, &storage);
	is_span(http_msg_field(msg, FIELD_LOCATION)->value, locations[i].sent,
	    "  is sent");
	buf_release(&storage);
}

int
main(void)
{
	const struct http_limits limits = { 8192, 16384, 8192, 100 };
	struct http_msg *msg = calloc(1, sizeof(*msg));
	struct buf out;

	for (size_t i = 0; i < nitems(locations); i++)
		test_location(i, msg);
	buf_init(&out, 4096);
	for (size_t i = 0; i < nitems(cases); i++) {
		struct respond r = cases[i].as;
		size_t scanned = 0;

		r.msg = msg;
		buf_consume(&out, buf_len(&out));
		ok(http_parse_response(cases[i].head, strlen(cases[i].head),
		       &scanned, &limits, msg) == HTTP_FINE,
		    "%s", cases[i].what);
		ok(respond_head(&out, &r), "  is written");
		is_span(buf_span(&out), cases[i].sent, "  as it should be");
	}
	buf_release(&out);
	free(msg);
	return done();
}
