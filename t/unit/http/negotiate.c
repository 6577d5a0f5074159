/* A browser gets a page, a program what it asks for, all others text. */
#include "http/negotiate.h"

#include "t/unit/http/feed.h"

static const struct {
	const char *accept;
	enum media media;
} cases[] = {
	{ "", MEDIA_TEXT },
	{ "*/*", MEDIA_TEXT }, /* curl */
	{ "text/html,application/xhtml+xml,application/xml;q=0.9,"
	  "image/avif,image/webp,*/*;q=0.8",
	    MEDIA_HTML }, /* Firefox */
	{ "text/html, image/gif, image/jpeg, */*; q=.2", MEDIA_HTML },
	{ "application/json", MEDIA_JSON },
	{ "application/problem+json", MEDIA_JSON },
	{ "application/json, text/plain, */*", MEDIA_JSON }, /* axios */
	{ "application/json;charset=utf-8", MEDIA_JSON },
	{ "APPLICATION/JSON", MEDIA_JSON },
	{ "application/*", MEDIA_JSON },
	{ "text/plain", MEDIA_TEXT },
	{ "text/*", MEDIA_TEXT },
	{ "text/html", MEDIA_HTML },
	{ "text/html, application/json", MEDIA_HTML },
	{ "application/json, text/html", MEDIA_JSON },
	{ "application/json;q=0.5, text/html;q=0.6", MEDIA_HTML },
	{ "application/json;q=0.501, text/html;q=0.5", MEDIA_JSON },
	{ "text/html;q=0.9, */*", MEDIA_TEXT },
	{ "text/*;q=0.3, text/html;q=0.7, */*;q=0.5", MEDIA_HTML },
	{ "text/plain;q=0, */*", MEDIA_HTML },
	{ "text/html;q=0", MEDIA_TEXT },
	{ "application/json;q=0", MEDIA_TEXT },
	{ "*/*;q=0", MEDIA_TEXT },
	{ "image/png", MEDIA_TEXT },
	{ "text/html ; Q=1.000", MEDIA_HTML },
	{ "text/html;level=\"a,b;c\";q=1, application/json;q=0.9", MEDIA_HTML },
	{ "application/json;q=1.5, text/html;q=0.1", MEDIA_HTML },
	{ "application/json;q=x, text/html;q=0.1", MEDIA_HTML },
	{ "application/json;q=0.1234, text/html;q=0.1", MEDIA_HTML },
	{ "application/json;q=, text/html;q=0.1", MEDIA_HTML },
	{ "text", MEDIA_TEXT },
	{ "*", MEDIA_TEXT },
	{ ";;;,,,;q=1", MEDIA_TEXT },
	{ "text/htmlx, xtext/html", MEDIA_TEXT },
};

/* As Prometheus, its agents and curl ask for metrics. */
static const struct {
	const char *accept;
	enum media media;
} measured[] = {
	{ "", MEDIA_TEXT },
	{ "*/*", MEDIA_TEXT },
	{ "application/openmetrics-text;version=1.0.0,"
	  "application/openmetrics-text;version=0.0.1;q=0.75,"
	  "text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
	    MEDIA_OPENMETRICS },
	{ "application/openmetrics-text; version=0.0.1,"
	  "text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
	    MEDIA_OPENMETRICS },
	{ "text/plain;version=0.0.4;q=1,*/*;q=0.1", MEDIA_TEXT },
	{ "application/openmetrics-text;q=0.4, text/plain", MEDIA_TEXT },
	{ "application/openmetrics-text;q=0, */*", MEDIA_TEXT },
	{ "application/json", MEDIA_TEXT },
	{ "text/html", MEDIA_TEXT },
};

static const struct span languages[] = { { "de", 2 }, { "pt-BR", 5 },
	{ "fr", 2 }, { "de-CH", 5 } };

static const struct {
	const char *accept;
	size_t place; /* from 1; 0: none */
} spoken[] = {
	{ "", 0 },
	{ "de", 1 },
	{ "De-dE, en", 1 },
	{ "de-CH", 4 },
	{ "de-CH-1996", 4 },
	{ "pt", 0 },
	{ "pt-br;q=0.1", 2 },
	{ "fr;q=0.8, de;q=0.9", 1 },
	{ "fr, de", 3 },
	{ "it, fr;q=0.5", 3 },
	{ "en-US,en;q=0.9,de;q=0.8", 0 },
	{ "de;q=0.8,en;q=0.7", 1 },
	{ "de;q=0", 0 },
	{ "*", 0 },
	{ "dex, d, -, de_DE", 0 },
};

