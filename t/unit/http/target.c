/* Which site and path a request is for has one answer, or none. */
#include "http/target.h"

#include "t/unit/http/feed.h"

#define H "Host: a.org\r\n"

static const struct {
	const char *rule, *what;
	struct span head; /* without its empty line */
	enum target_fault fault;
	const char *authority, *path, *query, *raw;
} cases[] = {
	{ "9112 3.2.1", "origin form", BYTES("GET /b HTTP/1.1\r\n" H), TARGET_FINE, "a.org", "/b", "", "/b" },
	{ "9112 3.2.1", "with a query", BYTES("GET /b?c=d HTTP/1.1\r\n" H), TARGET_FINE, "a.org", "/b", "c=d", "/b?c=d" },
	{ "9112 3.2.1", "with an empty query", BYTES("GET /b? HTTP/1.1\r\n" H), TARGET_FINE, "a.org", "/b", "", "/b?" },
	{ "9112 3.2.1", "with two question marks", BYTES("GET /?a?b HTTP/1.1\r\n" H), TARGET_FINE, "a.org", "/", "a?b", "/?a?b" },
	{ "9112 3.2.1", "two slashes", BYTES("GET //b.org/c HTTP/1.1\r\n" H), TARGET_FINE, "a.org", "//b.org/c", "", "//b.org/c" },
	{ "9112 3.2.1", "dots and escapes stay", BYTES("GET /../%2e%zz HTTP/1.1\r\n" H), TARGET_FINE, "a.org", "/../%2e%zz", "", "/../%2e%zz" },
	{ "9112 3.2", "a port in Host", BYTES("GET / HTTP/1.1\r\nHost: a.org:8080\r\n"), TARGET_FINE, "a.org:8080", "/", "", "/" },
	{ "9112 3.2", "HTTP/1.0 with Host", BYTES("GET / HTTP/1.0\r\n" H), TARGET_FINE, "a.org", "/", "", "/" },
	{ "9112 3.2.2", "absolute form", BYTES("GET http://a.org/b?c HTTP/1.1\r\n" H), TARGET_FINE, "a.org", "/b", "c", "/b?c" },
	{ "9112 3.2.2", "https", BYTES("GET https://a.org/b HTTP/1.1\r\n" H), TARGET_FINE, "a.org", "/b", "", "/b" },
	{ "9112 3.2.2", "in other letters, with a port", BYTES("GET HTTP://A.ORG.:80/b HTTP/1.1\r\n" H), TARGET_FINE, "A.ORG.:80", "/b", "", "/b" },
	{ "9112 3.2.2", "without a path", BYTES("GET http://a.org HTTP/1.1\r\n" H), TARGET_FINE, "a.org", "/", "", "/" },
	{ "9112 3.2.4", "asterisk", BYTES("OPTIONS * HTTP/1.1\r\n" H), TARGET_FINE, "a.org", "*", "", "*" },
	{ "9112 3.2.4", "asterisk in absolute form", BYTES("OPTIONS http://a.org HTTP/1.1\r\n" H), TARGET_FINE, "a.org", "*", "", "*" },
	{ "9112 3.2.4", "OPTIONS of a path", BYTES("OPTIONS /b HTTP/1.1\r\n" H), TARGET_FINE, "a.org", "/b", "", "/b" },

	{ "9112 3.2", "no Host", BYTES("GET / HTTP/1.1\r\n"), TARGET_NO_HOST, "", "", "", "" },
	{ "2-http.md", "no Host in 1.0", BYTES("GET / HTTP/1.0\r\n"), TARGET_NO_HOST, "", "", "", "" },
	{ "9112 3.2", "no Host, absolute form", BYTES("GET http://a.org/ HTTP/1.1\r\n"), TARGET_NO_HOST, "", "", "", "" },
	{ "9112 3.2", "two Hosts", BYTES("GET / HTTP/1.1\r\n" H "Host: b.org\r\n"), TARGET_NO_HOST, "", "", "", "" },
	{ "9112 3.2", "one Host twice", BYTES("GET / HTTP/1.1\r\n" H "host: a.org\r\n"), TARGET_NO_HOST, "", "", "", "" },
	{ "2-http.md", "an empty Host", BYTES("GET / HTTP/1.1\r\nHost:\r\n"), TARGET_NO_HOST, "", "", "", "" },
	{ "9112 3.2", "an invalid Host", BYTES("GET / HTTP/1.1\r\nHost: a/b\r\n"), TARGET_NO_HOST, "", "", "", "" },
	{ "9112 3.2", "a list of Hosts", BYTES("GET / HTTP/1.1\r\nHost: a.org, b.org\r\n"), TARGET_NO_HOST, "", "", "", "" },
	{ "9112 3.2", "an invalid Host, absolute form", BYTES("GET http://a.org/ HTTP/1.1\r\nHost: <a>\r\n"), TARGET_NO_HOST, "", "", "", "" },
	{ "7-security.md", "absolute form for another host", BYTES("GET http://b.org/ HTTP/1.1\r\n" H), TARGET_BAD, "", "", "", "" },
	{ "9110 4.2.4", "userinfo", BYTES("GET http://u@a.org/ HTTP/1.1\r\n" H), TARGET_BAD, "", "", "", "" },
	{ "9110 4.2.4", "userinfo with a colon", BYTES("GET http://a.org:80@b.org/ HTTP/1.1\r\n" H), TARGET_BAD, "", "", "", "" },
	{ "9110 4.2.1", "no authority", BYTES("GET http:///b HTTP/1.1\r\n" H), TARGET_BAD, "", "", "", "" },
	{ "9112 3.2.2", "one slash", BYTES("GET http:/a.org/ HTTP/1.1\r\n" H), TARGET_BAD, "", "", "", "" },
	{ "9112 3.2.2", "backslashes", BYTES("GET http:\\\\a.org/ HTTP/1.1\r\n" H), TARGET_BAD, "", "", "", "" },
	{ "9112 3.2.2", "a backslash ends no authority", BYTES("GET http://a.org\\b HTTP/1.1\r\n" H), TARGET_BAD, "", "", "", "" },
	{ "9112 3.2.2", "a query and no path", BYTES("GET http://a.org?c HTTP/1.1\r\n" H), TARGET_BAD, "", "", "", "" },
	{ "9112 3.2.2", "another scheme", BYTES("GET ftp://a.org/ HTTP/1.1\r\n" H), TARGET_BAD, "", "", "", "" },
	{ "9112 3.2.2", "a WebSocket's scheme", BYTES("GET ws://a.org/ HTTP/1.1\r\n" H), TARGET_BAD, "", "", "", "" },
	{ "9112 3.2.2", "a port that is none", BYTES("GET http://a.org:x/ HTTP/1.1\r\n" H), TARGET_BAD, "", "", "", "" },
	{ "9112 3.2.3", "authority form, not CONNECT", BYTES("GET a.org:80 HTTP/1.1\r\n" H), TARGET_BAD, "", "", "", "" },
	{ "9112 3.2", "no leading slash", BYTES("GET b HTTP/1.1\r\n" H), TARGET_BAD, "", "", "", "" },
	{ "9112 3.2", "a query alone", BYTES("GET ?b HTTP/1.1\r\n" H), TARGET_BAD, "", "", "", "" },
	{ "9112 3.2.4", "asterisk, not OPTIONS", BYTES("GET * HTTP/1.1\r\n" H), TARGET_BAD, "", "", "", "" },
	{ "9112 3.2.4", "asterisk and more", BYTES("OPTIONS *b HTTP/1.1\r\n" H), TARGET_BAD, "", "", "", "" },
	{ "9110 9.3.6", "CONNECT", BYTES("CONNECT a.org:443 HTTP/1.1\r\n" H), TARGET_CONNECT, "", "", "", "" },
	{ "9110 9.3.6", "CONNECT without Host", BYTES("CONNECT / HTTP/1.1\r\n"), TARGET_CONNECT, "", "", "", "" },
};

