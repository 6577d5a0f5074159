/* The order of decisions (2-http.md 2.1). */
#include "route/decide.h"

#include <stdlib.h>
#include <string.h>

#include "route/pattern.h"
#include "shm/segment.h"
#include "shm/table_write.h"
#include "t/tap.h"
#include "t/unit/allocations.h"

static const struct backend backends[] = {
	{ .ip = { { 10, 0, 0, 1 }, AF_INET }, .port = 1001 },
	{ .ip = { { 10, 0, 0, 1 }, AF_INET }, .port = 1002 },
	{ .ip = { { 10, 0, 0, 1 }, AF_INET }, .port = 1003 },
};

static const struct row {
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
	{ "one whose port is somebody else's", "beta.example.org", "/stale/",
	    ACTION_REFUSE, REASON_STALE_ROUTE, 0 },
	{ "one without a backend for new requests", "beta.example.org",
	    "/drained/", ACTION_REFUSE, REASON_TOOL_STOPPED, 0 },
	{ "one that is not proved yet", "beta.example.org", "/unproved/",
	    ACTION_REFUSE, REASON_TOOL_STARTING, 0 },
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

	{ "a legacy host", "old.example.net", "/alpha/one", ACTION_PROXY, 0,
	    1001 },
	{ "of one that is stopped", "old.example.net", "/gamma/", ACTION_REFUSE,
	    REASON_TOOL_STOPPED, 0 },
	{ "of nobody", "old.example.net", "/nobody/", ACTION_REFUSE,
	    REASON_NO_ROUTE, 0 },
	{ "a canonical tool's own host", "canon.example.org", "/x",
	    ACTION_PROXY, 0, 1001 },

	{ "a frontend", "www.front.test", "/x", ACTION_PROXY, 0, 1001 },
	{ "all beside it", "any.front.test", "/x", ACTION_PROXY, 0, 1002 },
	{ "one label deep", "a.any.front.test", "/x", ACTION_REFUSE,
	    REASON_NO_ROUTE, 0 },
	{ "their parent", "test", "/x", ACTION_REFUSE, REASON_NO_ROUTE, 0 },

	{ "a renamed domain without such a frontend", "any.front.old", "/x",
	    ACTION_REFUSE, REASON_NO_ROUTE, 0 },
};

static const struct {
	const char *what, *host, *path;
	unsigned status;
	const char *location;
} redirected[] = {
	{ "a tool's path without the slash", "old.example.net", "/alpha", 307,
	    "/alpha/" },
	{ "a canonical tool", "old.example.net", "/canon/x", 307,
	    "http://canon.example.org/x" },
	{ "a host", "was.example.org", "/x", 301, "http://is.example.org/x" },
	{ "a domain", "www.front.old", "/x", 308, "http://www.front.test/x" },
};

/* The same with a default backend and an admin tool. */
static const struct row with_default[] = {
	{ "an unknown tool", "nobody.example.org", "/", ACTION_PROXY, 0, 1003 },
	{ "an unknown host", "a.test", "/", ACTION_PROXY, 0, 1003 },
	{ "an address", "[2001:db8::1]:80", "/", ACTION_PROXY, 0, 1003 },
	{ "a tool without a route for it", "beta.example.org", "/x",
	    ACTION_PROXY, 0, 1003 },
	{ "a stopped tool", "gamma.example.org", "/", ACTION_REFUSE,
	    REASON_TOOL_STOPPED, 0 },
	{ "a damaged one", "delta.example.org", "/", ACTION_REFUSE,
	    REASON_NOT_READY, 0 },
	{ "the bare domain", "example.org", "/b/x", ACTION_PROXY, 0, 1002 },
	{ "a path that the admin tool has not", "example.org", "/", ACTION_PROXY,
	    0, 1003 },
	{ "a known tool without a route for it", "example.org", "/beta/x",
	    ACTION_PROXY, 0, 1003 },
	{ "a tool comes before", "example.org", "/alpha/one", ACTION_PROXY, 0,
	    1001 },
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
	tool.nroutes = 4;
	tool.routes[0] = route_to("/b/.*", 1);
	tool.routes[1] = (struct route){ .kind = ROUTE_PREFIX,
		.text = SPAN("/stale/"),
		.closed = ROUTE_STALE };
	tool.routes[2] = (struct route){ .kind = ROUTE_PREFIX,
		.text = SPAN("/drained/"),
		.closed = ROUTE_DRAINED };
	tool.routes[3] = (struct route){ .kind = ROUTE_PREFIX,
		.text = SPAN("/unproved/"),
		.closed = ROUTE_UNPROVED };
	ok(table_put(w, &tool, 2) == 0, "beta");
	tool.nroutes = 1;
	tool.key = SPAN("fwww.front.test");
	tool.routes[0] = route_to(".*", 0);
	ok(table_put(w, &tool, 3) == 0, "a frontend");
	tool.key = SPAN("f*.front.test");
	tool.routes[0] = route_to(".*", 1);
	ok(table_put(w, &tool, 3) == 0, "a frontend for many");
	tool.key = SPAN("tcanon");
	tool.canonical = true;
	tool.routes[0] = route_to(".*", 0);
	ok(table_put(w, &tool, 3) == 0, "a canonical tool");
	tool.canonical = false;
	tool.nroutes = 0;
	tool.key = SPAN("tgamma");
	tool.state = TOOL_STOPPED;
	ok(table_put(w, &tool, 3) == 0, "gamma");
	tool.key = SPAN("tdelta");
	tool.state = TOOL_QUARANTINED;
	ok(table_put(w, &tool, 4) == 0, "delta");
}

