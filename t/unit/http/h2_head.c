/* An HTTP/2 request is one that HTTP/1.1 can say, or it is refused. */
#include "http/h2_head.h"

#include "http/target.h"
#include "t/tap.h"

/* Bytes with their length: NUL is a byte like others. */
#define BYTES(literal) { (literal), sizeof(literal) - 1 }

/* A block as a literal: its parts can hold any other byte. */
#define F(name, value) name "\x1f" value "\x1e"
#define GET F(":method", "GET") F(":scheme", "https")
#define REQ GET F(":path", "/") F(":authority", "a.org")
#define POST                                                                   \
	F(":method", "POST")                                                   \
	F(":scheme", "https") F(":path", "/") F(":authority", "a.org")
#define WS                                                                     \
	F(":method", "CONNECT")                                                \
	F(":scheme", "https")                                                  \
	F(":path", "/chat") F(":authority", "a.org") F(":protocol", "websocket")

#define VALUE_64                                                               \
	"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define VALUE_128 VALUE_64 VALUE_64
#define VALUE_256 VALUE_128 VALUE_128

static const struct http_limits limits = {
	.line = 128, .head = 2048, .field = 256, .fields = 16
};

static struct http_msg msg;
static struct h2_request request;

/* False: the connection is to be ended. */
static bool
take(struct h2_head *h, struct span block)
{
	h2_head_begin(h, &limits);
	while (block.len > 0) {
		const char *mid = memchr(block.ptr, '\x1f', block.len);
		const char *end = memchr(block.ptr, '\x1e', block.len);

		if (!h2_head_add(h, &limits,
			(struct span){ block.ptr, (size_t)(mid - block.ptr) },
			(struct span){
			    mid + 1, (size_t)(end - mid - 1) }))
			return false;
		block = span_from(block, (size_t)(end + 1 - block.ptr));
	}
	return true;
}

static enum h2_fault
parse(struct h2_head *h, struct span block, bool ended)
{
	take(h, block);
	return h2_head_request(
	    h, ended, "dGhlIHNhbXBsZSBub25jZQ==", &msg, &request);
}