#define LABEL_63 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define NAME_255 LABEL_63 "." LABEL_63 "." LABEL_63 "." LABEL_63

/* RFC 3986 section 3.2.2; "": refused. */
static const struct {
	struct span given;
	const char *normal;
} hosts[] = {
	{ BYTES("a"), "a" },
	{ BYTES("a.b.org"), "a.b.org" },
	{ BYTES("A.B.Org"), "a.b.org" },
	{ BYTES("a.org."), "a.org" },
	{ BYTES("a.org:80"), "a.org" },
	{ BYTES("a.org.:80"), "a.org" },
	{ BYTES("a.org:"), "a.org" },
	{ BYTES("a.org:0"), "a.org" },
	{ BYTES("a.org:65535"), "a.org" },
	{ BYTES("a.org:00080"), "a.org" },
	{ BYTES("a_b-c.org"), "a_b-c.org" },
	{ BYTES("xn--bcher-kva.example"), "xn--bcher-kva.example" },
	{ BYTES("127.0.0.1:8080"), "127.0.0.1" },
	{ BYTES("[::1]"), "[::1]" },
	{ BYTES("[::1]:80"), "[::1]" },
	{ BYTES("[::1]:"), "[::1]" },
	{ BYTES("[0:0:0:0:0:0:0:1]"), "[::1]" },
	{ BYTES("[2001:DB8::A]:443"), "[2001:db8::a]" },
	{ BYTES("[::ffff:10.0.0.1]"), "[::ffff:10.0.0.1]" },
	{ BYTES(LABEL_63 ".org"), LABEL_63 ".org" },
	{ BYTES(NAME_255), NAME_255 },
	{ BYTES(NAME_255 ".:80"), NAME_255 },

	{ BYTES(""), "" },
	{ BYTES("."), "" },
	{ BYTES(".."), "" },
	{ BYTES("a.org.."), "" },
	{ BYTES(".a.org"), "" },
	{ BYTES("a..b"), "" },
	{ BYTES(":80"), "" },
	{ BYTES(".:80"), "" },
	{ BYTES("a:80:80"), "" },
	{ BYTES("a:b"), "" },
	{ BYTES("a:80b"), "" },
	{ BYTES("a:-1"), "" },
	{ BYTES("a:+1"), "" },
	{ BYTES("a: 80"), "" },
	{ BYTES("a :80"), "" },
	{ BYTES("a:65536"), "" },
	{ BYTES("a:4294967376"), "" },
	{ BYTES("a:18446744073709551696"), "" },
	{ BYTES("a?x"), "" },
	{ BYTES("a#x"), "" },
	{ BYTES("a/x"), "" },
	{ BYTES("a\\x"), "" },
	{ BYTES("<a>"), "" },
	{ BYTES("\"a\""), "" },
	{ BYTES("a b"), "" },
	{ BYTES("a\tb"), "" },
	{ BYTES("a,b"), "" },
	{ BYTES("a;b"), "" },
	{ BYTES("a@b"), "" },
	{ BYTES("u:p@b"), "" },
	{ BYTES("a*b"), "" },
	{ BYTES("a!b"), "" },
	{ BYTES("a%2eb"), "" },
	{ BYTES("%61.org"), "" },
	{ BYTES("a\0b"), "" },
	{ BYTES("b\xc3\xbc" "cher.example"), "" },
	{ BYTES("[]"), "" },
	{ BYTES("["), "" },
	{ BYTES("]"), "" },
	{ BYTES("[zz]"), "" },
	{ BYTES("[::1"), "" },
	{ BYTES("::1"), "" },
	{ BYTES("[::1]a"), "" },
	{ BYTES("[::1]80"), "" },
	{ BYTES("[::1]:x"), "" },
	{ BYTES("[::1]:80:80"), "" },
	{ BYTES("[::1]]"), "" },
	{ BYTES("[[::1]]"), "" },
	{ BYTES("[::1%eth0]"), "" },
	{ BYTES("[fe80::1%25eth0]"), "" },
	{ BYTES("[v1.a]"), "" },
	{ BYTES("[127.0.0.1]"), "" },
	{ BYTES("[::1\0]"), "" },
	{ BYTES("[1:2:3:4:5:6:7:8:9]"), "" },
	{ BYTES("a[::1]"), "" },
	{ BYTES(LABEL_63 "a.org"), "" },
	{ BYTES(NAME_255 "a"), "" },
	{ BYTES("a." NAME_255), "" },
};

