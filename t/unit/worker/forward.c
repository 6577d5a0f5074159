/* What the backend gets of a request's head (2-http.md 2.3). */
#include "worker/forward.h"

#include <stdlib.h>

#include "http/parse.h"
#include "t/tap.h"

#define OURS \
	"X-Forwarded-Host: alpha.example.org\r\n" \
	"X-Forwarded-Port: 8080\r\n" \
	"X-Forwarded-Proto: http\r\n"
#define ID "req-0123456789"
#define TRACE_ID "4bf92f3577b34da6a3ce929d0e0e4736"
#define NEW_ID "nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn" /* see mask() */
#define OUR_SPAN "ssssssssssssssss"
#define TRACED(id, flags) \
	"X-Request-Id: " ID "\r\n" \
	"traceparent: 00-" id "-" OUR_SPAN "-" flags "\r\n"
#define TRACE TRACED(NEW_ID, "00")
#define HOST "Host: Alpha.example.org:8080\r\n"

static const struct {
	const char *what, *head, *forwarded;
} cases[] = {
	{ "a plain one",
	    "GET /a?b=c HTTP/1.1\r\n" HOST "User-Agent: x\r\n\r\n",
	    "GET /a?b=c HTTP/1.1\r\n" HOST "User-Agent: x\r\n" OURS
	    "X-Original-URI: /a?b=c\r\n" TRACE "Via: 1.1 dynproxy\r\n\r\n" },
	{ "hop-by-hop fields end here, but for trailers, which pass",
	    "GET / HTTP/1.1\r\n" HOST
	    "Connection: close, X-Mine\r\nX-Mine: 1\r\nKeep-Alive: 5\r\n"
	    "TE: trailers\r\nUpgrade: websocket\r\nProxy-Connection: x\r\n"
	    "Proxy: http://evil/\r\nX-Other: 2\r\n\r\n",
	    "GET / HTTP/1.1\r\n" HOST "X-Other: 2\r\n"
	    "Connection: TE\r\nTE: trailers\r\n" OURS
	    "X-Original-URI: /\r\n" TRACE "Via: 1.1 dynproxy\r\n\r\n" },
	{ "a client's own copies are dropped",
	    "GET / HTTP/1.1\r\n" HOST
	    "X-Forwarded-For: 1.2.3.4\r\nx-forwarded-host: evil\r\n"
	    "X-Forwarded-Port: 1\r\nX-Forwarded-Proto: gopher\r\n"
	    "X-Original-URI: /evil\r\nForwarded: for=1.2.3.4\r\n\r\n",
	    "GET / HTTP/1.1\r\n" HOST OURS
	    "X-Original-URI: /\r\n" TRACE "Via: 1.1 dynproxy\r\n\r\n" },
	{ "a length is written anew",
	    "POST / HTTP/1.1\r\n" HOST "Content-Length: 0007\r\n\r\n",
	    "POST / HTTP/1.1\r\n" HOST "Content-Length: 7\r\n" OURS
	    "X-Original-URI: /\r\n" TRACE "Via: 1.1 dynproxy\r\n\r\n" },
	{ "chunked too",
	    "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: CHUNKED\r\n\r\n",
	    "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n" OURS
	    "X-Original-URI: /\r\n" TRACE "Via: 1.1 dynproxy\r\n\r\n" },
	{ "Expect goes through",
	    "POST / HTTP/1.1\r\n" HOST
	    "Expect: 100-continue\r\nContent-Length: 1\r\n\r\n",
	    "POST / HTTP/1.1\r\n" HOST
	    "Expect: 100-continue\r\nContent-Length: 1\r\n" OURS
	    "X-Original-URI: /\r\n" TRACE "Via: 1.1 dynproxy\r\n\r\n" },
	{ "not from HTTP/1.0",
	    "POST / HTTP/1.0\r\n" HOST
	    "Expect: 100-continue\r\nContent-Length: 1\r\n\r\n",
	    "POST / HTTP/1.1\r\n" HOST "Content-Length: 1\r\n" OURS
	    "X-Original-URI: /\r\n" TRACE "Via: 1.0 dynproxy\r\n\r\n" },
	{ "Via grows", "GET / HTTP/1.1\r\n" HOST "Via: 1.0 fred\r\n\r\n",
	    "GET / HTTP/1.1\r\n" HOST "Via: 1.0 fred\r\n" OURS
	    "X-Original-URI: /\r\n" TRACE "Via: 1.1 dynproxy\r\n\r\n" },
	{ "a trace goes on, with a span of ours",
	    "GET / HTTP/1.1\r\n" HOST "TraceState: a=1\r\ntraceparent: 00-"
	    TRACE_ID "-00f067aa0ba902b7-01\r\nTracestate: b=2\r\n\r\n",
	    "GET / HTTP/1.1\r\n" HOST OURS "X-Original-URI: /\r\n"
	    TRACED(TRACE_ID, "01") "tracestate: a=1\r\ntracestate: b=2\r\n"
	    "Via: 1.1 dynproxy\r\n\r\n" },
	{ "a state that is none is dropped",
	    "GET / HTTP/1.1\r\n" HOST "traceparent: 00-" TRACE_ID
	    "-00f067aa0ba902b7-00\r\ntracestate: a=1\r\n"
	    "tracestate: A\r\n\r\n",
	    "GET / HTTP/1.1\r\n" HOST OURS "X-Original-URI: /\r\n"
	    TRACED(TRACE_ID, "00") "Via: 1.1 dynproxy\r\n\r\n" },
	{ "of two traces none goes on, nor their state",
	    "GET / HTTP/1.1\r\n" HOST "traceparent: 00-" TRACE_ID
	    "-00f067aa0ba902b7-01\r\ntraceparent: 00-" TRACE_ID
	    "-00f067aa0ba902b8-01\r\ntracestate: a=1\r\n\r\n",
	    "GET / HTTP/1.1\r\n" HOST OURS "X-Original-URI: /\r\n" TRACE
	    "Via: 1.1 dynproxy\r\n\r\n" },
	{ "the client's id is the one that was remembered",
	    "GET / HTTP/1.1\r\n" HOST "X-Request-Id: <other>\r\n\r\n",
	    "GET / HTTP/1.1\r\n" HOST OURS "X-Original-URI: /\r\n" TRACE
	    "Via: 1.1 dynproxy\r\n\r\n" },
	{ "an absolute form becomes a path",
	    "GET http://Alpha.example.org:8080/x?y HTTP/1.1\r\n" HOST "\r\n",
	    "GET /x?y HTTP/1.1\r\n" HOST OURS
	    "X-Original-URI: /x?y\r\n" TRACE "Via: 1.1 dynproxy\r\n\r\n" },
};