static const struct {
	const char *rule, *what;
	struct span block;
	enum h2_fault fault;
} refused[] = {
	/* pseudo-fields */
	{ "8.3.1", "no :method", BYTES(F(":scheme", "https") F(":path", "/") F(":authority", "a.org")), H2_MALFORMED },
	{ "8.3.1", "no :scheme", BYTES(F(":method", "GET") F(":path", "/") F(":authority", "a.org")), H2_MALFORMED },
	{ "8.3.1", "no :path", BYTES(GET F(":authority", "a.org")), H2_MALFORMED },
	{ "8.3.1", "an empty :path", BYTES(GET F(":path", "") F(":authority", "a.org")), H2_MALFORMED },
	{ "8.3.1", "two :method", BYTES(F(":method", "GET") REQ), H2_MALFORMED },
	{ "8.3.1", "two :path", BYTES(REQ F(":path", "/")), H2_MALFORMED },
	{ "8.3.1", "two :scheme", BYTES(REQ F(":scheme", "https")), H2_MALFORMED },
	{ "8.3.1", "two :authority", BYTES(REQ F(":authority", "a.org")), H2_MALFORMED },
	{ "8.3", "an unknown one", BYTES(REQ F(":version", "2")), H2_MALFORMED },
	{ "8.3", ":status in a request", BYTES(REQ F(":status", "200")), H2_MALFORMED },
	{ "8.3", "a lone colon", BYTES(REQ F(":", "x")), H2_MALFORMED },
	{ "8.3", "one behind a field", BYTES(GET F("x", "y") F(":path", "/") F(":authority", "a.org")), H2_MALFORMED },
	{ "8.3", "in capitals", BYTES(REQ F(":Method", "GET")), H2_MALFORMED },
	{ "8441 3", ":protocol, not CONNECT", BYTES(REQ F(":protocol", "websocket")), H2_MALFORMED },
	{ "8.5", "CONNECT with :path", BYTES(F(":method", "CONNECT") F(":path", "/") F(":authority", "a.org")), H2_MALFORMED },
	{ "8.5", "CONNECT without :authority", BYTES(F(":method", "CONNECT")), H2_MALFORMED },
	{ "8441 4", "a protocol that is none of ours", BYTES(F(":method", "CONNECT") F(":scheme", "https") F(":path", "/") F(":authority", "a.org") F(":protocol", "connect-udp")), H2_BAD },
	{ "8441 4", "a WebSocket with a length", BYTES(WS F("content-length", "5")), H2_MALFORMED },

	/* what would make another request of it in HTTP/1.1 */
	{ "8.2.1", "CR in a value", BYTES(REQ F("x", "a\rb")), H2_MALFORMED },
	{ "8.2.1", "LF in a value", BYTES(REQ F("x", "a\nb")), H2_MALFORMED },
	{ "8.2.1", "NUL in a value", BYTES(REQ F("x", "a\0b")), H2_MALFORMED },
	{ "8.2.1", "CRLF and a field in a value", BYTES(REQ F("x", "a\r\nhost: b.org")), H2_MALFORMED },
	{ "8.2.1", "CRLF in :path", BYTES(GET F(":path", "/ HTTP/1.1\r\nx: y") F(":authority", "a.org")), H2_MALFORMED },
	{ "8.2.1", "LF in :path", BYTES(GET F(":path", "/\n") F(":authority", "a.org")), H2_MALFORMED },
	{ "8.2.1", "CRLF in :method", BYTES(F(":method", "GET / HTTP/1.1\r\nx: y") F(":scheme", "https") F(":path", "/") F(":authority", "a.org")), H2_MALFORMED },
	{ "8.2.1", "CRLF in :authority", BYTES(GET F(":path", "/") F(":authority", "a.org\r\nx: y")), H2_MALFORMED },
	{ "8.2.1", "CRLF in :scheme", BYTES(F(":method", "GET") F(":scheme", "https\r\n") F(":path", "/") F(":authority", "a.org")), H2_MALFORMED },
	{ "8.2.1", "CRLF in :protocol", BYTES(F(":method", "CONNECT") F(":scheme", "https") F(":path", "/") F(":authority", "a.org") F(":protocol", "websocket\r\nx: y")), H2_MALFORMED },
	{ "9110 5.5", "DEL in a value", BYTES(REQ F("x", "a\x7f")), H2_MALFORMED },
	{ "8.2.1", "a blank first in a value", BYTES(REQ F("x", " a")), H2_MALFORMED },
	{ "8.2.1", "a tab last in a value", BYTES(REQ F("x", "a\t")), H2_MALFORMED },
	{ "8.2.1", "an empty name", BYTES(REQ F("", "a")), H2_MALFORMED },
	{ "8.2.1", "a capital in a name", BYTES(REQ F("xY", "a")), H2_MALFORMED },
	{ "8.2.1", "a blank in a name", BYTES(REQ F("x y", "a")), H2_MALFORMED },
	{ "8.2.1", "a colon in a name", BYTES(REQ F("x:", "a")), H2_MALFORMED },
	{ "8.2.1", "CRLF in a name", BYTES(REQ F("x: y\r\nz", "a")), H2_MALFORMED },
	{ "8.2.1", "NUL in a name", BYTES(REQ F("x\0y", "a")), H2_MALFORMED },
	{ "8.2.1", "0x80 in a name", BYTES(REQ F("x\x80", "a")), H2_MALFORMED },
	{ "8.3.1", "an empty method", BYTES(F(":method", "") F(":scheme", "https") F(":path", "/") F(":authority", "a.org")), H2_MALFORMED },
	{ "9110 9.1", "a blank in the method", BYTES(F(":method", "GET /x") F(":scheme", "https") F(":path", "/") F(":authority", "a.org")), H2_MALFORMED },
	{ "7.5", "a long method", BYTES(F(":method", "ABCDEFGHIJKLMNOPQRSTUVWXYZABCDEFG") F(":scheme", "https") F(":path", "/") F(":authority", "a.org")), H2_BAD },
	{ "9112 3.2", "a blank in the path", BYTES(GET F(":path", "/a b") F(":authority", "a.org")), H2_BAD },
	{ "9112 3.2", "a request line in the path", BYTES(GET F(":path", "/ HTTP/1.1") F(":authority", "a.org")), H2_BAD },
	{ "3986 3.5", "a fragment", BYTES(GET F(":path", "/#a") F(":authority", "a.org")), H2_BAD },
	{ "3986 2", "0x80 in the path", BYTES(GET F(":path", "/\x80") F(":authority", "a.org")), H2_BAD },
	{ "8.3.1", "a path without its slash", BYTES(GET F(":path", "a") F(":authority", "a.org")), H2_BAD },
	{ "8.3.1", "an absolute path", BYTES(GET F(":path", "https://b.org/") F(":authority", "a.org")), H2_BAD },
	{ "8.3.1", "* and GET", BYTES(GET F(":path", "*") F(":authority", "a.org")), H2_BAD },
	{ "8.3.1", "http on a TLS connection", BYTES(F(":method", "GET") F(":scheme", "http") F(":path", "/") F(":authority", "a.org")), H2_BAD },
	{ "8.3.1", "another scheme", BYTES(F(":method", "GET") F(":scheme", "ftp") F(":path", "/") F(":authority", "a.org")), H2_BAD },

	/* whose request it is, how long it is */
	{ "8.3.1", "Host for another", BYTES(REQ F("host", "b.org")), H2_MALFORMED },
	{ "8.3.1", "Host with another port", BYTES(REQ F("host", "a.org:1")), H2_MALFORMED },
	{ "8.3.1", "two Hosts", BYTES(GET F(":path", "/") F("host", "a.org") F("host", "a.org")), H2_MALFORMED },
	{ "8.3.1", "two Hosts, unlike", BYTES(GET F(":path", "/") F("host", "a.org") F("host", "b.org")), H2_MALFORMED },
	{ "8.2.2", "Connection", BYTES(REQ F("connection", "close")), H2_MALFORMED },
	{ "8.2.2", "Keep-Alive", BYTES(REQ F("keep-alive", "1")), H2_MALFORMED },
	{ "8.2.2", "Proxy-Connection", BYTES(REQ F("proxy-connection", "close")), H2_MALFORMED },
	{ "8.2.2", "Upgrade", BYTES(REQ F("upgrade", "h2c")), H2_MALFORMED },
	{ "8.2.2", "Transfer-Encoding", BYTES(REQ F("transfer-encoding", "chunked")), H2_MALFORMED },
	{ "8.2.2", "Transfer-Encoding: identity", BYTES(REQ F("transfer-encoding", "identity")), H2_MALFORMED },
	{ "8.2.2", "TE: gzip", BYTES(REQ F("te", "gzip")), H2_MALFORMED },
	{ "8.2.2", "TE: trailers, gzip", BYTES(REQ F("te", "trailers, gzip")), H2_MALFORMED },
	{ "8.1.1", "a length, and no body", BYTES(POST F("content-length", "5")), H2_MALFORMED },
	{ "8.1.1", "two lengths, alike", BYTES(POST F("content-length", "0") F("content-length", "0")), H2_MALFORMED },
	{ "8.1.1", "a length of +0", BYTES(POST F("content-length", "+0")), H2_MALFORMED },
	{ "8.1.1", "a length of 0, 0", BYTES(POST F("content-length", "0, 0")), H2_MALFORMED },
	{ "8.1.1", "an empty length", BYTES(POST F("content-length", "")), H2_MALFORMED },
	{ "8.1.1", "a length of 2^63", BYTES(POST F("content-length", "9223372036854775808")), H2_MALFORMED },
	{ "7.5", "a field too long", BYTES(REQ F("x", VALUE_256)), H2_TOO_LARGE },
	{ "7.5", "too many fields", BYTES(REQ F("a", "") F("a", "") F("a", "") F("a", "") F("a", "") F("a", "") F("a", "") F("a", "") F("a", "") F("a", "") F("a", "") F("a", "") F("a", "") F("a", "") F("a", "") F("a", "") F("a", "")), H2_TOO_LARGE },
	{ "7.5", "too many crumbs", BYTES(REQ F("cookie", "") F("cookie", "") F("cookie", "") F("cookie", "") F("cookie", "") F("cookie", "") F("cookie", "") F("cookie", "") F("cookie", "") F("cookie", "") F("cookie", "") F("cookie", "") F("cookie", "") F("cookie", "") F("cookie", "") F("cookie", "") F("cookie", "")), H2_TOO_LARGE },
	{ "7.5", "a path too long", BYTES(GET F(":path", "/" VALUE_128) F(":authority", "a.org")), H2_TARGET_TOO_LONG },
};

