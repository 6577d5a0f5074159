/*
 * Each reason has a page in each form, with its word and its status, and what
 * strangers have said is in it as text only.
 */
#include "worker/errpage.h"

#include <stdlib.h>
#include <unistd.h>

#include "http/edit.h"
#include "http/serialize.h"
#include "http/template.h"
#include "lib/bundle.h"
#include "t/tap.h"

static const char *const types[] = {
	[MEDIA_TEXT] = "text/plain; charset=utf-8",
	[MEDIA_HTML] = "text/html; charset=utf-8",
	[MEDIA_JSON] = "application/problem+json",
};

static struct asked asked;
static struct templates *none; /* the operator has no page */

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
begin(enum media media)
{
	struct trace_source source = { .key = { 1, 2 } };

	asked_nothing(&asked, &source, SPAN("http"));
	asked_set_host(&asked, SPAN("alpha.example.org"));
	asked_set_tool(&asked, SPAN("alpha"));
	asked.media = media;
}

static void
check(enum reason reason, enum media media, struct http_msg *msg)
{
	const struct reason_info *info = reason_info(reason);
	struct errpage e = { .reason = reason,
		.asked = &asked,
		.node = "n",
		.templates = none,
		.contact = "",
		.unix_seconds = 784111777 };
	struct errpage_text text;
	char number[16], says[256], id[REQUEST_ID_LEN + 1];
	struct buf page;

	begin(media);
	snprintf(id, sizeof(id), "%.*s", SPAN_ARG(asked_id(&asked)));
	buf_init(&page, ERRPAGE_MAX);
	if (!ok(errpage_make(&e, &text, msg, &page), "%s as %s", info->word,
		types[media]))
		return;
	is_int(msg->status, info->status, "  its status");
	is_span(field(msg, "Content-Type"), types[media], "  its type");
	is_span(field(msg, "X-Dynproxy-Error"), info->word, "  its word");
	is_span(field(msg, "Cache-Control"), "no-store", "  never cached");
	is_span(field(msg, "Date"), "Sun, 06 Nov 1994 08:49:37 GMT", "  Date");
	snprintf(number, sizeof(number), "%zu", buf_len(&page));
	is_span(field(msg, "Content-Length"), number, "  its length");
	snprintf(number, sizeof(number), "%u", info->retry_after);
	is_span(field(msg, "Retry-After"), info->retry_after > 0 ? number : "",
	    "  Retry-After");
	is_int(field(msg, "Allow").len > 0, info->status == 405, "  Allow");
	ok(contains(buf_span(&page), info->word), "  the page has the word");
	snprintf(says, sizeof(says), "%.*s", (int)strcspn(info->says, "'"),
	    info->says); /* which is escaped in HTML */
	ok(contains(buf_span(&page), says), "  and what it means");
	snprintf(number, sizeof(number), "%u", info->status);
	ok(contains(buf_span(&page), number) &&
		contains(buf_span(&page), id) &&
		contains(buf_span(&page), "1994-11-06T08:49:37Z"),
	    "  status, request and time");
	is_int(contains(buf_span(&page), "alpha.example.org"),
	    reason != REASON_NO_HOST, "  the host, unless it is nobody's");
	buf_release(&page);
}

static const struct {
	const char *what, *contact;
	enum reason reason;
	enum media media;
	const char *has; /* NULL: nobody is named */
} contacts[] = {
	{ "a link", "https://a.example/{tool}?x&y", REASON_BACKEND_REFUSED,
	    MEDIA_HTML,
	    "Ask: <a href=\"https://a.example/alpha?x&amp;y\">"
	    "https://a.example/alpha?x&amp;y</a></p>" },
	{ "words", "the <people> of {tool}, \"{tool}\"", REASON_BACKEND_REFUSED,
	    MEDIA_HTML,
	    "Ask: the &lt;people&gt; of alpha, &quot;alpha&quot;</p>" },
	{ "no link to a script", "javascript:alert('x')",
	    REASON_BACKEND_REFUSED, MEDIA_HTML,
	    "Ask: javascript:alert(&#39;x&#39;)</p>" },
	{ "in JSON", "\"{tool}\" \\o", REASON_BACKEND_REFUSED, MEDIA_JSON,
	    "Ask: \\\"alpha\\\" \\\\o\"" },
	{ "in text", "<{tool}>", REASON_BACKEND_REFUSED, MEDIA_TEXT,
	    "\nAsk: <alpha>\n" },
	{ "not where nobody has the name", "{tool}", REASON_NO_ROUTE,
	    MEDIA_TEXT, NULL },
	{ "not where it is our trouble", "me", REASON_INTERNAL, MEDIA_TEXT,
	    NULL },
};

