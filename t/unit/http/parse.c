/* What is well formed is understood, however it arrives. */
#include "lib/buf.h"
#include "t/unit/http/feed.h"

#define HOST "Host: a\r\n"
#define END  "\r\n"

#define TEN "0123456789"

static const struct http_limits tight = { 40, 200, 60, 10 };

/* The whole meaning in one line: parts in <>, and what follows the head. */
static const char *
describe(bool response, struct span bytes)
{
	static struct buf out;
	const struct http_msg *msg = &feed_msg;

	buf_release(&out);
	buf_init(&out, 65536);
	if (response)
		buf_printf(&out, "1.%u %u <%.*s>", msg->minor, msg->status,
		    SPAN_ARG(msg->reason));
	else
		buf_printf(&out, "%u <%.*s> <%.*s> 1.%u", msg->method,
		    SPAN_ARG(msg->method_text), SPAN_ARG(msg->target),
		    msg->minor);
	for (size_t i = 0; i < msg->nfields; i++)
		buf_printf(&out, " %.*s=<%.*s>", SPAN_ARG(msg->field[i].name),
		    SPAN_ARG(msg->field[i].value));
	buf_printf(&out, " +%zu", bytes.len - msg->head_len);
	buf_append(&out, "", 1);
	return out.data;
}

static const struct {
	const char *what;
	struct span bytes;
	const char *means;
} requests[] = {
	{ "the smallest", BYTES("G / HTTP/1.0\r\n\r\n"), "0 <G> </> 1.0 +0" },
	{ "GET", BYTES("GET / HTTP/1.1\r\n" HOST END), "1 <GET> </> 1.1 Host=<a> +0" },
	{ "HEAD", BYTES("HEAD / HTTP/1.1\r\n" END), "2 <HEAD> </> 1.1 +0" },
	{ "POST", BYTES("POST / HTTP/1.1\r\n" END), "3 <POST> </> 1.1 +0" },
	{ "PUT", BYTES("PUT / HTTP/1.1\r\n" END), "4 <PUT> </> 1.1 +0" },
	{ "DELETE", BYTES("DELETE / HTTP/1.1\r\n" END), "5 <DELETE> </> 1.1 +0" },
	{ "PATCH", BYTES("PATCH / HTTP/1.1\r\n" END), "6 <PATCH> </> 1.1 +0" },
	{ "OPTIONS", BYTES("OPTIONS * HTTP/1.1\r\n" END), "7 <OPTIONS> <*> 1.1 +0" },
	{ "TRACE", BYTES("TRACE / HTTP/1.1\r\n" END), "8 <TRACE> </> 1.1 +0" },
	{ "CONNECT", BYTES("CONNECT a:443 HTTP/1.1\r\n" END), "9 <CONNECT> <a:443> 1.1 +0" },
	{ "methods have case", BYTES("get / HTTP/1.1\r\n" END), "0 <get> </> 1.1 +0" },
	{ "every tchar", BYTES("A!#$%&'*+-.^_`|~09az / HTTP/1.1\r\n" END), "0 <A!#$%&'*+-.^_`|~09az> </> 1.1 +0" },
	{ "29 bytes of method", BYTES("ABCDEFGHIJKLMNOPQRSTUVWXYZ012 / HTTP/1.1\r\n" END), "0 <ABCDEFGHIJKLMNOPQRSTUVWXYZ012> </> 1.1 +0" },
	{ "one empty line first", BYTES("\r\nGET / HTTP/1.1\r\n" HOST END), "1 <GET> </> 1.1 Host=<a> +0" },
	{ "the next request behind", BYTES("GET / HTTP/1.1\r\n" END "GET /2"), "1 <GET> </> 1.1 +6" },
	{ "garbage behind", BYTES("GET / HTTP/1.1\r\n" END "\0\r"), "1 <GET> </> 1.1 +2" },
	{ "absolute form", BYTES("GET http://a/b?c HTTP/1.1\r\n" END), "1 <GET> <http://a/b?c> 1.1 +0" },
	{ "what browsers send raw", BYTES("GET /\"<>\\^`{|}?a|b[0]=' HTTP/1.1\r\n" END), "1 <GET> </\"<>\\^`{|}?a|b[0]='> 1.1 +0" },
	{ "blanks around a value", BYTES("GET / HTTP/1.1\r\nX: \t a  b\t \r\n" END), "1 <GET> </> 1.1 X=<a  b> +0" },
	{ "no blank before a value", BYTES("GET / HTTP/1.1\r\nX:a\r\n" END), "1 <GET> </> 1.1 X=<a> +0" },
	{ "an empty value", BYTES("GET / HTTP/1.1\r\nX:\r\nY: \t\r\n" END), "1 <GET> </> 1.1 X=<> Y=<> +0" },
	{ "a colon first in a value", BYTES("GET / HTTP/1.1\r\nX::a:\r\n" END), "1 <GET> </> 1.1 X=<:a:> +0" },
	{ "obs-text and a tab in a value", BYTES("GET / HTTP/1.1\r\nX: \xc3\xa9\ta\xff\r\n" END), "1 <GET> </> 1.1 X=<\xc3\xa9\ta\xff> +0" },
	{ "every tchar in a name", BYTES("GET / HTTP/1.1\r\n!#$%&'*+-.^_`|~09azAZ: 1\r\n" END), "1 <GET> </> 1.1 !#$%&'*+-.^_`|~09azAZ=<1> +0" },
	{ "fields twice, in their order", BYTES("GET / HTTP/1.1\r\nB: 1\r\nA: 2\r\nb: 3\r\n" END), "1 <GET> </> 1.1 B=<1> A=<2> b=<3> +0" },
	{ "32 connection options, one empty", BYTES("GET / HTTP/1.1\r\nConnection: a,b,c,d,e,f,g,h,i,j,k,l,m,n,o,p\r\nConnection: a,b,c,d,e,f,g,h,i,j,k,l,m,n,,p\r\n" END), "1 <GET> </> 1.1 Connection=<a,b,c,d,e,f,g,h,i,j,k,l,m,n,o,p> Connection=<a,b,c,d,e,f,g,h,i,j,k,l,m,n,,p> +0" },

	/* exactly at the limits */
	{ "a line of 40 bytes", BYTES("GET /" TEN TEN "123456 HTTP/1.1\r\n" END), "1 <GET> </" TEN TEN "123456> 1.1 +0" },
	{ "a field of 60 bytes", BYTES("GET / HTTP/1.1\r\nX: " TEN TEN TEN TEN TEN "1234567\r\n" END), "1 <GET> </> 1.1 X=<" TEN TEN TEN TEN TEN "1234567> +0" },
	{ "10 fields", BYTES("GET / HTTP/1.1\r\na:\r\na:\r\na:\r\na:\r\na:\r\na:\r\na:\r\na:\r\na:\r\na:\r\n" END), "1 <GET> </> 1.1 a=<> a=<> a=<> a=<> a=<> a=<> a=<> a=<> a=<> a=<> +0" },
	{ "a head of 200 bytes", BYTES("GET / HTTP/1.1\r\na: " TEN TEN TEN TEN TEN "\r\nb: " TEN TEN TEN TEN TEN "\r\nc: " TEN TEN TEN TEN TEN "123456\r\nd: 123456\r\n\r\nmore"), "1 <GET> </> 1.1 a=<" TEN TEN TEN TEN TEN "> b=<" TEN TEN TEN TEN TEN "> c=<" TEN TEN TEN TEN TEN "123456> d=<123456> +4" },
};

