/*
 * A Location is made of names that were configured or normalised, and of the
 * path as it came; one that does not fit is not made (2-http.md 2.2).
 */
#include "route/redirect.h"

#include <stdlib.h>

#include "t/tap.h"

static char from[] = "ru_wiki.example.org", to[] = "ru-wiki.example.org";
static char old[] = "old.example", new[] = "new.example", newer[] = "newer.test";
static struct redirect_conf redirects[] = {
	{ from, to, 301, false },
	{ old, new, 302, true },
	{ old, newer, 308, true },
};
static struct conf conf = { .redirects = redirects, .nredirects = 3 };

static const struct {
	const char *label, *domain, *rest;
	enum redirect_scheme scheme;
	const char *location;
} cases[] = {
	{ "alpha", "example.org", "/a/b?c=d", SCHEME_HTTPS,
	    "https://alpha.example.org/a/b?c=d" },
	{ "", "example.org", "/a", SCHEME_HTTP, "http://example.org/a" },
	{ "alpha", "example.org", "", SCHEME_HTTP,
	    "http://alpha.example.org/" },
	{ "alpha", "example.org", "?a", SCHEME_HTTP,
	    "http://alpha.example.org/?a" },
	{ "alpha", "example.org", "/?", SCHEME_AUTO,
	    "http://alpha.example.org/?" },
	{ "", "example.org", "//evil.test/", SCHEME_AUTO,
	    "http://example.org//evil.test/" },
	{ "", "example.org", "*", SCHEME_AUTO, "http://example.org/" },
};

static const struct {
	const char *path, *raw, *location;
} slashes[] = {
	{ "/alpha", "/alpha", "/alpha/" },
	{ "/alpha", "/alpha?a=/b", "/alpha/?a=/b" },
};

static void
check_bound(char *out)
{
	size_t fits = LOCATION_MAX - sizeof("http://a") + 1 - 1;
	char *path = malloc(fits + 1);

	if (!ok(path != NULL, "a path"))
		return;
	memset(path, '/', fits + 1);
	is_int(redirect_location(
		   &conf, SPAN(""), SPAN("a"), (struct span){ path, fits }, out),
	    LOCATION_MAX - 1, "the longest one");
	is_int(redirect_location(&conf, SPAN(""), SPAN("a"),
		   (struct span){ path, fits + 1 }, out),
	    0, "one byte more is refused");
	free(path);
}

int
main(void)
{
	static char out[LOCATION_MAX];
	const struct redirect_conf *r;
	struct span label = SPAN("");
	size_t len, at = 0;

	for (size_t i = 0; i < nitems(cases); i++) {
		conf.redirect_scheme = cases[i].scheme;
		len = redirect_location(&conf, span_str(cases[i].label),
		    span_str(cases[i].domain), span_str(cases[i].rest), out);
		is_span((struct span){ out, len }, cases[i].location, "%s",
		    cases[i].location);
	}
	for (size_t i = 0; i < nitems(slashes); i++) {
		struct http_target target = { .path = span_str(slashes[i].path),
			.raw = span_str(slashes[i].raw) };

		len = redirect_slash(&target, out);
		is_span((struct span){ out, len }, slashes[i].location, "%s",
		    slashes[i].location);
	}
	check_bound(out);

	r = redirect_find(&conf, span_str(from));
	ok(r == &redirects[0], "a host that is redirected");
	ok(redirect_find(&conf, span_str(to)) == NULL, "one that is not");
	ok(redirect_find(&conf, span_str(old)) == NULL, "nor a bare domain");
	ok(redirect_find(&conf, SPAN("a.old.example")) == NULL,
	    "nor, this way, what is below it");
	r = redirect_find_below(&conf, SPAN("a.old.example"), &label, &at);
	ok(r == &redirects[1], "which is found by its domain");
	is_span(label, "a", "  with its label");
	r = redirect_find_below(&conf, SPAN("a.old.example"), &label, &at);
	ok(r == &redirects[2], "  and again, for a second");
	r = redirect_find_below(&conf, SPAN("a.old.example"), &label, &at);
	ok(r == NULL, "  and no more");
	at = 0;
	ok(redirect_find_below(
	       &conf, SPAN("a.b.old.example"), &label, &at) == NULL,
	    "two labels below it is another matter");
	return done();
}
