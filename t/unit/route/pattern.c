/* What a pattern is, what it matches, in which order (2-http.md 2.2). */
#include "route/pattern.h"

#include <malloc.h>
#include <stdlib.h>

#include "t/tap.h"
#include "t/unit/allocations.h"

static const struct {
	const char *pattern;
	enum route_kind kind;
	const char *text;
} kinds[] = {
	{ "/", ROUTE_EXACT, "/" },
	{ "/a/b-c_d~e", ROUTE_EXACT, "/a/b-c_d~e" },
	{ "/a.*", ROUTE_PREFIX, "/a" },
	{ "/.*", ROUTE_PREFIX, "/" },
	{ ".*", ROUTE_ANY, ".*" },
	{ "*", ROUTE_REGEX, "*" },
	{ ".", ROUTE_REGEX, "." },
	{ "/a.b", ROUTE_REGEX, "/a.b" },
	{ "/a\\.b", ROUTE_REGEX, "/a\\.b" },
	{ "/a\\.*", ROUTE_REGEX, "/a\\.*" },
	{ "/a.b.*", ROUTE_REGEX, "/a.b.*" },
	{ "/(a|b)", ROUTE_REGEX, "/(a|b)" },
	{ "/a+", ROUTE_REGEX, "/a+" },
	{ "/a?", ROUTE_REGEX, "/a?" },
	{ "/a{2}", ROUTE_REGEX, "/a{2}" },
	{ "/[ab]", ROUTE_REGEX, "/[ab]" },
	{ "^/a", ROUTE_REGEX, "^/a" },
	{ "/a$", ROUTE_REGEX, "/a$" },
	{ "/.*.*", ROUTE_REGEX, "/.*.*" },
};

static const struct {
	const char *pattern, *path;
	bool matches;
} matches[] = {
	{ "/", "/", true },
	{ "/", "/a", false },
	{ "/a", "/a/", false },
	{ "/a.*", "/a", true },
	{ "/a.*", "/ab/c", true },
	{ "/a.*", "/b/a", false },
	{ ".*", "/", true },
	{ ".*", "*", true },
	{ "/a.b", "/axb", true },
	{ "/a\\.b", "/axb", false },
	{ "/a\\.b", "/a.b", true },
	{ "/(a|b)/", "/b/c", true }, /* the start is enough */
	{ "/(a|b)/", "/c/b/", false },
	{ "a", "/a", false },
	{ "x|/b", "/b", true },
	{ "x|b", "/b", false }, /* each branch is anchored */
	{ "/a$", "/a", true },
	{ "/a$", "/ab", false },
	{ "^/a", "/ab", true },
	{ "/[0-9]+", "/12", true },
	{ "/%41+", "/A", false }, /* the raw path */
	{ "(?i)/a", "/A", true },
	{ "/(", "/(", false }, /* does not compile: matches nothing */
	{ "/a)(?:b", "/ab", false },
};

static const struct {
	const char *what, *pattern;
	bool valid;
} valid[] = {
	{ "any", ".*", true },
	{ "a literal", "/a", true },
	{ "a regex", "/(a|b)+", true },
	{ "a parenthesis alone", "/(a", false },
	{ "one that closes", "/a)(?:b", false },
	{ "an empty one", "", false },
	{ "a blank", "/a b", false },
	{ "a newline", "/a\n", false },
	{ "a control byte", "/a\x01", false },
	{ "beyond ASCII", "/\xc3\xa4", false },
	{ "UTF mode", "(*UTF)/a", false },
	{ "a single byte of a character", "/\\C", false },
	{ "one that becomes huge", "((((a{1,99}){1,99}){1,99}){1,99})", false },
};

/* In the order in which they are tried. */
static const char *const order[] = { "/a", "/b", "/bb.*", "/a.*", "/b.*", "/.*",
	"/(long|er)", "/[a]", "/[b]", ".*" };

static struct route
route_of(const char *pattern)
{
	struct route r = { .nbackends = 1 };

	r.kind = pattern_kind(span_str(pattern), &r.text);
	return r;
}

static void
test_order(void)
{
	struct route routes[nitems(order)];

	for (size_t i = 0; i < nitems(order); i++)
		routes[i] = route_of(order[nitems(order) - 1 - i]);
	qsort(routes, nitems(order), sizeof(routes[0]), pattern_order);
	for (size_t i = 0; i < nitems(order); i++) {
		struct route want = route_of(order[i]);

		ok(routes[i].kind == want.kind &&
			span_eq(routes[i].text, want.text),
		    "%s comes at place %zu", order[i], i);
	}
}

static bool
matches_path(const char *pattern, struct span path)
{
	struct route r = route_of(pattern);
	uint64_t work = PATTERN_WORK;

	return pattern_match(&r, path, &work);
}

/* The longest path there is: all `a`, and that at its begin and end. */
static struct span
long_path(const char *begin, const char *end)
{
	static char path[8000];

	memset(path, 'a', sizeof(path));
	memcpy(path, begin, strlen(begin));
	memcpy(path + sizeof(path) - strlen(end), end, strlen(end));
	return (struct span){ path, sizeof(path) };
}

/*
 * Each would take longer than the sun lasts, or goes over all of the path in
 * one step, and from every byte of it: what PCRE2 does is charged for.
 */