static void
check_contact(size_t i, struct http_msg *msg)
{
	struct errpage e = { .reason = contacts[i].reason,
		.asked = &asked,
		.node = "n",
		.templates = none,
		.contact = contacts[i].contact };
	struct errpage_text text;
	struct buf page;
	const char *has = contacts[i].has != NULL ? contacts[i].has : "Ask:";

	buf_init(&page, ERRPAGE_MAX);
	begin(contacts[i].media);
	ok(errpage_make(&e, &text, msg, &page), "whom to ask: %s",
	    contacts[i].what);
	is_int(contains(buf_span(&page), has), contacts[i].has != NULL,
	    "  it is said, or not");
	buf_release(&page);
}

/* What strangers can make longest does not make a page too long. */
static void
check_longest(struct http_msg *msg)
{
	struct errpage e = { .reason = REASON_BACKEND_CLOSED_REUSED,
		.asked = &asked,
		.node = "n",
		.templates = none };
	char contact[513], host[HOST_NAME_MAX_DNS + 1];
	struct errpage_text text;
	struct buf page;

	for (const char *c = "&x{"; *c != '\0'; c++) {
		begin(MEDIA_HTML);
		memset(host, *c == 'x' ? 'h' : '&', sizeof(host));
		asked_set_host(&asked, (struct span){ host, 253 });
		asked.id_len = REQUEST_ID_MAX;
		memset(asked.id, 'i', REQUEST_ID_MAX);
		snprintf(contact, sizeof(contact), "https://");
		for (size_t i = 8; i < 512; i += *c == '{' ? 6 : 1)
			snprintf(contact + i, sizeof(contact) - i, "%s",
			    *c == '{' ? "{tool}" : (char[]){ *c, '\0' });
		e.contact = contact;
		buf_init(&page, ERRPAGE_MAX);
		ok(errpage_make(&e, &text, msg, &page),
		    "the longest: %zu bytes", buf_len(&page));
		ok(contains(buf_span(&page), "</html>"), "  is whole");
		buf_release(&page);
	}
}

/* Pages of an operator: what is asked for, and what is sent. */
static const struct {
	const char *what;
	enum reason reason;
	enum media media;
	const char *accept; /* of languages */
	const char *page;   /* NULL: ours */
	const char *language;
} chosen[] = {
	{ "the reason's, before the status'", REASON_BANNED, MEDIA_TEXT, NULL,
	    "banned 403 alpha n", "" },
	{ "the status', before the voice's", REASON_NO_AGENT, MEDIA_TEXT, NULL,
	    "some 403", "" },
	{ "the voice's, before any", REASON_METHOD, MEDIA_TEXT, NULL, "client",
	    "" },
	{ "any", REASON_INTERNAL, MEDIA_TEXT, NULL, "any", "" },
	{ "of another form there is none", REASON_BANNED, MEDIA_JSON, NULL,
	    NULL, "" },
	{ "escaped for HTML", REASON_NO_ROUTE, MEDIA_HTML, NULL,
	    "&lt;&amp;&gt;", "" },
	{ "a language", REASON_NO_ROUTE, MEDIA_HTML, "fr, de-AT, en;q=0.5",
	    "niemand", "de" },
	{ "in any case", REASON_NO_ROUTE, MEDIA_HTML, "DE", "niemand", "de" },
	{ "that is not there", REASON_NO_ROUTE, MEDIA_HTML, "fr",
	    "&lt;&amp;&gt;", "" },
	{ "that has no such page", REASON_BANNED, MEDIA_TEXT, "de",
	    "banned 403 alpha n", "" },
	{ "rather English", REASON_NO_ROUTE, MEDIA_HTML, "en-GB, de;q=0.9",
	    "&lt;&amp;&gt;", "" },
	{ "too long with its variables", REASON_LOOP, MEDIA_HTML, "de", NULL,
	    "" },
};

