/* Fields are known in any case, and only end-to-end ones go on. */
#include "http/fields.h"

#include "t/unit/http/feed.h"

#define LINE "GET / HTTP/1.1\r\nHost: a\r\n"

static void
test_lookup(void)
{
	static const char *const unknown[] = { "", "x", "hos", "hosts", "xost",
		"tf", "content_length", "content-lengti", "x-forwarded-by",
		"proxy-authorizationx", "a-name-that-is-longer-than-all" };
	char upper[32];
	size_t found = 0;

	for (int id = FIELD_OTHER + 1; id < FIELD_COUNT; id++) {
		struct span name = http_field_name((enum http_field_id)id);

		for (size_t i = 0; i < name.len; i++)
			upper[i] = name.ptr[i] >= 'a' && name.ptr[i] <= 'z'
			    ? (char)(name.ptr[i] - 32) : name.ptr[i];
		if ((int)http_field_lookup(name) == id &&
		    (int)http_field_lookup((struct span){ upper, name.len }) ==
		    id)
			found++;
		else
			diag("not found: %.*s", SPAN_ARG(name));
	}
	is_int((long long)found, FIELD_COUNT - 1, "every field by its name");
	for (size_t i = 0; i < nitems(unknown); i++)
		is_int(http_field_lookup(span_str(unknown[i])), FIELD_OTHER,
		    "unknown: '%s'", unknown[i]);
}

static const struct {
	const char *list, *elements; /* each followed by a bar */
} lists[] = {
	{ "", "" },
	{ " \t", "" },
	{ ",, ,", "" },
	{ "a", "a|" },
	{ "a,b", "a|b|" },
	{ " a , b\t,\tc ", "a|b|c|" },
	{ ",a,,b,", "a|b|" },
	{ "a b, c", "a b|c|" },
	{ "a;p=\"x,y\", b", "a;p=\"x,y\"|b|" },
	{ "\"\", b", "\"\"|b|" },
	{ "a\"b, c", "a\"b|c|" },
	{ "\"a\" \"b, c", "\"a\" \"b|c|" },
};

static void
test_lists(void)
{
	for (size_t i = 0; i < nitems(lists); i++) {
		struct span list = span_str(lists[i].list), element;
		char out[64];
		size_t n = 0;

		out[0] = '\0';
		while (http_list_next(&list, &element))
			n += (size_t)snprintf(out + n, sizeof(out) - n,
			    "%.*s|", SPAN_ARG(element));
		is_str(out, lists[i].elements, "elements of '%s'",
		    lists[i].list);
	}
	feed_whole(http_parse_request, SPAN(LINE "Connection: a, B\r\n"
	    "X: z\r\nConnection: c\r\n\r\n"), &usual);
	ok(http_list_has(&feed_msg, FIELD_CONNECTION, SPAN("A")), "any case");
	ok(http_list_has(&feed_msg, FIELD_CONNECTION, SPAN("b")), "the second");
	ok(http_list_has(&feed_msg, FIELD_CONNECTION, SPAN("c")),
	    "in the second field");
	ok(!http_list_has(&feed_msg, FIELD_CONNECTION, SPAN("z")),
	    "not in another field");
	ok(!http_list_has(&feed_msg, FIELD_UPGRADE, SPAN("a")),
	    "not where there is no field");
}