static void
test_refused(void)
{
	struct h2_head h = { .fields = 0 };

	for (size_t i = 0; i < nitems(refused); i++)
		is_int(parse(&h, refused[i].block, true), refused[i].fault,
		    "%s (%s)", refused[i].what, refused[i].rule);
	h2_head_release(&h);
}

/* The field's value as text, or "(none)". */
static const char *
value_of(const char *name)
{
	static char text[512];

	for (size_t i = 0; i < msg.nfields; i++)
		if (span_eq_nocase(msg.field[i].name, span_str(name))) {
			snprintf(text, sizeof(text), "%.*s",
			    SPAN_ARG(msg.field[i].value));
			return text;
		}
	return "(none)";
}

static void
test_plain(void)
{
	struct h2_head h = { .fields = 0 };

	is_int(parse(&h, SPAN(REQ F("x-y", "z") F("te", "trailers")), true),
	    H2_FINE, "a request");
	is_span(msg.method_text, "GET", "its method");
	is_int(msg.method, HTTP_GET, "which is known");
	is_span(msg.target, "/", "its target");
	is_span((struct span){ msg.method_text.ptr, 14 }, "GET / HTTP/2.0",
	    "its line, for the log");
	is_str(value_of("host"), "a.org", ":authority is the Host");
	is_str(value_of("x-y"), "z", "its fields");
	is_int(request.end, BODY_NONE, "no body");
	is_int((long long)msg.nfields, 3, "and nothing else");

	is_int(parse(&h, SPAN(REQ F("host", "A.org")), true), H2_FINE,
	    "Host that agrees");
	is_int(msg.count[FIELD_HOST], 1, "is there once");
	is_int(parse(&h, SPAN(GET F(":path", "/") F("host", "b.org")), true),
	    H2_FINE, "Host alone");
	is_str(value_of("host"), "b.org", "counts");
	is_int(parse(&h, SPAN(GET F(":path", "/")), true), H2_FINE,
	    "no host at all");
	is_int(msg.count[FIELD_HOST], 0, "is found out later");

	is_int(parse(&h,
		   SPAN(REQ F("cookie", "a=1") F("x", "y") F("cookie", "b=2")),
		   true),
	    H2_FINE, "crumbs");
	is_str(value_of("cookie"), "a=1; b=2", "are one Cookie");
	is_int(msg.count[FIELD_COOKIE], 1, "only one");
	is_int(
	    parse(&h, SPAN(REQ F("x_forwarded_for", "1.2.3.4")), true),
	    H2_FINE, "an underscore");
	is_int(msg.field[1].ours, false, "is not ours: it can be dropped");
	h2_head_release(&h);
}

