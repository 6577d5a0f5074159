/*
 * A template with a fault is refused with its line; variables are escaped for
 * the form that the page has.
 */
#include "http/template.h"

#include "lib/array.h"
#include "t/tap.h"

static const struct {
	const char *what, *text;
	unsigned line; /* of the fault; 0: there is none */
	const char *why;
} templates[] = {
	{ "nothing", "", 0, "" },
	{ "plain text", "a { b } }} c", 0, "" },
	{ "variables", "{{status}}\n{{reason}}{{time}}", 0, "" },
	{ "UTF-8", "Umlaut \xc3\xa4, \xe2\x82\xac, \xf0\x9f\x98\x80", 0, "" },
	{ "an unknown one", "a\n{{status}}\n{{statsu}}", 3,
	    "unknown variable {{statsu}}" },
	{ "an empty one", "{{}}", 1, "unknown variable {{}}" },
	{ "one with a blank", "\n{{ status }}", 2, "{{ without a name" },
	{ "one that is open", "{{status", 1, "{{ without a name" },
	{ "one half open", "{{status}", 1, "{{ without a name" },
	{ "braces at the end", "a\n\n{{", 3, "{{ without a name" },
	{ "Latin-1", "a\nb\xe4r", 2, "byte 0xe4: write UTF-8" },
	{ "half a character", "\xe2\x82", 1, "byte 0xe2" },
	{ "a surrogate", "\xed\xa0\x80", 1, "byte 0xed" },
};

static const struct {
	const char *what;
	enum media media;
	const char *text, *tool, *page;
} pages[] = {
	{ "HTML", MEDIA_HTML, "<b>{{tool}}</b>", "<i a=\"b\" c='d'>&",
	    "<b>&lt;i a=&quot;b&quot; c=&#39;d&#39;&gt;&amp;</b>" },
	{ "JSON", MEDIA_JSON, "{\"a\":\"{{tool}}\"}", "\"\\<'\n",
	    "{\"a\":\"\\\"\\\\<' \"}" },
	{ "text", MEDIA_TEXT, "{{tool}}", "<&\"'\\\r\n\x01>", "<&\"'\\   >" },
	{ "markup of ours", MEDIA_HTML, "{{ask}}", "", "<a>" },
	{ "what a variable has is no template", MEDIA_TEXT, "{{tool}}-",
	    "{{status}}", "{{status}}-" },
	{ "several", MEDIA_TEXT, "{{tool}}{{tool}} {{host}}.", "a", "aa ." },
};

static void
test_check(size_t i)
{
	struct template_fault fault = { 0, "" };
	bool good = template_check(span_str(templates[i].text), &fault);

	is_int(good, templates[i].line == 0, "%s", templates[i].what);
	is_int(fault.line, templates[i].line, "  the line");
	ok(strstr(fault.what, templates[i].why) == fault.what, "  %s",
	    fault.what);
}

static void
test_expand(size_t i)
{
	const struct span values[TEMPLATE_VARIABLES] = {
		[TEMPLATE_TOOL] = span_str(pages[i].tool),
		[TEMPLATE_ASK] = SPAN("<a>"),
		[TEMPLATE_HOST] = SPAN(""),
		[TEMPLATE_STATUS] = SPAN("404"),
	};
	struct buf out;

	buf_init(&out, 1024);
	ok(template_expand(
	       span_str(pages[i].text), pages[i].media, values, &out),
	    "%s", pages[i].what);
	is_span(buf_span(&out), pages[i].page, "  is escaped");
	buf_release(&out);
}

static void
test_size(void)
{
	static char text[TEMPLATE_MAX + 1];
	const struct span values[TEMPLATE_VARIABLES] = {
		[TEMPLATE_TOOL] = { text, TEMPLATE_MAX }
	};
	struct template_fault fault;
	struct buf out;

	memset(text, 'a', sizeof(text));
	text[9] = '\n';
	ok(template_check((struct span){ text, TEMPLATE_MAX }, &fault),
	    "as long as may be");
	ok(!template_check((struct span){ text, sizeof(text) }, &fault),
	    "one byte more");
	is_int(fault.line, 2, "  in that line");
	text[12] = '\0';
	ok(!template_check((struct span){ text, 20 }, &fault), "a NUL");
	is_int(fault.line, 2, "  in that line");

	buf_init(&out, 1024);
	ok(!template_expand(SPAN("{{tool}}"), MEDIA_TEXT, values, &out),
	    "a page that does not fit");
	buf_release(&out);
}

int
main(void)
{
	for (size_t i = 0; i < nitems(templates); i++)
		test_check(i);
	for (size_t i = 0; i < nitems(pages); i++)
		test_expand(i);
	test_size();
	return done();
}
