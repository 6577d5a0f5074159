/* A tool is found by its full name, never by a first label (2-http.md 2.2). */
#include "route/host.h"

#include "t/tap.h"

static char *domains[] = { "example.org", "tools.example.org" };
static const struct conf conf = { .web_domains = domains, .nweb_domains = 2 };

static const struct {
	const char *host, *tool; /* NULL: none */
} cases[] = {
	{ "alpha.example.org", "alpha" },
	{ "a.example.org", "a" },
	{ "alpha.tools.example.org", "alpha" },
	{ "tools.example.org", "tools" },
	{ "example.org", NULL },
	{ ".example.org", NULL },
	{ "a.b.example.org", NULL },
	{ "a.b.tools.example.org", NULL },
	{ "alpha.example.com", NULL },
	{ "alphaexample.org", NULL },
	{ "alpha.xexample.org", NULL },
	{ "alpha.example.org.evil.net", NULL },
	{ "localhost", NULL },
	{ "10.0.0.1", NULL },
	{ "[::1]", NULL },
	{ "", NULL },
};

int
main(void)
{
	for (size_t i = 0; i < nitems(cases); i++) {
		struct span tool = SPAN("");
		bool found = host_tool(&conf, span_str(cases[i].host), &tool);

		if (cases[i].tool == NULL)
			ok(!found, "\"%s\" is no tool's", cases[i].host);
		else
			is_span(tool, cases[i].tool, "%s", cases[i].host);
	}
	return done();
}
