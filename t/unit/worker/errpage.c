/* Each reason has a page in each form, with its word and its status. */
#include "worker/errpage.h"

#include <stdlib.h>

#include "t/tap.h"

static const char *const types[] = {
	[MEDIA_TEXT] = "text/plain; charset=utf-8",
	[MEDIA_HTML] = "text/html; charset=utf-8",
	[MEDIA_JSON] = "application/problem+json",
};

static struct span
field(const struct http_msg *msg, const char *name)
{
	for (size_t i = 0; i < msg->nfields; i++)
		if (span_eq_nocase(msg->field[i].name, span_str(name)))
			return msg->field[i].value;
	return SPAN("");
}

static bool
contains(struct span s, const char *what)
{
	return memmem(s.ptr, s.len, what, strlen(what)) != NULL;
}

static void
check(enum reason reason, enum media media, struct http_msg *msg)
{
	const struct reason_info *info = reason_info(reason);
	struct errpage_text text;
	char number[16];
	struct buf page;

	buf_init(&page, ERRPAGE_MAX);
	if (!ok(errpage_make(reason, 0, media, 784111777, &text, msg, &page),
		"%s as %s", info->word, types[media]))
		return;
	is_int(msg->status, info->status, "  its status");
	is_span(field(msg, "Content-Type"), types[media], "  its type");
	is_span(field(msg, "X-Dynproxy-Error"), info->word, "  its word");
	is_span(field(msg, "Cache-Control"), "no-store", "  never cached");
	is_span(field(msg, "Date"), "Sun, 06 Nov 1994 08:49:37 GMT", "  Date");
	snprintf(number, sizeof(number), "%zu", buf_len(&page));
	is_span(field(msg, "Content-Length"), number, "  its length");
	snprintf(number, sizeof(number), "%u", info->retry_after);
	is_span(field(msg, "Retry-After"),
	    info->retry_after > 0 ? number : "", "  Retry-After");
	ok(contains(buf_span(&page), info->word), "  the page has the word");
	ok(contains(buf_span(&page), info->says), "  and what it means");
	buf_release(&page);
}

/* The location goes in the head, and stays out of the page. */
static void
check_redirect(unsigned status, enum media media, const char *cache,
    struct http_msg *msg)
{
	static const char location[] = "http://a.example/\"><b>?c";
	struct errpage_text text;
	char number[16];
	struct buf page;
	struct span body;

	buf_init(&page, ERRPAGE_MAX);
	ok(buf_append_span(&page, span_str(location)), "a location");
	if (!ok(errpage_redirect(status, media, 0, &text, msg, &page),
		"a redirect with %u", status))
		return;
	is_int(msg->status, status, "  its status");
	is_span(field(msg, "Location"), location, "  where to");
	is_span(field(msg, "Cache-Control"), cache, "  %s", cache);
	body = span_from(buf_span(&page), sizeof(location) - 1);
	snprintf(number, sizeof(number), "%zu", body.len);
	is_span(field(msg, "Content-Length"), number, "  its length");
	ok(body.len > 0 && !contains(body, "a.example"), "  says less");
	buf_release(&page);
}

int
main(void)
{
	struct http_msg *msg = calloc(1, sizeof(*msg));
	struct errpage_text text;
	struct buf page;

	for (int r = REASON_NONE + 1; r < REASON_COUNT; r++)
		for (int m = MEDIA_TEXT; m <= MEDIA_JSON; m++)
			check((enum reason)r, (enum media)m, msg);

	check_redirect(301, MEDIA_HTML, "max-age=3600", msg);
	check_redirect(302, MEDIA_TEXT, "no-store", msg);
	check_redirect(307, MEDIA_JSON, "no-store", msg);
	check_redirect(308, MEDIA_HTML, "max-age=3600", msg);

	buf_init(&page, ERRPAGE_MAX);
	ok(errpage_health(SPAN("fine\n"), 0, &text, msg, &page), "health");
	is_int(msg->status, 200, "is 200");
	is_span(field(msg, "Content-Type"), "text/plain", "text/plain");
	is_span(buf_span(&page), "fine\n", "and says so");
	is_span(field(msg, "X-Dynproxy-Error"), "", "without an error");
	buf_release(&page);
	free(msg);
	return done();
}
