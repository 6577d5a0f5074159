/* A browser gets a page, a program what it asks for, all others text. */
#include "http/negotiate.h"

#include "t/tap.h"

static const struct {
	const char *accept;
	enum media media;
} cases[] = {
	{ "", MEDIA_TEXT },
	{ "*/*", MEDIA_TEXT }, /* curl */
	{ "text/html,application/xhtml+xml,application/xml;q=0.9,"
	  "image/avif,image/webp,*/*;q=0.8", MEDIA_HTML }, /* Firefox */
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

int
main(void)
{
	for (size_t i = 0; i < nitems(cases); i++)
		is_int(http_negotiate_media(span_str(cases[i].accept)),
		    cases[i].media, "Accept: %s", cases[i].accept);
	return done();
}