static const struct {
	const char *via;
	unsigned passes;
} passes[] = {
	{ "1.1 dynproxy", 1 },
	{ "1.1 dynproxy, 1.1 dynproxy", 2 },
	{ "1.0 fred, 2 dynproxy (node 1), 1.1 p.example.net", 1 },
	{ "HTTP/1.1 DynProxy", 1 },
	{ "1.1 fred (dynproxy)", 0 },
	{ "1.1 mydynproxy", 0 },
	{ "dynproxy", 0 },
	{ "1.1 dynproxy\r\nVia: 1.1 dynproxy", 2 },
};

static struct http_msg *msg;

static bool
parse(const char *head)
{
	const struct http_limits limits = { 8192, 16384, 8192, 100 };
	size_t scanned = 0;

	return http_parse_request(head, strlen(head), &scanned, &limits, msg) ==
	    HTTP_FINE;
}

/* A new trace, and our span, are random: make them the same each time. */
static void
mask(struct buf *out)
{
	char *parent = memmem(out->data + out->head, buf_len(out),
	    "traceparent: 00-", 16);

	if (parent == NULL)
		return;
	if (memcmp(parent + 16, TRACE_ID, 32) != 0)
		memset(parent + 16, 'n', 32);
	memset(parent + 49, 's', 16);
}