static void
test_bodies(void)
{
	struct h2_head h = { .fields = 0 };

	is_int(parse(&h, SPAN(POST), false), H2_FINE, "a body");
	is_int(request.end, BODY_CHUNKED, "of unknown length");
	is_int(parse(&h, SPAN(POST F("content-length", "5")), false), H2_FINE,
	    "a body");
	is_int(request.end, BODY_LENGTH, "of a length");
	is_int((long long)request.length, 5, "that it says");
	is_int(parse(&h, SPAN(POST F("content-length", "0")), true), H2_FINE,
	    "an empty one");
	is_int(request.end, BODY_LENGTH, "that says so");
	is_int(parse(&h,
		   SPAN(F(":method", "OPTIONS") F(":scheme", "https")
			   F(":path", "*") F(":authority", "a.org")),
		   true),
	    H2_FINE, "OPTIONS *");
	h2_head_release(&h);
}

static void
test_connect(void)
{
	struct h2_head h = { .fields = 0 };
	struct http_target target;

	is_int(parse(&h,
		   SPAN(F(":method", "CONNECT") F(":authority", "a.org:443")),
		   false),
	    H2_FINE, "CONNECT");
	is_int(http_target(&msg, &target), TARGET_CONNECT,
	    "is refused as in HTTP/1.1");

	is_int(parse(&h,
		   SPAN(WS F("sec-websocket-version", "13")
			   F("sec-websocket-key", "mine")),
		   false),
	    H2_FINE, "a WebSocket");
	is_int(request.tunnel, true, "is a tunnel");
	is_int(msg.method, HTTP_GET, "is a GET");
	is_span(msg.method_text, "GET", "for the backend, too");
	is_span(msg.target, "/chat", "of its path");
	is_str(value_of("upgrade"), "websocket", "with an Upgrade");
	is_str(value_of("connection"), "upgrade", "that Connection names");
	is_str(value_of("sec-websocket-key"), "dGhlIHNhbXBsZSBub25jZQ==",
	    "and a key of ours");
	is_str(value_of("sec-websocket-version"), "13", "and its version");
	h2_head_release(&h);
}

