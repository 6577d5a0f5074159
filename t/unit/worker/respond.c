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

int
main(void)
{
	const struct http_limits limits = { 8192, 16384, 8192, 100 };
	struct http_msg *msg = calloc(1, sizeof(*msg));
	struct buf out;

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
