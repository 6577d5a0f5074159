/* Writes the book as JSON. */
#include "registrar/listing.h"

#include <bsd/string.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "lib/array.h"
#include "lib/clock.h"
#include "registrar/client.h"

static struct book_name *
after(struct book *book, const char *key)
{
	struct book_name *name = book_from(book, key);

	if (name != NULL && strcmp(name->key, key) == 0)
		name = book_next(book, name);
	return name;
}

bool
listing_more(
    struct listing *l, struct book *book, struct buf *b, listing_put *put)
{
	struct book_name *name;

	for (name = after(book, l->after); name != NULL;
	     name = book_next(book, name)) {
		if (name->key[0] != (l->frontends ? KEY_FRONTEND : KEY_TOOL) ||
		    (l->wanted != NULL && !l->wanted(name)))
			continue;
		if (buf_len(b) >= CLIENT_PIECE)
			return true;
		l->broken = !put(l, b, name);
		if (l->broken)
			return false;
		l->some = true;
		strlcpy(l->after, name->key, sizeof(l->after));
	}
	return false;
}

bool
listing_put_json_take(struct buf *b, json_t *value)
{
	char *text = NULL;
	bool fits;

	if (value != NULL)
		text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
	fits = text != NULL && buf_append_span(b, span_str(text));
	free(text);
	json_decref(value);
	return fits;
}

/* NULL: not known. */
static const char *
format_time(uint64_t real_ms, char text[CLOCK_UTC_SIZE])
{
	if (real_ms == 0 || *clock_format_utc(real_ms, text) == '\0')
		return NULL;
	return text;
}

/* Nearly all is printable ASCII; of the rest jansson knows how to write it. */
static bool
put_text(struct buf *b, const char *text)
{
	if (text == NULL)
		return buf_append_span(b, SPAN("null"));
	for (const char *at = text; *at != '\0'; at++)
		if (*at < ' ' || *at > '~' || *at == '"' || *at == '\\')
			return listing_put_json_take(b, listing_text(text));
	return buf_append_span(b, SPAN("\"")) &&
	       buf_append_span(b, span_str(text)) &&
	       buf_append_span(b, SPAN("\""));
}

static const char *
state_of(const struct destination *to)
{
	return to->stale      ? "stale"
	       : to->drained  ? "drained"
	       : to->unproved ? "unproved"
			      : "active";
}

bool
listing_put_use(struct buf *b, const struct listed_tool *tool)
{
	char hit[CLOCK_UTC_SIZE];

	return buf_printf(b, "\"health\":\"%s\",\"hit\":", tool->health) &&
	       put_text(b, format_time(tool->hit_ms, hit)) &&
	       buf_append_span(b, SPAN(","));
}

static bool
put_tool(struct buf *b, const struct listed_tool *tool)
{
	return buf_printf(b, "\"tool\":\"%s\",\"canonical\":%s,",
		   tool->name->key + 1,
		   tool->name->canonical ? "true" : "false") &&
	       listing_put_use(b, tool);
}

bool
listing_put_route(struct buf *b, const struct listed_tool *tool,
    const struct book_route *route, const struct destination *to)
{
	uint64_t since_ms = to->since_ms != 0 ? to->since_ms : route->since_ms;
	char since[CLOCK_UTC_SIZE], proved[CLOCK_UTC_SIZE];
	const struct {
		struct span before;
		const char *text;
	} members[] = {
		{ SPAN("\"pattern\":"), route->pattern },
		{ SPAN(",\"destination\":"), to->url },
		{ SPAN(",\"origin\":"), origin_name(route->origin) },
		{ SPAN(",\"lease\":"), to->lease },
		{ SPAN(",\"state\":"), state_of(to) },
		{ SPAN(",\"proof\":"), proof_result_name(to->proof) },
		{ SPAN(",\"proved\":"), format_time(to->proved_ms, proved) },
		{ SPAN(",\"since\":"), format_time(since_ms, since) },
	};
	bool fits = buf_append_span(b, SPAN("{"));

	if (tool != NULL)
		fits = fits && put_tool(b, tool);
	for (size_t i = 0; i < nitems(members); i++)
		fits = fits && buf_append_span(b, members[i].before) &&
		       put_text(b, members[i].text);
	return fits && buf_append_span(b, SPAN("}"));
}

json_t *
listing_route(const struct listed_tool *tool, const struct book_route *route,
    const struct destination *to)
{
	json_t *value = NULL;
	struct span text;
	struct buf b;

	buf_init(&b, CLIENT_ANSWER_MAX);
	if (listing_put_route(&b, tool, route, to)) {
		text = buf_span(&b);
		value = json_loadb(text.ptr, text.len, 0, NULL);
	}
	buf_release(&b);
	return value;
}

json_t *
listing_text(const char *text)
{
	json_t *value = json_string(text);
	char *escaped, *at;

	if (value != NULL)
		return value;
	at = escaped = malloc(strlen(text) * 4 + 1);
	if (escaped == NULL)
		return NULL;
	for (; *text != '\0'; text++) {
		if ((unsigned char)*text < 0x80)
			*at++ = *text;
		else
			at += snprintf(at, 5, "\\x%02x", (unsigned char)*text);
	}
	*at = '\0';
	value = json_string(escaped);
	free(escaped);
	return value;
}

json_t *
listing_time(uint64_t real_ms)
{
	char text[CLOCK_UTC_SIZE];
	const char *known = format_time(real_ms, text);

	return known != NULL ? json_string(known) : json_null();
}

json_t *
listing_checksum(uint64_t checksum)
{
	return json_sprintf("%016" PRIx64, checksum);
}