static void
test_trailers(void)
{
	struct h2_head h = { .fields = 0 };

	take(&h, SPAN(F("x-sum", "1")));
	is_int(h2_head_trailers(&h, &msg), H2_FINE, "trailers");
	is_str(value_of("x-sum"), "1", "are fields");
	take(&h, SPAN(F(":path", "/")));
	is_int(h2_head_trailers(&h, &msg), H2_MALFORMED,
	    "but no pseudo-fields (8.1)");
	take(&h, SPAN(F("transfer-encoding", "chunked")));
	is_int(h2_head_trailers(&h, &msg), H2_MALFORMED,
	    "nor connection-specific ones (8.2.2)");
	h2_head_release(&h);
}

static void
test_bomb(void)
{
	struct h2_head h = { .fields = 0 };
	int n = 0;

	h2_head_begin(&h, &limits);
	while (n < 1000000 &&
	       h2_head_add(&h, &limits, SPAN("x"), SPAN("y")))
		n++;
	is_int(n < 16 * 2048 / 34, true,
	    "fields without end: enough after %d", n);
	is_int(h.bytes.tail < 2048, true, "and few of them were kept");
	h2_head_release(&h);
}

static void
test_priority(void)
{
	static const struct {
		struct span value;
		unsigned urgency;
		bool incremental;
	} cases[] = {
		{ BYTES("u=0"), 0, false },
		{ BYTES("u=7, i"), 7, true },
		{ BYTES("i=?1 , u=1"), 1, true },
		{ BYTES("i, i=?0"), 3, false },
		{ BYTES("u=8"), 3, false },
		{ BYTES("u=1;x=2"), 1, false },
		{ BYTES("u=-1, u=10, a, \"u=1\""), 3, false },
		{ BYTES(""), 3, false },
	};

	for (size_t i = 0; i < nitems(cases); i++) {
		struct h2_request r = { .urgency = 3, .incremental = true };

		h2_priority(cases[i].value, &r);
		is_int(r.urgency, cases[i].urgency, "urgency of %.*s",
		    SPAN_ARG(cases[i].value));
		is_int(r.incremental, cases[i].incremental,
		    "incremental or not");
	}
}

int
main(void)
{
	test_refused();
	test_plain();
	test_bodies();
	test_connect();
	test_trailers();
	test_bomb();
	test_priority();
	return done();
}