static const struct {
	const char *what, *tool, *host;
	bool told;
} privacy[] = {
	{ "a tool that was named", "named", "x.example.org", true },
	{ "a host that was named", "other", "named.example.org", true },
	{ "another", "other", "x.example.org", false },
	{ "no tool", "", "x.example.org", false },
	{ "nobody", "", "", false },
};

static void
test_privacy(struct buf *out, struct asked *asked)
{
	struct conf *conf = conf_read_text("web_domain = example.org\n"
	    "client_address_for = {named, named.example.org}\n", "f", stderr);
	struct ip ip;
	struct http_target target = { .raw = SPAN("/"),
		.authority = SPAN("a") };
	struct forward f = { .msg = msg, .target = &target, .asked = asked,
		.proto = SPAN("http"), .client = &ip };

	for (size_t i = 0; i < nitems(privacy); i++) {
		is_int(conf_tells_client(conf, span_str(privacy[i].tool),
			   span_str(privacy[i].host)),
		    privacy[i].told,
		    "told who asks: %s", privacy[i].what);
	}
	ok(parse("GET / HTTP/1.1\r\nHost: a\r\n\r\n") &&
		ip_parse(&ip, SPAN("2001:db8::7")), "a client");
	buf_consume(out, buf_len(out));
	ok(forward_head(out, &f), "is told");
	ok(memmem(buf_span(out).ptr, buf_len(out),
	       "X-Forwarded-For: 2001:db8::7\r\n", 30) != NULL,
	    "in X-Forwarded-For");
	conf_free(conf);
}

/* The request at hand, with the same id and host each time. */
static void
ask(struct asked *asked, const struct http_target *target)
{
	struct trace_source source = { .key = { 1, 2 } };

	asked_begin(asked, &source, msg, target, SPAN("http"));
	asked_set_host(asked, SPAN("alpha.example.org"));
	asked->id_len = sizeof(ID) - 1;
	memcpy(asked->id, ID, sizeof(ID) - 1);
}

static void
check(size_t i, struct buf *out, struct asked *asked)
{
	struct http_target target;
	struct forward f = { .msg = msg, .target = &target,
		.asked = asked, .proto = SPAN("http"),
		.port = 8080 };

	if (!ok(parse(cases[i].head) &&
		    http_target(msg, &target) == TARGET_FINE,
		"%s", cases[i].what))
		return;
	ask(asked, &target);
	f.end = http_request_body(msg, &f.length);
	buf_consume(out, buf_len(out));
	ok(forward_head(out, &f), "  is written");
	mask(out);
	is_span(buf_span(out), cases[i].forwarded, "  as it should be");
}

int
main(void)
{
	struct buf out, small;
	char head[256];

	struct asked asked;

	msg = calloc(1, sizeof(*msg));
	buf_init(&out, 65536);
	for (size_t i = 0; i < nitems(cases); i++)
		check(i, &out, &asked);
	for (size_t i = 0; i < nitems(passes); i++) {
		snprintf(head, sizeof(head),
		    "GET / HTTP/1.1\r\nHost: a\r\nVia: %s\r\n\r\n",
		    passes[i].via);
		ok(parse(head), "Via: %s", passes[i].via);
		is_int(forward_passes(msg), passes[i].passes, "  counted");
	}
	test_privacy(&out, &asked);
	buf_init(&small, 100);
	ok(!forward_head(&small,
		&(struct forward){ .msg = msg, .asked = &asked,
		    .target = &(struct http_target){ .raw = SPAN("/") } }),
	    "a head that does not fit is refused");
	buf_release(&small);
	buf_release(&out);
	free(msg);
	return done();
}
