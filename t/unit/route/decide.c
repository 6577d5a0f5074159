/* The order of decisions (2-http.md 2.1). */
#include "route/decide.h"

#include <stdlib.h>

#include "route/pattern.h"
#include "shm/segment.h"
#include "shm/table_write.h"
#include "t/tap.h"

static const struct backend backends[] = {
	{ .ip = { { 10, 0, 0, 1 }, AF_INET }, .port = 1001 },
	{ .ip = { { 10, 0, 0, 1 }, AF_INET }, .port = 1002 },
	{ .ip = { { 10, 0, 0, 1 }, AF_INET }, .port = 1003 },
};

static const struct {
	const char *what, *host, *path;
	enum action action;
	enum reason reason;
	unsigned port; /* of the backend */
} cases[] = {
	{ "a tool", "alpha.example.org", "/x", ACTION_PROXY, 0, 1003 },
	{ "its host with a port", "alpha.example.org:8080", "/x", ACTION_PROXY,
	    0, 1003 },
	{ "in capitals, with a dot", "ALPHA.Example.ORG.", "/x", ACTION_PROXY,
	    0, 1003 },
	{ "an exact route", "alpha.example.org", "/one", ACTION_PROXY, 0,
	    1001 },
	{ "a regex", "alpha.example.org", "/42", ACTION_PROXY, 0, 1002 },
	{ "a tool without a route for it", "beta.example.org", "/x",
	    ACTION_REFUSE, REASON_NO_ROUTE, 0 },
	{ "and with one", "beta.example.org", "/b/c", ACTION_PROXY, 0, 1002 },
	{ "a stopped tool", "gamma.example.org", "/", ACTION_REFUSE,
	    REASON_TOOL_STOPPED, 0 },
	{ "a damaged one", "delta.example.org", "/", ACTION_REFUSE,
	    REASON_NOT_READY, 0 },
	{ "an unknown one", "nobody.example.org", "/", ACTION_REFUSE,
	    REASON_NO_ROUTE, 0 },
	{ "another domain", "alpha.example.com", "/", ACTION_REFUSE,
	    REASON_NO_ROUTE, 0 },
	{ "the domain itself", "example.org", "/", ACTION_REFUSE,
	    REASON_NO_ROUTE, 0 },
	{ "the health check", "alpha.example.org", "/.well-known/healthz",
	    ACTION_HEALTH, 0, 0 },
	{ "on any host", "10.0.0.1", "/.well-known/healthz", ACTION_HEALTH, 0,
	    0 },
	{ "but a host", "a?x", "/.well-known/healthz", ACTION_REFUSE,
	    REASON_NO_HOST, 0 },
	{ "two ports", "alpha.example.org:80:80", "/", ACTION_REFUSE,
	    REASON_NO_HOST, 0 },
	{ "markup", "<a>", "/", ACTION_REFUSE, REASON_NO_HOST, 0 },
};

static struct route
route_to(const char *pattern, size_t n)
{
	struct route r = { .backends = &backends[n], .nbackends = 1 };

	r.kind = pattern_kind(span_str(pattern), &r.text);
	return r;
}

static void
fill(struct table_writer *w)
{
	static struct tool tool;

	tool.key = SPAN("talpha");
	tool.nroutes = 3;
	tool.routes[0] = route_to("/one", 0);
	tool.routes[1] = route_to("/[0-9]+", 1);
	tool.routes[2] = route_to(".*", 2);
	ok(table_put(w, &tool, 1) == 0, "alpha");
	tool.key = SPAN("tbeta");
	tool.nroutes = 1;
	tool.routes[0] = route_to("/b/.*", 1);
	ok(table_put(w, &tool, 2) == 0, "beta");
	tool.nroutes = 0;
	tool.key = SPAN("tgamma");
	tool.state = TOOL_STOPPED;
	ok(table_put(w, &tool, 3) == 0, "gamma");
	tool.key = SPAN("tdelta");
	tool.state = TOOL_QUARANTINED;
	ok(table_put(w, &tool, 4) == 0, "delta");
}

static void
decide(struct router *router, const char *host, const char *path,
    struct decision *d)
{
	struct http_target target = { .authority = span_str(host),
		.path = span_str(path), .raw = span_str(path) };

	route_decide(router, &target, d);
}

static void
check(struct router *router, size_t i)
{
	struct decision d;

	decide(router, cases[i].host, cases[i].path, &d);
	if (!is_int(d.action, cases[i].action, "%s", cases[i].what))
		return;
	if (d.action == ACTION_REFUSE)
		is_int(d.reason, cases[i].reason, "  %s",
		    reason_info(cases[i].reason)->word);
	if (d.action == ACTION_PROXY)
		is_int(d.route->backends[0].port, cases[i].port,
		    "  goes to the right backend");
}

int
main(void)
{
	static char *domains[] = { "example.org" };
	struct conf conf = { .web_domains = domains, .nweb_domains = 1 };
	struct router *router = calloc(1, sizeof(*router));
	int fd = segment_create("decide", 8 * 1024 * 1024);
	struct table_writer *w;
	struct table *table;
	struct decision d;

	if (!ok(fd != -1 && table_format(fd) == 0, "a table"))
		return done();
	w = table_writer_new(fd);
	table = table_open(fd);
	if (!ok(router != NULL && w != NULL && table != NULL, "is opened"))
		return done();
	router->conf = &conf;
	router->table = table;
	fill(w);

	decide(router, "alpha.example.org", "/", &d);
	ok(d.action == ACTION_REFUSE && d.reason == REASON_NOT_READY,
	    "before the first load: 503, never 404");
	decide(router, "alpha.example.org", HEALTH_PATH, &d);
	is_int(d.action, ACTION_HEALTH, "but it is alive");
	decide(router, "", "/", &d);
	is_int(d.reason, REASON_NO_HOST, "and a bad request is one");
	table_set_ready(w);
	for (size_t i = 0; i < nitems(cases); i++)
		check(router, i);

	table_close(table);
	table_writer_free(w);
	free(router);
	return done();
}