static const struct {
	const char *what;
	struct span bytes;
	const char *means;
} responses[] = {
	{ "200", BYTES("HTTP/1.1 200 OK\r\n" END), "1.1 200 <OK> +0" },
	{ "HTTP/1.0", BYTES("HTTP/1.0 404 Not Found\r\n" END), "1.0 404 <Not Found> +0" },
	{ "an empty reason", BYTES("HTTP/1.1 200 \r\n" END), "1.1 200 <> +0" },
	{ "no reason, no blank", BYTES("HTTP/1.1 200\r\n" END), "1.1 200 <> +0" },
	{ "a blank and a tab in a reason", BYTES("HTTP/1.1 200  a\tb \r\n" END), "1.1 200 < a\tb > +0" },
	{ "obs-text in a reason", BYTES("HTTP/1.1 404 Nicht verf\xfcgbar\r\n" END), "1.1 404 <Nicht verf\xfcgbar> +0" },
	{ "status 100", BYTES("HTTP/1.1 100 Continue\r\n" END "HTTP/1.1 200 OK\r\n"), "1.1 100 <Continue> +17" },
	{ "status 599", BYTES("HTTP/1.1 599 x\r\n" END), "1.1 599 <x> +0" },
	{ "fields and a body", BYTES("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n" END "hi"), "1.1 200 <OK> Content-Length=<2> +2" },
	{ "a status line of 40 bytes", BYTES("HTTP/1.1 200 " TEN TEN "1234567\r\n" END), "1.1 200 <" TEN TEN "1234567> +0" },
};

static void
test_meaning(void)
{
	for (size_t i = 0; i < nitems(requests); i++) {
		ok(feed_agrees(http_parse_request, requests[i].bytes, &tight),
		    "request: %s: however it is cut", requests[i].what);
		feed_whole(http_parse_request, requests[i].bytes, &tight);
		is_str(describe(false, requests[i].bytes), requests[i].means,
		    "request: %s", requests[i].what);
	}
	for (size_t i = 0; i < nitems(responses); i++) {
		ok(feed_agrees(http_parse_response, responses[i].bytes, &tight),
		    "response: %s: however it is cut", responses[i].what);
		feed_whole(http_parse_response, responses[i].bytes, &tight);
		is_str(describe(true, responses[i].bytes), responses[i].means,
		    "response: %s", responses[i].what);
	}
}

