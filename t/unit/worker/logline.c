/*
 * A line of the access log is the original's, byte for byte, and it is one
 * line whatever bytes a client sends: from it they can be had again.
 */
#include "worker/logline.h"

#include <stdlib.h>

#include "http/parse.h"
#include "t/tap.h"

#define HEAD_MAX 16384

static const struct logline_style vhosts = {
	.format = ACCESS_LOG_VHOSTS,
	.time = { "02/Dec/2019:10:00:00 +0000", 26 },
	.now_ms = 5250,
};

static const struct logline_style json = {
	.format = ACCESS_LOG_JSON,
	.time = { "2019-12-02T10:00:00.123000Z", 27 },
	.node = { "proxy-1", 7 },
	.worker = 3,
	.now_ms = 5250,
};

static struct http_msg msg;
static struct logline line;
static char *out;

static void
begin(const char *client)
{
	struct ip ip;

	if (!ip_parse(&ip, span_str(client)))
		abort();
	logline_begin(&line,
	    &(struct logline_client){ .ip = &ip, .protocol = { "h1", 2 } },
	    4000);
}

static bool
say_head(const char *head)
{
	const struct http_limits limits = { 8192, HEAD_MAX, 8192, 100 };
	size_t scanned = 0;

	if (http_parse_request(head, strlen(head), &scanned, &limits, &msg) !=
	    HTTP_FINE)
		return false;
	logline_say_head(&line, &msg);
	return true;
}

static void
try(const char *address, uint16_t port)
{
	struct backend b = { .port = port };

	if (!ip_parse(&b.ip, span_str(address)))
		abort();
	logline_try(&line, &b, 4100);
}

static const char *
written(const struct logline_style *style)
{
	size_t n = logline_write(&line, style, out);

	out[n] = '\0';
	return out;
}

static void
whole_lines(void)
{
	struct logline_style less = vhosts;

	begin("192.0.2.77");
	logline_say(&line, LINE_HOST, SPAN("alpha.example.org"));
	ok(say_head("GET /a?b=c HTTP/1.1\r\nHost: alpha.example.org\r\n"
		    "Authorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==\r\n"
		    "User-Agent: curl/7 (x; \"y\")\r\n"
		    "Referer: http://r/\r\n\r\n"),
	    "a head");
	logline_say(&line, LINE_TOOL, SPAN("alpha"));
	logline_say(&line, LINE_ROUTE, SPAN(".*"));
	logline_say(&line, LINE_ID, SPAN("request-17"));
	logline_say(&line, LINE_TRACE, SPAN("00-a-b-01"));
	try("10.0.0.1", 8000);
	try("2001:db8::2", 8001);
	line.connected_ms = 4107;
	line.first_ms = 5000;
	line.status = 200;
	line.answered = line.from_backend = true;
	line.sent = 1234567890123;
	line.received = 0;
	is_str(written(&vhosts),
	    "alpha.example.org 192.0.2.77 - Aladdin "
	    "[02/Dec/2019:10:00:00 +0000] \"GET /a?b=c HTTP/1.1\" 200 "
	    "1234567890123 \"http://r/\" \"curl/7 (x; \\x22y\\x22)\" "
	    "(backend 10.0.0.1:8000, [2001:db8::2]:8001)\n",
	    "all that there can be");
	is_str(written(&json),
	    "{\"ts\":\"2019-12-02T10:00:00.123000Z\",\"node\":\"proxy-1\","
	    "\"worker\":3,\"id\":\"request-17\",\"trace\":\"00-a-b-01\","
	    "\"client\":\"192.0.2.77\",\"host\":\"alpha.example.org\","
	    "\"zone\":\"example.org\",\"tool\":\"alpha\",\"route\":\".*\","
	    "\"method\":\"GET\",\"path\":\"/a?b=c\",\"proto\":\"h1\","
	    "\"tls\":null,\"status\":200,\"origin\":\"backend\","
	    "\"reason\":null,\"bytes_in\":0,\"bytes_out\":1234567890123,"
	    "\"backend\":\"[2001:db8::2]:8001\",\"attempts\":2,"
	    "\"t_connect\":0.007,\"t_first\":1.000,\"t_total\":1.250,"
	    "\"referer\":\"http://r/\",\"ua\":\"curl/7 (x; \\\"y\\\")\"}\n",
	    "as JSON");

	begin("2001:db8:1:2:3::4");
	logline_say_bytes(&line, SPAN("\r\nGET / HTT"));
	line.reason = REASON_CLIENT_GONE;
	is_str(written(&vhosts),
	    "- 2001:db8:1:2:3::4 - - [02/Dec/2019:10:00:00 +0000] "
	    "\"GET / HTT\" 499 0 \"-\" \"-\" (backend -)\n",
	    "next to nothing");
	less.address = ADDRESS_NETWORK;
	ok(strstr(written(&less), "- 2001:db8:1:: - -") != NULL,
	    "a network, IPv6");
	less.address = ADDRESS_OFF;
	ok(strncmp(written(&less), "- - - - [", 9) == 0, "no address");
	begin("192.0.2.77");
	less.address = ADDRESS_NETWORK;
	ok(strstr(written(&less), "- 192.0.2.0 - -") != NULL,
	    "a network, IPv4");
}