int
main(void)
{
	char head[512], normal[HOST_NAME_MAX_DNS + 1];
	struct http_target t;
	size_t len;

	for (size_t i = 0; i < nitems(cases); i++) {
		int n = snprintf(head, sizeof(head), "%s\r\n",
		    cases[i].head.ptr);

		is_int(feed_whole(http_parse_request,
		    (struct span){ head, (size_t)n }, &usual), HTTP_FINE,
		    "%s: is parsed", cases[i].what);
		is_int(http_target(&feed_msg, &t), cases[i].fault, "%s (%s)",
		    cases[i].what, cases[i].rule);
		if (cases[i].fault != TARGET_FINE)
			continue;
		is_span(t.authority, cases[i].authority, "authority");
		is_span(t.path, cases[i].path, "path");
		is_span(t.query, cases[i].query, "query");
		is_span(t.raw, cases[i].raw, "as it goes on");
	}
	for (size_t i = 0; i < nitems(hosts); i++) {
		bool valid = http_host_normalize(hosts[i].given, normal, &len);

		is_str(valid ? normal : "", hosts[i].normal, "host '%.*s'",
		    SPAN_ARG(hosts[i].given));
		if (valid)
			is_int((long long)len, (long long)strlen(normal),
			    "and its length");
	}
	return done();
}
