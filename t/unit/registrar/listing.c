/* A route is written as JSON, whatever bytes it was registered with. */
#include "registrar/listing.h"

#include <string.h>

#include "lib/array.h"
#include "t/tap.h"

static const struct {
	const char *what, *pattern, *appears;
} cases[] = {
	{ "plain", "/x.*", "/x.*" },
	{ "backslash and quote", "/\\d+\"", "/\\d+\"" },
	{ "control bytes", "/a\tb\x01", "/a\tb\x01" },
	{ "DEL", "/\x7f", "/\x7f" },
	{ "UTF-8", "/\xc3\xa4", "/\xc3\xa4" },
	{ "no UTF-8", "/\xff", "/\\xff" },
};

static json_t *
written(struct book *book, const char *pattern, bool named)
{
	struct destination to = { .url = "http://192.0.2.1:80",
		.backend = { .port = 80 },
		.proved_ms = 1000 };
	struct book_route *route =
	    book_set(book, "talpha", pattern, &to, 1, ORIGIN_TOOL, 0);
	struct book_name *name = book_find(book, "talpha");
	const struct listed_tool tool = { name, "good", 2000 };
	json_t *value;
	struct buf b;

	buf_init(&b, 65536);
	ok(listing_put_route(&b, named ? &tool : NULL, route, &route->to.at[0]),
	    "there is room");
	ok(memchr(buf_span(&b).ptr, '\n', buf_len(&b)) == NULL,
	    "it is one line");
	value = json_loadb(buf_span(&b).ptr, buf_len(&b), 0, NULL);
	buf_release(&b);
	book_strike(book, name, route);
	return value;
}

static const char *
text(const json_t *value, const char *member)
{
	return json_string_value(json_object_get(value, member));
}

static bool
put_whole(const struct listing *l, struct buf *b, const struct book_name *name)
{
	const struct listed_tool tool = { name, "quiet", 0 };
	const struct book_route *route = TAILQ_FIRST(&name->routes);

	return buf_append_span(b, l->some ? SPAN(",") : SPAN("")) &&
	       listing_put_route(b, &tool, route, &route->to.at[0]);
}

/* A list without room for all says so: it is not taken for a whole one. */
static void
try_lists(struct book *book)
{
	static const struct {
		const char *what;
		size_t room;
		bool broken;
	} lists[] = { { "room for all", 65536, false },
		{ "for the first", 300, true }, { "for none", 8, true } };
	struct destination to = { .url = "http://192.0.2.1:80",
		.backend = { .port = 80 } };
	struct buf b;

	book_set(book, "talpha", ".*", &to, 1, ORIGIN_TOOL, 0);
	book_set(book, "tbeta", ".*", &to, 1, ORIGIN_TOOL, 0);
	for (size_t i = 0; i < nitems(lists); i++) {
		struct listing l = { 0 };

		buf_init(&b, lists[i].room);
		ok(!listing_more(&l, book, &b, put_whole),
		    "%s: nothing more comes", lists[i].what);
		is_int(l.broken, lists[i].broken, "is it broken?");
		buf_release(&b);
	}
}

int
main(void)
{
	struct book book;
	json_t *value;

	ok(book_init(&book), "a book");
	for (size_t i = 0; i < nitems(cases); i++) {
		value = written(&book, cases[i].pattern, true);
		is_int((long long)json_object_size(value), 12, "%s: members",
		    cases[i].what);
		is_str(text(value, "pattern"), cases[i].appears, "%s",
		    cases[i].what);
		json_decref(value);
	}
	value = written(&book, ".*", true);
	is_str(text(value, "tool"), "alpha", "the tool");
	ok(json_is_false(json_object_get(value, "canonical")), "canonical");
	is_str(text(value, "destination"), "http://192.0.2.1:80", "the URL");
	ok(json_is_null(json_object_get(value, "lease")), "no lease is null");
	is_str(text(value, "proved"), "1970-01-01T00:00:01Z", "a time");
	is_str(text(value, "hit"), "1970-01-01T00:00:02Z", "another");
	is_str(text(value, "health"), "good", "how it is");
	ok(json_is_null(json_object_get(value, "since")), "none is null");
	json_decref(value);

	value = written(&book, ".*", false);
	ok(json_object_get(value, "tool") == NULL &&
		json_object_get(value, "hit") == NULL,
	    "without its name");
	json_decref(value);
	try_lists(&book);
	book_release(&book);
	return done();
}