static void
fill_default(struct table_writer *w)
{
	static struct tool tool = { .nroutes = 1 };

	tool.key = span_str(KEY_DEFAULT_BACKEND);
	tool.routes[0] = route_to(".*", 2);
	ok(table_put(w, &tool, 5) == 0, "default backends");
}

static void
decide(struct router *router, const char *host, const char *path,
    struct decision *d)
{
	struct http_target target = { .authority = span_str(host),
		.path = span_str(path), .raw = span_str(path) };

	if (!http_host_normalize(
		target.authority, target.host, &target.host_len))
		abort();
	/* who it is does not matter here: t/unit/route/admit.c */
	route_decide(router, &(struct visitor){ .now_ms = 1 }, &target, d);
}

static void
check(struct router *router, const struct row *row)
{
	struct decision d;

	decide(router, row->host, row->path, &d);
	if (!is_int(d.action, row->action, "%s", row->what))
		return;
	if (d.action == ACTION_REFUSE)
		is_int(d.reason, row->reason, "  %s",
		    reason_info(row->reason)->word);
	if (d.action == ACTION_PROXY)
		is_int(d.route->backends[0].port, row->port,
		    "  goes to the right backend");
}

static void
check_redirect(struct router *router, size_t i)
{
	struct decision d;

	decide(router, redirected[i].host, redirected[i].path, &d);
	if (!is_int(d.action, ACTION_REDIRECT, "%s", redirected[i].what))
		return;
	is_int(d.status, redirected[i].status, "  with this status");
	is_span(d.location, redirected[i].location, "  to %s",
	    redirected[i].location);
}

/* What is found in the table needs no memory; of a regex, only once. */
static void
test_allocations(struct router *router)
{
	struct decision d;
	char *volatile copy; /* so that no compiler does without */
	unsigned before;

	count_allocations();
	before = allocations;
	copy = strdup("x");
	free(copy);
	is_int(allocations - before, 1, "an allocation is counted");
	before = allocations;
	for (unsigned i = 0; i < 1000; i++) {
		decide(router, "alpha.example.org", "/one", &d);
		decide(router, "alpha.example.org", "/any/thing", &d);
		decide(router, "beta.example.org", "/b/c", &d);
		decide(router, "nobody.example.org", "/", &d);
	}
	is_int(allocations - before, 0, "a decision allocates nothing");
}

static void
test_before_load(struct router *router)
{
	struct decision d;

	decide(router, "alpha.example.org", "/", &d);
	ok(d.action == ACTION_REFUSE && d.reason == REASON_NOT_READY,
	    "before the first load: 503, never 404");
	decide(router, "alpha.example.org", HEALTH_PATH, &d);
	is_int(d.action, ACTION_HEALTH, "but it is alive");
}

static void
test_default(struct router *router, struct conf *conf, struct table_writer *w)
{
	static char beta[] = "beta";
	struct decision d;

	conf->admin_tool = beta;
	conf->ndefault_backends = 1;
	decide(router, "a.test", "/", &d);
	ok(d.action == ACTION_REFUSE && d.reason == REASON_DEFAULT_BACKEND_DOWN,
	    "default backends that were never found: not 404");
	fill_default(w);
	for (size_t i = 0; i < nitems(with_default); i++)
		check(router, &with_default[i]);
}

int
main(void)
{
	static char domain[] = "example.org";
	static char *domains[] = { domain };
	static char legacy[] = "old.example.net";
	static char *legacies[] = { legacy };
	static char none[] = "";
	static char names[][16] = { "was.example.org", "is.example.org",
		"front.old", "front.test" };
	static struct redirect_conf redirects[] = {
		{ names[0], names[1], 301, false },
		{ names[2], names[3], 308, true },
	};
	struct conf conf = { .web_domains = domains,
		.nweb_domains = 1,
		.legacy_hosts = legacies,
		.nlegacy_hosts = 1,
		.admin_tool = none,
		.acme_directory = none,
		.redirects = redirects,
		.nredirects = 2 };
	struct router *router = calloc(1, sizeof(*router));
	int fd = segment_create("decide", 8 * 1024 * 1024);
	struct table_writer *w;
	struct table *table;

	if (!ok(fd != -1 && table_format(fd) == 0, "a table"))
		return done();
	w = table_writer_new(fd, NULL, NULL);
	table = table_open(fd);
	if (!ok(router != NULL && w != NULL && table != NULL, "is opened"))
		return done();
	router->conf = &conf;
	router->table = table;
	fill(w);

	test_before_load(router);
	table_set_ready(w);
	for (size_t i = 0; i < nitems(cases); i++)
		check(router, &cases[i]);
	for (size_t i = 0; i < nitems(redirected); i++)
		check_redirect(router, i);
	test_allocations(router);
	test_default(router, &conf, w);

	table_close(table);
	table_writer_free(w);
	free(router);
	return done();
}