static int
operators_pages(void)
{
	static char many[TEMPLATE_MAX];
	const struct bundle_piece pieces[] = {
		{ SPAN("banned.txt"), SPAN("{{reason}} {{status}} {{tool}} "
					   "{{node}}") },
		{ SPAN("403.txt"), SPAN("some {{status}}") },
		{ SPAN("client.txt"), SPAN("client") },
		{ SPAN("any.txt"), SPAN("any") },
		{ SPAN("nobody.html"), SPAN("{{host}}") },
		{ SPAN("de/404.html"), SPAN("niemand") },
		{ SPAN("de/loop.html"), { many, sizeof(many) - 6 } },
	};

	for (size_t i = 0; i + 8 < sizeof(many); i += 8)
		memcpy(many + i, "{{host}}", 8);
	return bundle_seal("t", pieces, nitems(pieces));
}

static void
check_chosen(size_t i, const struct templates *t, struct http_msg *msg)
{
	struct errpage e = { .reason = chosen[i].reason,
		.asked = &asked,
		.contact = "",
		.node = "n",
		.templates = t };
	struct errpage_text text;
	struct buf page;

	begin(chosen[i].media);
	asked_set_host(&asked, SPAN("<&>"));
	http_msg_begin(msg, 200);
	if (chosen[i].accept != NULL)
		http_msg_add(
		    msg, SPAN("Accept-Language"), span_str(chosen[i].accept));
	asked.language = (uint8_t)templates_language(t, msg);
	buf_init(&page, 4 * ERRPAGE_MAX);
	ok(errpage_make(&e, &text, msg, &page), "%s", chosen[i].what);
	if (chosen[i].page != NULL)
		is_span(buf_span(&page), chosen[i].page, "  is the page");
	else
		ok(contains(buf_span(&page), "request"), "  ours is sent");
	is_span(field(msg, "Content-Language"), chosen[i].language,
	    "  its language is said");
	buf_release(&page);
}

static void
check_operators(struct http_msg *msg)
{
	struct templates *t;
	struct bundle files;
	int fd = operators_pages();

	ok(bundle_open(&files, fd), "pages of an operator");
	t = templates_new((struct span){ files.map, files.size });
	for (size_t i = 0; i < nitems(chosen); i++)
		check_chosen(i, t, msg);
	templates_free(t);
	bundle_close(&files);
	close(fd);
}

int
main(void)
{
	struct http_msg *msg = calloc(1, sizeof(*msg));
	struct errpage_text text;
	struct buf page;

	none = templates_new(SPAN(""));
	for (int r = REASON_NONE + 1; r < REASON_COUNT; r++)
		for (int m = MEDIA_TEXT; m <= MEDIA_JSON; m++)
			check((enum reason)r, (enum media)m, msg);
	for (size_t i = 0; i < nitems(contacts); i++)
		check_contact(i, msg);
	check_longest(msg);
	check_operators(msg);
	templates_free(none);

	buf_init(&page, ERRPAGE_MAX);
	ok(errpage_health(SPAN("fine\n"), 0, &text, msg, &page), "health");
	is_int(msg->status, 200, "is 200");
	is_span(field(msg, "Content-Type"), "text/plain", "text/plain");
	is_span(buf_span(&page), "fine\n", "and says so");
	is_span(field(msg, "X-Dynproxy-Error"), "", "without an error");
	buf_release(&page);
	errpage_file(SPAN("image/x-icon"), SPAN("1234"), 0, &text, msg);
	is_span(field(msg, "Content-Length"), "4", "a file");
	free(msg);
	return done();
}
