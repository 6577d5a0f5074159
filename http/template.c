/* Checks templates, and puts their variables in. */
#include "http/template.h"

#include <stdarg.h>
#include <stdio.h>

#include "http/chars.h"
#include "lib/array.h"

#define OPEN SPAN("{{")
#define CLOSE SPAN("}}")

static const struct span names[TEMPLATE_VARIABLES] = {
	[TEMPLATE_STATUS] = { "status", 6 },
	[TEMPLATE_PHRASE] = { "phrase", 6 },
	[TEMPLATE_REASON] = { "reason", 6 },
	[TEMPLATE_HEADLINE] = { "headline", 8 },
	[TEMPLATE_MEANING] = { "meaning", 7 },
	[TEMPLATE_WHOSE] = { "whose", 5 },
	[TEMPLATE_CONTACT] = { "contact", 7 },
	[TEMPLATE_ASK] = { "ask", 3 },
	[TEMPLATE_TOOL] = { "tool", 4 },
	[TEMPLATE_HOST] = { "host", 4 },
	[TEMPLATE_REQUEST] = { "request", 7 },
	[TEMPLATE_NODE] = { "node", 4 },
	[TEMPLATE_TIME] = { "time", 4 },
};

/* Take what is before the next {{ off the front; all, where there is none. */
static struct span
take_plain(struct span *text)
{
	const char *open = memmem(text->ptr, text->len, "{{", 2);
	size_t n = open != NULL ? (size_t)(open - text->ptr) : text->len;
	struct span plain = { text->ptr, n };

	*text = span_from(*text, n);
	return plain;
}

/* Take {{name}} off the front.  False: it is not closed. */
static bool
take_name(struct span *text, struct span *name)
{
	struct span rest = span_from(*text, OPEN.len);
	size_t n = 0;

	while (n < rest.len && rest.ptr[n] >= 'a' && rest.ptr[n] <= 'z')
		n++;
	*name = (struct span){ rest.ptr, n };
	if (!span_starts(span_from(rest, n), CLOSE))
		return false;
	*text = span_from(rest, n + CLOSE.len);
	return true;
}

/* TEMPLATE_VARIABLES: it is none. */
static size_t
find(struct span name)
{
	size_t v = 0;

	while (v < TEMPLATE_VARIABLES && !span_eq(name, names[v]))
		v++;
	return v;
}

static bool __attribute__((format(printf, 3, 4)))
fail(struct template_fault *fault, unsigned line, const char *fmt, ...)
{
	va_list ap;

	fault->line = line;
	va_start(ap, fmt);
	vsnprintf(fault->what, sizeof(fault->what), fmt, ap);
	va_end(ap);
	return false;
}

/* Every byte is of a character, and none is NUL. */
static bool
check_characters(struct span text, struct template_fault *fault)
{
	unsigned line = 1;

	while (text.len > 0) {
		const char *at = text.ptr;

		line += *at == '\n';
		if (char_take_utf8(&text) == 0)
			return fail(fault, line, "a NUL byte: write text");
		if ((unsigned char)*at >= 0x80 && text.ptr == at + 1)
			return fail(fault, line, "byte 0x%02x: write UTF-8",
			    (unsigned char)*at);
	}
	return true;
}

static unsigned
lines_in(struct span s)
{
	unsigned n = 0;

	for (size_t i = 0; i < s.len; i++)
		n += s.ptr[i] == '\n';
	return n;
}

bool
template_check(struct span text, struct template_fault *fault)
{
	unsigned line = 1;
	struct span name;

	if (text.len > TEMPLATE_MAX)
		return fail(fault,
		    1 + lines_in((struct span){ text.ptr, TEMPLATE_MAX }),
		    "more than %d bytes", TEMPLATE_MAX);
	if (!check_characters(text, fault))
		return false;
	while (line += lines_in(take_plain(&text)), text.len > 0) {
		if (!take_name(&text, &name))
			return fail(fault, line,
			    "{{ without a name and }}: write {{reason}}");
		if (find(name) == TEMPLATE_VARIABLES)
			return fail(fault, line,
			    "unknown variable {{%.*s}}: dynproxy-errors(7) "
			    "lists them all",
			    (int)(name.len < 32 ? name.len : 32), name.ptr);
	}
	return true;
}

bool
template_expand(struct span text, enum media media,
    const struct span values[TEMPLATE_VARIABLES], struct buf *out)
{
	bool fits = buf_append_span(out, take_plain(&text));
	struct span name;
	size_t v;

	while (fits && text.len > 0 && take_name(&text, &name)) {
		v = find(name);
		if (v == TEMPLATE_ASK)
			fits = buf_append_span(out, values[v]);
		else if (v < TEMPLATE_VARIABLES)
			fits = template_escape(media, values[v], out);
		fits = fits && buf_append_span(out, take_plain(&text));
	}
	return fits;
}

static const struct {
	char c;
	struct span html, json; /* empty: as it is */
} escapes[] = {
	{ '&', { "&amp;", 5 }, { "", 0 } },
	{ '<', { "&lt;", 4 }, { "", 0 } },
	{ '>', { "&gt;", 4 }, { "", 0 } },
	{ '"', { "&quot;", 6 }, { "\\\"", 2 } },
	{ '\'', { "&#39;", 5 }, { "", 0 } },
	{ '\\', { "", 0 }, { "\\\\", 2 } },
};

/* What stands for c; empty: itself. */
static struct span
escape_of(enum media media, char c)
{
	if ((unsigned char)c < ' ')
		return SPAN(" ");
	for (size_t i = 0; media != MEDIA_TEXT && i < nitems(escapes); i++)
		if (escapes[i].c == c)
			return media == MEDIA_HTML ? escapes[i].html
						   : escapes[i].json;
	return SPAN("");
}

bool
template_escape(enum media media, struct span text, struct buf *out)
{
	size_t from = 0; /* what is not appended yet */

	for (size_t i = 0; i < text.len; i++) {
		struct span as = escape_of(media, text.ptr[i]);

		if (as.len == 0)
			continue;
		if (!buf_append(out, text.ptr + from, i - from) ||
		    !buf_append_span(out, as))
			return false;
		from = i + 1;
	}
	return buf_append_span(out, span_from(text, from));
}