/* The fields of a request or response; what is passed on. */
static const struct {
	const char *rule, *what;
	struct span fields;
	const char *passed;
} passings[] = {
	{ "9110 7.6.1", "ordinary ones pass", BYTES("Accept: a\r\nX-A: b\r\nCookie: c\r\n"), "Host Accept X-A Cookie" },
	{ "9110 7.6.1", "hop-by-hop ones do not", BYTES("Connection: a\r\nKeep-Alive: a\r\nProxy-Connection: a\r\nTE: a\r\nTrailer: a\r\nTransfer-Encoding: a\r\nUpgrade: a\r\n"), "Host" },
	{ "7540 3.2.1", "nor does HTTP2-Settings", BYTES("HTTP2-Settings: a\r\n"), "Host" },
	{ "9110 11.7", "nor a proxy's password", BYTES("Proxy-Authorization: a\r\nProxy-Authenticate: b\r\n"), "Host" },
	{ "httpoxy", "nor Proxy", BYTES("Proxy: http://a\r\nPROXY: b\r\n"), "Host" },
	{ "9209", "but Proxy-Status does", BYTES("Proxy-Status: a\r\n"), "Host Proxy-Status" },
	{ "2-http.md", "what we write anew does not", BYTES("Content-Length: 1\r\nForwarded: a\r\nX-Forwarded-For: a\r\nX-Forwarded-Host: a\r\nX-Forwarded-Port: a\r\nX-Forwarded-Proto: a\r\nX-Original-URI: a\r\n"), "Host" },
	{ "3875 4.1.18", "nor what CGI takes for it", BYTES("X_Forwarded_For: a\r\nx_forwarded-proto: a\r\nContent_Length: 3\r\nTransfer_Encoding: chunked\r\nX_Y: a\r\n"), "Host X_Y" },
	{ "3875 4.1.18", "nor what lighttpd's does", BYTES("X.Forwarded.For: a\r\nX-Forwarded!Proto: a\r\nx_original~uri: a\r\nX.Y: a\r\nXX-Forwarded-For: a\r\n"), "Host X.Y XX-Forwarded-For" },
	{ "9110 7.6.1", "what Connection names does not", BYTES("Connection: x-a, X-B\r\nX-A: 1\r\nx-b: 2\r\nX-C: 3\r\n"), "Host X-C" },
	{ "9110 7.6.1", "in any of its fields", BYTES("Connection: close\r\nX-A: 1\r\nConnection: X-A\r\n"), "Host" },
	{ "9110 7.6.1", "known ones too", BYTES("Connection: Accept, User-Agent\r\nAccept: a\r\nUser-Agent: b\r\n"), "Host" },
	{ "9110 7.6.1", "but Host stays", BYTES("Connection: host, close\r\n"), "Host" },
	{ "9110 7.6.1", "and what says how to read the content", BYTES("Connection: Content-Type, content-encoding, Content-Range, Cache-Control\r\nContent-Type: a\r\nContent-Encoding: b\r\nContent-Range: c\r\nCache-Control: d\r\n"), "Host Content-Type Content-Encoding Content-Range Cache-Control" },
	{ "9110 7.6.1", "and who asks", BYTES("Connection: cookie, authorization, via, date, expect, set-cookie\r\nCookie: a\r\nAuthorization: b\r\nVia: c\r\nDate: d\r\nExpect: e\r\nSet-Cookie: f\r\n"), "Host Cookie Authorization Via Date Expect Set-Cookie" },
	{ "9110 7.6.1", "a part of a name names nothing", BYTES("Connection: X\r\nX-A: 1\r\n"), "Host X-A" },
};

static void
test_passing(void)
{
	char head[512], out[256];

	for (size_t i = 0; i < nitems(passings); i++) {
		int len = snprintf(head, sizeof(head), LINE "%s\r\n",
		    passings[i].fields.ptr);
		size_t n = 0;

		out[0] = '\0';
		is_int(feed_whole(http_parse_request,
		    (struct span){ head, (size_t)len }, &usual), HTTP_FINE,
		    "%s: is parsed", passings[i].what);
		for (size_t f = 0; f < feed_msg.nfields; f++)
			if (!http_field_is_hop(&feed_msg, &feed_msg.field[f]))
				n += (size_t)snprintf(out + n, sizeof(out) - n,
				    "%s%.*s", n > 0 ? " " : "",
				    SPAN_ARG(feed_msg.field[f].name));
		is_str(out, passings[i].passed, "%s (%s)", passings[i].what,
		    passings[i].rule);
	}
}

static void
test_tokens(void)
{
	ok(http_is_token(SPAN("a-Z_0!#$%&'*+.^`|~")), "a token");
	ok(!http_is_token(SPAN("")), "nothing is none");
	ok(!http_is_token(SPAN("a b")), "nor with a blank");
	ok(!http_is_token(SPAN("a:")), "nor with a colon");
	ok(!http_is_token(SPAN("a\0")), "nor with a NUL");
	ok(!http_is_token(SPAN("\xe9")), "nor with a high byte");
}

int
main(void)
{
	test_lookup();
	test_lists();
	test_passing();
	test_tokens();
	return done();
}
