/* A blob holds what a tool is, and no byte of a bad one is believed. */
#include "shm/route.h"

#include "t/tap.h"

static struct backend
backend(uint8_t last, uint16_t port)
{
	return (struct backend){
		.ip = { .bytes = { 10, 0, 0, last }, .family = AF_INET },
		.scheme = BACKEND_HTTP,
		.port = port,
	};
}

static union {
	uint64_t words[ROUTE_BLOB_MAX / 8 + 1];
	char bytes[ROUTE_BLOB_MAX];
} blob;
static char text[ROUTE_PATTERN_MAX + 1];
static struct backend many[ROUTE_BACKENDS_MAX + 1];
static struct tool tool, back;

/* A tool with n routes of nb backends and a text of len bytes each. */
static void
tool_of(size_t n, size_t nb, size_t len)
{
	tool = (struct tool){
		.key = SPAN("talpha"),
		.state = TOOL_ACTIVE,
		.canonical = true,
		.counter_slot = 70000,
		.nroutes = n,
	};
	for (size_t i = 0; i < n && i < ROUTES_MAX; i++)
		tool.routes[i] = (struct route){
			.kind = ROUTE_PREFIX,
			.text = { text, len },
			.backends = many,
			.nbackends = nb,
		};
}

static bool
same(const struct tool *a, const struct tool *b)
{
	if (!span_eq(a->key, b->key) || a->state != b->state ||
	    a->canonical != b->canonical ||
	    a->counter_slot != b->counter_slot || a->nroutes != b->nroutes)
		return false;
	for (size_t i = 0; i < a->nroutes; i++) {
		const struct route *x = &a->routes[i], *y = &b->routes[i];

		if (x->kind != y->kind || !span_eq(x->text, y->text) ||
		    x->nbackends != y->nbackends ||
		    memcmp(x->backends, y->backends,
			x->nbackends * sizeof(*x->backends)) != 0)
			return false;
	}
	return true;
}

static const struct {
	const char *what;
	size_t routes, backends, text;
	bool fits;
} sizes[] = {
	{ "no route", 0, 1, 0, true },
	{ "one route, one backend", 1, 1, 2, true },
	{ "all backends", 1, ROUTE_BACKENDS_MAX, 2, true },
	{ "a backend too many", 1, ROUTE_BACKENDS_MAX + 1, 2, false },
	{ "no backend", 1, 0, 2, false },
	{ "the longest pattern", 1, 1, ROUTE_PATTERN_MAX, true },
	{ "a byte longer", 1, 1, ROUTE_PATTERN_MAX + 1, false },
	{ "all routes", ROUTES_MAX, 1, 20, true },
	{ "a route too many", ROUTES_MAX + 1, 1, 0, false },
	{ "over the blob's maximum", 200, 1, 1000, false },
};

static void
sizes_both_ways(void)
{
	size_t len;

	for (size_t i = 0; i < nitems(sizes); i++) {
		tool_of(sizes[i].routes, sizes[i].backends, sizes[i].text);
		len = route_encode(&tool, blob.words, sizeof(blob));
		is_int(len > 0, sizes[i].fits, "%s: written or not",
		    sizes[i].what);
		if (len > 0)
			ok(route_decode(blob.words, len, &back) &&
				same(&tool, &back),
			    "%s: comes back", sizes[i].what);
	}
}

/* What may not be stored, one wrong value each. */
static void
bad_values(void)
{
	struct backend b;

	tool_of(1, 1, 2);
	tool.key = SPAN("t");
	is_int(route_encode(&tool, blob.words, sizeof(blob)), 0, "empty name");
	tool.key = SPAN("xalpha");
	is_int(route_encode(&tool, blob.words, sizeof(blob)), 0, "key's kind");
	tool.key = (struct span){ text, KEY_MAX + 1 };
	is_int(route_encode(&tool, blob.words, sizeof(blob)), 0, "long key");
	tool_of(1, 1, 2);
	tool.routes[0].kind = ROUTE_ANY + 1;
	is_int(route_encode(&tool, blob.words, sizeof(blob)), 0, "route kind");

	tool_of(1, 1, 2);
	tool.routes[0].closed = ROUTE_STALE;
	is_int(route_encode(&tool, blob.words, sizeof(blob)), 0,
	    "closed, with a backend");
	tool_of(1, 0, 2);
	tool.routes[0].closed = ROUTE_UNPROVED + 1;
	is_int(route_encode(&tool, blob.words, sizeof(blob)), 0,
	    "closed, nobody knows why");
	tool.routes[0].closed = ROUTE_STALE;
	ok(route_decode(blob.words,
	       route_encode(&tool, blob.words, sizeof(blob)), &back) &&
		back.routes[0].closed == ROUTE_STALE &&
		back.routes[0].nbackends == 0,
	    "a route without backends says why");

	tool_of(1, 1, 2);
	tool.routes[0].backends = &b;
	b = backend(1, 0);
	is_int(route_encode(&tool, blob.words, sizeof(blob)), 0, "port 0");
	b = backend(1, 80);
	b.pad = 1;
	is_int(route_encode(&tool, blob.words, sizeof(blob)), 0, "padding");
	b = backend(1, 80);
	b.ip.family = AF_UNIX;
	is_int(route_encode(&tool, blob.words, sizeof(blob)), 0, "family");
	b = backend(1, 80);
	b.ip.bytes[15] = 1;
	is_int(route_encode(&tool, blob.words, sizeof(blob)), 0,
	    "IPv4 with hidden bytes");
	b = backend(1, 80);
	b.scheme = BACKEND_HTTPS + 1;
	is_int(route_encode(&tool, blob.words, sizeof(blob)), 0, "scheme");
}

/* Each byte set to each of some values, each length: never believed wrongly. */
static void
hostile(void)
{
	static const uint8_t values[] = { 0, 1, 2, 0x7f, 0x80, 0xff };
	size_t len, outside = 0, shorter = 0;
	char was;

	tool_of(3, 2, 5);
	len = route_encode(&tool, blob.words, sizeof(blob));
	for (size_t at = 0; at < len; at++) {
		was = blob.bytes[at];
		for (size_t v = 0; v < nitems(values); v++) {
			blob.bytes[at] = (char)values[v];
			if (!route_decode(blob.words, len, &back))
				continue;
			/* Still a tool within all bounds: it encodes again. */
			outside +=
			    route_encode(&back,
				blob.words + ROUTE_BLOB_MAX / 16, len) != len;
		}
		blob.bytes[at] = was;
	}
	is_int(outside, 0, "a changed byte never breaks a bound");
	for (size_t n = 0; n < len; n++)
		shorter += route_decode(blob.words, n, &back);
	is_int(shorter, 0, "a part of a blob is no blob");
}

int
main(void)
{
	memset(text, 'x', sizeof(text));
	text[0] = 't';
	for (size_t i = 0; i < nitems(many); i++)
		many[i] = backend((uint8_t)i, (uint16_t)(8000 + i));
	sizes_both_ways();
	bad_values();
	hostile();

	tool_of(1, 1, 2);
	tool.key = SPAN("ttool-0999999");
	ok(route_encode(&tool, blob.words, sizeof(blob)) <= 64,
	    "a tool with one backend takes one cache line");
	is_int(route_encode(&tool, blob.words, 40), 0, "no room, no blob");
	return done();
}