static const struct {
	const char *lines; /* of the request */
	enum coding coding;
} codings[] = {
	{ "", CODING_NONE },
	{ "Accept-Encoding:", CODING_NONE },
	{ "Accept-Encoding: gzip", CODING_GZIP },
	{ "Accept-Encoding: x-gzip", CODING_GZIP },
	{ "Accept-Encoding: GZIP;Q=1", CODING_GZIP },
	{ "Accept-Encoding: br", CODING_BROTLI },
	{ "Accept-Encoding: zstd", CODING_ZSTD },
	{ "Accept-Encoding: gzip, deflate, br", CODING_BROTLI },
	{ "Accept-Encoding: gzip, deflate, br, zstd", CODING_ZSTD },
	{ "Accept-Encoding: gzip;q=1.0, br;q=0.9, zstd;q=0.8", CODING_GZIP },
	{ "Accept-Encoding: gzip;q=0", CODING_NONE },
	{ "Accept-Encoding: gzip;q=0.001", CODING_GZIP },
	{ "Accept-Encoding: gzip;q=2", CODING_NONE },
	{ "Accept-Encoding: identity;q=1, gzip;q=0.5", CODING_NONE },
	{ "Accept-Encoding: identity;q=0.5, gzip;q=0.5", CODING_GZIP },
	{ "Accept-Encoding: identity, *;q=0", CODING_NONE },
	{ "Accept-Encoding: *", CODING_NONE },
	{ "Accept-Encoding: deflate, compress, gzipx", CODING_NONE },
	{ "Accept-Encoding: gzip;q=0\r\nA: b\r\nAccept-Encoding: br",
	    CODING_BROTLI },
};

static const struct {
	const char *type;
	bool text;
} types[] = {
	{ "text/html", true },
	{ "TEXT/HTML; charset=utf-8", true },
	{ "text/event-stream", true }, /* a stream for other reasons */
	{ "application/json", true },
	{ "application/json ;charset=utf-8", true },
	{ "application/javascript", true },
	{ "application/xml", true },
	{ "image/svg+xml", true },
	{ "application/ld+json", true },
	{ "application/octet-stream", false },
	{ "image/png", false },
	{ "application/jsonp2", false },
	{ "x/text/html", false },
	{ "text/", false },
	{ "text", false },
	{ "", false },
};

static void
test_coding(size_t i)
{
	char head[256];

	snprintf(head, sizeof(head), "GET / HTTP/1.1\r\nHost: a\r\n%s%s\r\n",
	    codings[i].lines, *codings[i].lines != '\0' ? "\r\n" : "");
	is_int(feed_whole(http_parse_request, span_str(head), &usual),
	    HTTP_FINE, "%s", codings[i].lines);
	is_int(http_negotiate_coding(&feed_msg), codings[i].coding, "  %.*s",
	    SPAN_ARG(http_coding_name(codings[i].coding)));
}

int
main(void)
{
	for (size_t i = 0; i < nitems(spoken); i++)
		is_int(http_negotiate_language(span_str(spoken[i].accept),
			   languages, nitems(languages)),
		    spoken[i].place, "Accept-Language: %s", spoken[i].accept);
	for (size_t i = 0; i < nitems(codings); i++)
		test_coding(i);
	for (size_t i = 0; i < nitems(types); i++)
		is_int(http_type_is_text(span_str(types[i].type)),
		    types[i].text, "text: '%s'", types[i].type);
	for (size_t i = 0; i < nitems(cases); i++)
		is_int(http_negotiate_media(span_str(cases[i].accept)),
		    cases[i].media, "Accept: %s", cases[i].accept);
	for (size_t i = 0; i < nitems(measured); i++)
		is_int(http_negotiate_metrics(span_str(measured[i].accept)),
		    measured[i].media, "metrics: %s", measured[i].accept);
	return done();
}