static const struct {
	const char *value, *user;
} authorizations[] = {
	{ "Basic dXNlcjpwYXNz", "user" }, /* user:pass */
	{ "basic  dXNlcjo=", "user" },	  /* user: */
	{ "Basic dXNlcg==", "-" },	  /* user, and no colon */
	{ "Basic YSA6", "a\\x20" },	  /* a blank at its end */
	{ "Basic ICA6", "\\x20\\x20" },	  /* and nothing else */
	{ "Basic OnBhc3M=", "-" },	  /* :pass */
	{ "Basic IjoK", "\\x22" },	  /* ":\n */
	{ "Basic YSBbYjo=", "a\\x20[b" }, /* a [b: */
	{ "Basic !!!!", "-" },
	{ "Basic", "-" },
	{ "Bearer dXNlcjpwYXNz", "-" },
	{ "", "-" },
};

static void
users(void)
{
	char head[256], expected[64];

	for (size_t i = 0; i < nitems(authorizations); i++) {
		begin("192.0.2.77");
		snprintf(head, sizeof(head),
		    "GET / HTTP/1.1\r\nHost: a\r\nAuthorization: %s\r\n\r\n",
		    authorizations[i].value);
		snprintf(expected, sizeof(expected), " - %s [",
		    authorizations[i].user);
		ok(say_head(head) && strstr(written(&vhosts), expected) != NULL,
		    "user of \"%s\"", authorizations[i].value);
	}
}

/* Undo \xHH; returns bytes. */
static size_t
unescape(const char *text, const char *end, char *to)
{
	size_t n = 0;
	unsigned byte;

	while (text < end) {
		if (*text != '\\') {
			to[n++] = *text++;
			continue;
		}
		if (sscanf(text, "\\x%2X", &byte) != 1)
			return 0;
		to[n++] = (char)byte;
		text += 4;
	}
	return n;
}

static const enum logline_part quoted[] = { LINE_REQUEST, LINE_REFERER,
	LINE_AGENT };

static void
every_byte(void)
{
	char all[256], back[1024];
	const char *p;
	size_t n;

	for (unsigned i = 0; i < sizeof(all); i++)
		all[i] = (char)i;
	begin("192.0.2.77");
	for (unsigned part = 0; part < LINE_PARTS; part++)
		logline_say(&line, part, (struct span){ all, sizeof(all) });
	for (unsigned f = 0; f < 2; f++) {
		const char *text = written(f == 0 ? &vhosts : &json);

		n = strlen(text);
		ok(strchr(text, '\n') == text + n - 1,
		    "every byte in every field: one line");
		for (p = text; *p >= ' ' && *p <= '~'; p++)
			continue;
		ok(p == text + n - 1, "of printable ASCII");
	}

	p = strchr(written(&vhosts), '"');
	for (size_t i = 0; i < nitems(quoted); i++) {
		const char *end = strchr(p + 1, '"');

		n = unescape(p + 1, end, back);
		ok(n == sizeof(all) && memcmp(back, all, n) == 0,
		    "field %zu can be had again", i);
		p = strchr(end + 1, '"');
	}
}

static const struct {
	const char *text, *json;
} characters[] = {
	{ "\xc3\xa9", "\\u00E9" },
	{ "\xe2\x82\xac", "\\u20AC" },
	{ "\xf0\x9f\x98\x80", "\\uD83D\\uDE00" },
	{ "\xf4\x8f\xbf\xbf", "\\uDBFF\\uDFFF" },
	{ "\xe9", "\\u00E9" },
	{ "\xc3", "\\u00C3" },
	{ "\xc3(", "\\u00C3(" },
	{ "\xe2\x82", "\\u00E2\\u0082" },
	{ "\xc0\x80", "\\u00C0\\u0080" },
	{ "\xe0\x80\xaf", "\\u00E0\\u0080\\u00AF" },
	{ "\xed\xa0\x80", "\\u00ED\\u00A0\\u0080" },
	{ "\xf4\x90\x80\x80", "\\u00F4\\u0090\\u0080\\u0080" },
	{ "\xf8\x88\x80\x80\x80", "\\u00F8\\u0088\\u0080\\u0080\\u0080" },
	{ "\x7f\t\"\\", "\\u007F\\u0009\\\"\\\\" },
};

static void
json_characters(void)
{
	char expected[128];

	for (size_t i = 0; i < nitems(characters); i++) {
		begin("192.0.2.77");
		logline_say(&line, LINE_AGENT, span_str(characters[i].text));
		snprintf(expected, sizeof(expected), ",\"ua\":\"%s\"}\n",
		    characters[i].json);
		ok(strstr(written(&json), expected) != NULL, "JSON: %s",
		    characters[i].json);
	}
}

/* The longest of heads fits where logline_max() says; sanitizers look on. */
static void
bounds(void)
{
	static char much[2 * HEAD_MAX];
	size_t n;

	memset(much, 0xff, sizeof(much));
	begin("2001:db8:1111:2222:3333:4444:5555:6666");
	logline_say(&line, LINE_REFERER, (struct span){ much, HEAD_MAX });
	logline_say(&line, LINE_AGENT, (struct span){ much, sizeof(much) });
	for (unsigned i = 0; i < 2 * LOGLINE_TRIES_MAX; i++)
		try("2001:db8:1111:2222:3333:4444:5555:6666", 65535);
	for (unsigned f = 0; f < 2; f++) {
		n = logline_write(&line, f == 0 ? &vhosts : &json, out);
		ok(n > HEAD_MAX && n <= logline_max(HEAD_MAX),
		    "%zu bytes fit into %zu", n, logline_max(HEAD_MAX));
	}
}

int
main(void)
{
	out = malloc(logline_max(HEAD_MAX) + 1);
	logline_init(&line, HEAD_MAX);
	whole_lines();
	users();
	every_byte();
	json_characters();
	bounds();
	logline_release(&line);
	free(out);
	return done();
}
