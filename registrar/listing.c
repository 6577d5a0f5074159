/* Writes the book as JSON. */
#include "registrar/listing.h"

#include <bsd/string.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

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
		if (!put(b, name, !l->some))
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

json_t *
listing_route(const struct book_route *route, const struct destination *to)
{
	uint64_t since_ms = to->since_ms != 0 ? to->since_ms : route->since_ms;

	return json_pack("{s:o, s:o, s:s, s:s?, s:s, s:s, s:o, s:o}", "pattern",
	    listing_text(route->pattern), "destination", listing_text(to->url),
	    "origin", origin_name(route->origin), "lease", to->lease, "state",
	    to->stale	   ? "stale"
	    : to->drained  ? "drained"
	    : to->unproved ? "unproved"
			   : "active",
	    "proof", proof_result_name(to->proof), "proved",
	    listing_time(to->proved_ms), "since", listing_time(since_ms));
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
	time_t seconds = (time_t)(real_ms / 1000);
	char text[sizeof("2026-11-22T16:00:00Z") + 8];
	struct tm tm;

	if (real_ms == 0 || gmtime_r(&seconds, &tm) == NULL ||
	    strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
		return json_null();
	return json_string(text);
}