/* One byte of each value in each place: accepted are just the RFC's. */
static void
test_bytes(void)
{
	static const struct {
		const char *what, *begin, *end, *also;
		bool high, alnum;
	} places[] = {
		{ "a method", "G", " / HTTP/1.1\r\n\r\n", " !#$%&'*+-.^_`|~", false, true },
		{ "a name", "GET / HTTP/1.1\r\nX", ":\r\n\r\n", ":!#$%&'*+-.^_`|~", false, true },
		{ "a value", "GET / HTTP/1.1\r\nX: a", "b\r\n\r\n", "\t !\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~", true, true },
		{ "a target", "GET /", " HTTP/1.1\r\n\r\n", "!\"$%&'()*+,-./:;<=>?@[\\]^_`{|}~", false, true },
	};
	char text[64];

	for (size_t i = 0; i < nitems(places); i++) {
		bool right = true;

		for (int c = 0; c < 256; c++) {
			int n = snprintf(text, sizeof(text), "%s%c%s",
			    places[i].begin, c, places[i].end);
			bool alnum = (c >= '0' && c <= '9') ||
			    ((c | 0x20) >= 'a' && (c | 0x20) <= 'z' && c < 128);
			bool want = alnum || (c > 127 && places[i].high) ||
			    (c != 0 && c < 128 && strchr(places[i].also, c));
			bool got = feed_whole(http_parse_request,
			    (struct span){ text, (size_t)n }, &usual) ==
			    HTTP_FINE;

			if (i == 0 && c == ' ')
				want = false; /* an empty target */
			if (got != want) {
				diag("byte 0x%02x", (unsigned)c);
				right = false;
			}
		}
		ok(right, "in %s: just the bytes that belong there",
		    places[i].what);
	}
}

static void
test_index(void)
{
	feed_whole(http_parse_request, SPAN("GET / HTTP/1.1\r\nX: 1\r\n"
	    "HOST: a\r\ncontent-length: 3\r\nContent-Length: 4\r\n\r\n"),
	    &usual);
	is_int(feed_msg.count[FIELD_CONTENT_LENGTH], 2, "both are counted");
	is_span(http_msg_field(&feed_msg, FIELD_CONTENT_LENGTH)->value, "3",
	    "the first is found");
	is_span(http_msg_field(&feed_msg, FIELD_HOST)->value, "a",
	    "in any case");
	ok(http_msg_field(&feed_msg, FIELD_DATE) == NULL, "none is none");
	is_int(feed_msg.field[0].id, FIELD_OTHER, "unknown ones have no id");
	is_int(feed_whole(http_parse_request,
	    SPAN("ABCDEFGHIJKLMNOPQRSTUVWXYZ012345 / HTTP/1.1\r\n\r\n"),
	    &usual), HTTP_FINE, "a method may have 32 bytes");
}

static void
test_trailers(void)
{
	struct span some = SPAN("Sum: 1\r\nX: 2\r\n\r\nGET");

	is_int(feed_whole(http_parse_trailers, some, &usual), HTTP_FINE,
	    "trailers: two");
	is_int((long long)feed_msg.nfields, 2, "trailers: both are there");
	is_int((long long)feed_msg.head_len, 16, "trailers: where they end");
	ok(feed_agrees(http_parse_trailers, some, &usual),
	    "trailers: however they are cut");
	is_int(feed_whole(http_parse_trailers, SPAN("\r\n"), &usual), HTTP_FINE,
	    "trailers: none");
	is_int((long long)feed_msg.nfields, 0, "trailers: none is there");
	is_int(feed_whole(http_parse_trailers, SPAN("\n"), &usual), HTTP_BAD,
	    "trailers: LF for CRLF");
	is_int(feed_whole(http_parse_trailers, SPAN("X : 2\r\n\r\n"), &usual),
	    HTTP_BAD, "trailers: a blank before the colon");
	is_int(feed_whole(http_parse_trailers, SPAN("X: 2\r\n 3\r\n\r\n"),
	    &usual), HTTP_BAD, "trailers: folded");
	is_int(feed_whole(http_parse_trailers, SPAN("a:\r\na:\r\na:\r\n\r\n"),
	    &(struct http_limits){ 0, 200, 60, 2 }), HTTP_HEAD_TOO_LARGE,
	    "trailers: too many");
}

/* A head that comes byte by byte, in the largest size that is allowed. */
static void
test_trickle(void)
{
	static char head[65536];
	static const struct http_limits hard = { 16384, 65536, 16384, 256 };
	size_t len, scanned = 0;
	enum http_fault fault = HTTP_MORE;

	len = (size_t)snprintf(head, sizeof(head), "GET / HTTP/1.1\r\n");
	while (len + 16384 < sizeof(head)) {
		memset(head + len, 'x', 16384);
		memcpy(head + len, "Long:", 5);
		memcpy(head + len + 16382, "\r\n", 2);
		len += 16384;
	}
	memcpy(head + len, "\r\n", 2);
	len += 2;
	for (size_t n = 1; n <= len && fault == HTTP_MORE; n++)
		fault = http_parse_request(head, n, &scanned, &hard, &feed_msg);
	is_int(fault, HTTP_FINE, "48 KiB byte by byte");
	is_int((long long)feed_msg.nfields, 3, "with its fields");
	is_int((long long)feed_msg.head_len, (long long)len, "to its end");
}

int
main(void)
{
	test_meaning();
	test_bytes();
	test_index();
	test_trailers();
	test_trickle();
	return done();
}