static const char *const hungry[] = {
	"/(a+)+(a+)+(a+)+b",
	"(?:(?![^!]*+!).)*y",
	"(?:(?![^!]{7000,}!).)*y",
	"(?:(?!(?:[^!])*+!).)*y",
	"(?:(?=[^!]*+).)*y",
	"(?:(?!/*a++(?#no more)!).)*y",
	"(?x)(?:(?![^!]*+!).)*y",
	"(/a{3000})(?:(?!\\1).)*y",
	"(?<g>/a{3000})(?:(?=(?P=g)|.).)*y",
	"/(?:a(?1)?)?((?:a*+b|.)+)y",
};

static void
test_hungry(void)
{
	struct span path = long_path("/", "y");
	uint64_t left = PATTERN_WORK;

	for (size_t i = 0; i < nitems(hungry); i++) {
		struct route r = route_of(hungry[i]);
		uint64_t work = PATTERN_WORK;

		for (int n = 0; n < PATTERN_REGEXES_MAX; n++)
			pattern_match(&r, path, &work);
		is_int(work, 0, "%s is charged for", hungry[i]);
		pattern_match(&r, path, &left);
	}
	is_int(left, 0, "all of them together get what one request has");
	ok(!pattern_match(&(struct route){ .kind = ROUTE_REGEX,
			      .text = SPAN("/a[a]") }, path, &left),
	    "then no regex matches,");
	ok(pattern_match(&(struct route){ .kind = ROUTE_PREFIX,
			     .text = SPAN("/a") }, path, &left),
	    "but what is none does");
}

/* Honest ones reach the end of the longest path. */
static const struct {
	const char *pattern, *begin, *end;
} honest[] = {
	{ ".*\\.php", "/index.php/", "" },
	{ "/a*/[a-z]+", "/", "/a" },
	{ "/(css|js)/.*\\.(png|svg)$", "/css/", ".svg" },
	{ "/[^.]+\\.json", "/", ".json" },
	{ "/(?!api/).*", "/", "" },
};

static void
test_honest(void)
{
	for (size_t i = 0; i < nitems(honest); i++)
		ok(matches_path(honest[i].pattern,
		       long_path(honest[i].begin, honest[i].end)),
		    "%s matches %s...%s of 8000 bytes", honest[i].pattern,
		    honest[i].begin, honest[i].end);
}

/* More of them than are kept: each still means itself. */
/* How many of so many patterns, from that one on, match what they do not say. */
static unsigned
try_patterns(unsigned from, unsigned n)
{
	unsigned wrong = 0;

	for (unsigned i = from; i < from + n; i++) {
		char pattern[32], path[32];
		uint64_t work = PATTERN_WORK;
		struct route r;

		snprintf(pattern, sizeof(pattern), "/[x]%05u$", i);
		snprintf(path, sizeof(path), "/x%05u", i);
		r = route_of(pattern);
		wrong += !pattern_match(&r, span_str(path), &work);
		wrong += pattern_match(&r, SPAN("/x"), &work);
	}
	return wrong;
}

/*
 * More of them than are kept, and again: each means itself.  Those that are
 * kept take no more memory in the end than when all places were taken first.
 * (A sanitizer's mallinfo2() is all zeros.)
 */
static void
test_cache(void)
{
	size_t full;

	is_int(try_patterns(0, 5000) + try_patterns(0, 5000), 0,
	    "5000 patterns, each matches its path and no other");
	full = mallinfo2().uordblks;
	is_int(try_patterns(5000, 20000), 0, "20000 more");
	ok(mallinfo2().uordblks <= full + full / 10,
	    "take no more memory: %zu, %zu bytes", full,
	    mallinfo2().uordblks);
}

/* A regex is compiled once, and is there for the next request. */
static void
test_kept(void)
{
	unsigned before;

	count_allocations();
	before = allocations;
	try_patterns(70000, 1);
	ok(allocations > before, "a regex that is new allocates");
	before = allocations;
	try_patterns(70000, 1);
	is_int(allocations - before, 0, "one that is kept does not");
}

/* Wherever memory ends: a pattern is tried again when there is some. */
static void
test_no_memory(void)
{
	unsigned lost = 0;

	for (unsigned i = 0; i < 10; i++) {
		granted = i;
		try_patterns(80000 + i, 1);
		granted = UINT_MAX;
		lost += try_patterns(80000 + i, 1);
	}
	is_int(lost, 0, "a regex that got no memory is compiled later");
}

int
main(void)
{
	char why[160], longest[ROUTE_PATTERN_MAX + 2];

	for (size_t i = 0; i < nitems(kinds); i++) {
		struct span text;
		enum route_kind kind =
		    pattern_kind(span_str(kinds[i].pattern), &text);

		is_int(kind, kinds[i].kind, "kind of %s", kinds[i].pattern);
		is_span(text, kinds[i].text, "text of %s", kinds[i].pattern);
	}
	for (size_t i = 0; i < nitems(matches); i++)
		is_int(matches_path(matches[i].pattern,
			   span_str(matches[i].path)),
		    matches[i].matches, "%s on %s", matches[i].pattern,
		    matches[i].path);
	for (size_t i = 0; i < nitems(valid); i++)
		is_int(pattern_valid(
			   span_str(valid[i].pattern), why, sizeof(why)),
		    valid[i].valid, "%s", valid[i].what);
	memset(longest, 'a', sizeof(longest));
	ok(pattern_valid((struct span){ longest, ROUTE_PATTERN_MAX }, why,
	       sizeof(why)),
	    "the longest pattern");
	ok(!pattern_valid((struct span){ longest, ROUTE_PATTERN_MAX + 1 }, why,
	       sizeof(why)),
	    "and one byte more");
	test_order();
	test_hungry();
	test_honest();
	test_cache();
	test_kept();
	test_no_memory();
	return done();
}
