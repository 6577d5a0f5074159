/* The name of an error page says for what it is, and no other name is one. */
#include "http/error_file.h"

#include "lib/array.h"
#include "t/tap.h"

static const struct {
	const char *path;
	enum error_scope scope;
	enum media media;
	const char *language;
	enum reason is_for, is_not; /* REASON_NONE: of none it is known */
} cases[] = {
	{ "any.html", ERROR_ANY, MEDIA_HTML, "", REASON_LOOP, REASON_NONE },
	{ "any.txt", ERROR_ANY, MEDIA_TEXT, "", REASON_LOOP, REASON_NONE },
	{ "404.json", ERROR_STATUS, MEDIA_JSON, "", REASON_NO_ROUTE,
	    REASON_LOOP },
	{ "no-route.html", ERROR_REASON, MEDIA_HTML, "", REASON_NO_ROUTE,
	    REASON_LOOP },
	{ "tool.html", ERROR_VOICE, MEDIA_HTML, "", REASON_TOOL_STOPPED,
	    REASON_NO_ROUTE },
	{ "nobody.html", ERROR_VOICE, MEDIA_HTML, "", REASON_NO_ROUTE,
	    REASON_TOOL_STOPPED },
	{ "de/any.html", ERROR_ANY, MEDIA_HTML, "de", REASON_LOOP,
	    REASON_NONE },
	{ "zh-Hant-TW/503.txt", ERROR_STATUS, MEDIA_TEXT, "zh-Hant-TW",
	    REASON_TOOL_STOPPED, REASON_NO_ROUTE },
};

static const char *const refused[] = { "no-rout.html", "418.html", "0.html",
	"0404.html", "4o4.html", ".html", "any", "any.htm", "any.html~",
	"-.html", "/any.html", "de_DE/any.html", "d/any.html", "de-/any.html",
	"-de/any.html", "d3/any.html", "../any.html", "de/at/any.html",
	"de-aaaaaaaaa/any.html" };

int
main(void)
{
	struct error_file file;

	for (size_t i = 0; i < nitems(refused); i++)
		ok(!error_file_parse(span_str(refused[i]), &file),
		    "there is no %s", refused[i]);
	for (size_t i = 0; i < nitems(cases); i++) {
		ok(error_file_parse(span_str(cases[i].path), &file), "%s",
		    cases[i].path);
		is_int(file.scope, cases[i].scope, "  for how many");
		is_int(file.media, cases[i].media, "  its form");
		is_span(file.language, cases[i].language, "  its language");
		ok(error_file_is_for(&file, cases[i].is_for), "  for this");
		ok(cases[i].is_not == REASON_NONE ||
			!error_file_is_for(&file, cases[i].is_not),
		    "  not for that");
	}
	return done();
}
