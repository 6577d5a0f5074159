/*
 * A tool is found by its full name, never by a first label, or by the path of
 * a legacy host (2-http.md 2.2).
 */
#include "route/host.h"

#include "t/tap.h"

static char shorter[] = "example.org", longer[] = "tools.example.org";
static char legacy[] = "old.example.net", inside[] = "www.example.org";
static char *domains[] = { shorter, longer };
static char *legacies[] = { legacy, inside };
static const struct conf conf = { .web_domains = domains,
	.nweb_domains = 2,
	.legacy_hosts = legacies,
	.nlegacy_hosts = 2 };

static const struct {
	const char *host;
	enum host_kind kind;
	const char *tool, *domain; /* "": none */
} cases[] = {
	{ "alpha.example.org", HOST_TOOL, "alpha", "example.org" },
	{ "a.example.org", HOST_TOOL, "a", "example.org" },
	{ "alpha.tools.example.org", HOST_TOOL, "alpha", "tools.example.org" },
	{ "tools.example.org", HOST_TOOL, "tools", "example.org" },
	{ "example.org", HOST_LEGACY, "", "example.org" },
	{ "old.example.net", HOST_LEGACY, "", "example.org" },
	{ "www.example.org", HOST_LEGACY, "", "example.org" },
	{ "a.old.example.net", HOST_OTHER, NULL, NULL },
	{ "old.example.net.org", HOST_OTHER, NULL, NULL },
	{ ".example.org", HOST_OTHER, NULL, NULL },
	{ "a.b.example.org", HOST_OTHER, NULL, NULL },
	{ "a.b.tools.example.org", HOST_OTHER, NULL, NULL },
	{ "alpha.example.com", HOST_OTHER, NULL, NULL },
	{ "alphaexample.org", HOST_OTHER, NULL, NULL },
	{ "alpha.xexample.org", HOST_OTHER, NULL, NULL },
	{ "alpha.example.org.evil.net", HOST_OTHER, NULL, NULL },
	{ "localhost", HOST_OTHER, NULL, NULL },
	{ "10.0.0.1", HOST_OTHER, NULL, NULL },
	{ "[::1]", HOST_OTHER, NULL, NULL },
	{ "", HOST_OTHER, NULL, NULL },
};

static const struct {
	const char *path, *tool, *rest; /* tool NULL: none */
} paths[] = {
	{ "/alpha/page", "alpha", "/page" },
	{ "/alpha/", "alpha", "/" },
	{ "/alpha", "alpha", "" },
	{ "/alpha//b", "alpha", "//b" },
	{ "/0-9/a/b", "0-9", "/a/b" },
	{ "/alpha/../beta", "alpha", "/../beta" },
	{ "/", NULL, NULL },
	{ "//alpha", NULL, NULL },
	{ "/../alpha", NULL, NULL },
	{ "/-a/", NULL, NULL },
	{ "/Alpha/", NULL, NULL },
	{ "/al%70ha/", NULL, NULL },
	{ "/a.b/", NULL, NULL },
	{ "/a;b/", NULL, NULL },
	{ "*", NULL, NULL },
	{ "*a/b", NULL, NULL },
	{ "", NULL, NULL },
	{ "/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa/",
	    NULL, NULL }, /* 64 */
};

static const struct {
	const char *host, *parent;
} parents[] = {
	{ "a.b.c", "b.c" },
	{ "a.b", "b" },
	{ "a", "" },
	{ "", "" },
};

static void
check_path(size_t i)
{
	struct span tool, rest;
	bool found = host_legacy_path(span_str(paths[i].path), &tool, &rest);

	if (paths[i].tool == NULL) {
		ok(!found, "\"%s\" names no tool", paths[i].path);
		return;
	}
	ok(found, "\"%s\" names one", paths[i].path);
	is_span(tool, paths[i].tool, "  %s", paths[i].tool);
	is_span(rest, paths[i].rest, "  and the rest");
}

int
main(void)
{
	struct host host;

	for (size_t i = 0; i < nitems(cases); i++) {
		host_classify(&conf, span_str(cases[i].host), &host);
		if (!is_int(host.kind, cases[i].kind, "\"%s\"", cases[i].host))
			continue;
		if (cases[i].tool != NULL) {
			is_span(host.tool, cases[i].tool, "  its tool");
			is_span(host.domain, cases[i].domain, "  in a domain");
		}
	}
	for (size_t i = 0; i < nitems(paths); i++)
		check_path(i);
	for (size_t i = 0; i < nitems(parents); i++)
		is_span(host_parent(span_str(parents[i].host)),
		    parents[i].parent, "what \"%s\" is below",
		    parents[i].host);
	return done();
}
