/* Accept, weighed for the forms our own answers have, and Accept-Encoding. */
#include "http/negotiate.h"

#include "http/chars.h"
#include "http/fields.h"
#include "lib/array.h"

#define RANGES_MAX 64 /* looked at; browsers send less than ten */

/* How exactly a media range names a media type: RFC 9110 section 12.5.1. */
enum exactness { NOT_AT_ALL, ANYTHING, ITS_KIND, ITSELF };

struct type {
	enum media media;
	struct span kind, type;
};

/* Those of answers; the first is for who says nothing. */
static const struct type answers[] = {
	{ MEDIA_TEXT, { "text/*", 6 }, { "text/plain", 10 } },
	{ MEDIA_HTML, { "text/*", 6 }, { "text/html", 9 } },
	{ MEDIA_JSON, { "application/*", 13 }, { "application/json", 16 } },
	{ MEDIA_JSON, { "application/*", 13 },
	    { "application/problem+json", 24 } },
};

static const struct type metrics[] = {
	{ MEDIA_TEXT, { "text/*", 6 }, { "text/plain", 10 } },
	{ MEDIA_OPENMETRICS, { "application/*", 13 },
	    { "application/openmetrics-text", 28 } },
};

#define TYPES_MAX nitems(answers)

/* What Accept says about one of them. */
struct wish {
	enum exactness exactness;
	unsigned weight; /* in thousandths */
	unsigned place;	 /* in the list */
};

static enum exactness
compare(struct span range, const struct type *type)
{
	if (span_eq_nocase(range, type->type))
		return ITSELF;
	if (span_eq_nocase(range, type->kind))
		return ITS_KIND;
	return span_eq(range, SPAN("*/*")) ? ANYTHING : NOT_AT_ALL;
}

/* qvalue, 0 to 1 with at most three digits after the point; else 0. */
static unsigned
weight_of(struct span q)
{
	unsigned weight, unit = 100;

	if (q.len == 0 || q.len > 5 || q.ptr[0] < '0' || q.ptr[0] > '1' ||
	    (q.len > 1 && q.ptr[1] != '.'))
		return 0;
	weight = q.ptr[0] == '1' ? 1000 : 0;
	for (size_t i = 2; i < q.len; i++, unit /= 10) {
		if (!char_is(q.ptr[i], CHAR_DIGIT))
			return 0;
		weight += (unsigned)(q.ptr[i] - '0') * unit;
	}
	return weight <= 1000 ? weight : 0;
}

/* Take what is before the next ';' off its front. */
static struct span
next_part(struct span *s)
{
	const char *end = memchr(s->ptr, ';', s->len);
	size_t n = end != NULL ? (size_t)(end - s->ptr) : s->len;
	struct span part = { s->ptr, n };

	*s = span_from(*s, end != NULL ? n + 1 : n);
	return char_trim(part);
}

/* The weight among the parameters; without one it is 1. */
static unsigned
find_weight(struct span parameters)
{
	struct span part;

	while (parameters.len > 0) {
		part = next_part(&parameters);
		if (part.len >= 2 && (part.ptr[0] | 0x20) == 'q' &&
		    part.ptr[1] == '=')
			return weight_of(span_from(part, 2));
	}
	return 1000;
}

static bool
better(const struct wish *a, const struct wish *b)
{
	if (a->weight == 0 || a->weight != b->weight)
		return a->weight > b->weight;
	if (a->exactness != b->exactness)
		return a->exactness > b->exactness;
	return a->place < b->place;
}

static enum media
negotiate(struct span accept, const struct type *types, size_t n)
{
	struct wish wishes[TYPES_MAX] = { 0 };
	struct span range, name;
	size_t best = 0;

	for (unsigned i = 0; i < RANGES_MAX && http_list_next(&accept, &range);
	     i++) {
		name = next_part(&range);
		for (size_t t = 0; t < n; t++) {
			enum exactness exactness = compare(name, &types[t]);

			if (exactness > wishes[t].exactness)
				wishes[t] = (struct wish){ exactness,
					find_weight(range), i };
		}
	}
	for (size_t t = 1; t < n; t++)
		if (better(&wishes[t], &wishes[best]))
			best = t;
	return types[best].media;
}

enum media
http_negotiate_media(struct span accept)
{
	return negotiate(accept, answers, nitems(answers));
}

enum media
http_negotiate_metrics(struct span accept)
{
	return negotiate(accept, metrics, nitems(metrics));
}

/* Is language the range, or what it is when subtags at its end are cut off? */
static bool
is_in_language(struct span range, struct span language)
{
	return span_starts_nocase(range, language) &&
	       (range.len == language.len || range.ptr[language.len] == '-');
}

/* The longest of them that the range names; 0: none. */
static size_t
look_up(struct span range, const struct span *languages, size_t n)
{
	size_t found = 0;

	for (size_t i = 0; i < n; i++)
		if (is_in_language(range, languages[i]) &&
		    (found == 0 || languages[i].len > languages[found - 1].len))
			found = i + 1;
	return found;
}

size_t
http_negotiate_language(
    struct span accept, const struct span *languages, size_t n)
{
	struct span range, name;
	unsigned weight, best = 0;
	size_t found, chosen = 0;

	for (unsigned i = 0; i < RANGES_MAX && http_list_next(&accept, &range);
	     i++) {
		name = next_part(&range);
		weight = find_weight(range);
		found = look_up(name, languages, n);
		if (weight <= best ||
		    (found == 0 && !is_in_language(name, SPAN("en"))))
			continue;
		best = weight;
		chosen = found;
	}
	return chosen;
}

static const struct span codings[] = {
	[CODING_ZSTD] = { "zstd", 4 },
	[CODING_BROTLI] = { "br", 2 },
	[CODING_GZIP] = { "gzip", 4 },
	[CODING_NONE] = { "identity", 8 },
};

struct span
http_coding_name(enum coding coding)
{
	return codings[coding];
}

/* x-gzip is gzip (RFC 9110 section 8.4.1.3). */
static enum coding
coding_of(struct span name)
{
	for (enum coding c = CODING_ZSTD; c < CODING_NONE; c++)
		if (span_eq_nocase(name, codings[c]))
			return c;
	return span_eq_nocase(name, SPAN("x-gzip")) ? CODING_GZIP : CODING_NONE;
}

static void
weigh_codings(struct span list, unsigned weights[CODING_NONE + 1])
{
	struct span element, name;

	for (unsigned i = 0; i < RANGES_MAX && http_list_next(&list, &element);
	     i++) {
		name = next_part(&element);
		if (coding_of(name) != CODING_NONE ||
		    span_eq_nocase(name, codings[CODING_NONE]))
			weights[coding_of(name)] = find_weight(element);
	}
}

enum coding
http_negotiate_coding(const struct http_msg *request)
{
	unsigned weights[CODING_NONE + 1] = { 0 };
	size_t left = request->count[FIELD_ACCEPT_ENCODING];
	enum coding best = CODING_NONE;

	if (left == 0)
		return CODING_NONE;
	for (size_t i = request->first[FIELD_ACCEPT_ENCODING]; left > 0; i++) {
		if (request->field[i].id != FIELD_ACCEPT_ENCODING)
			continue;
		left--;
		weigh_codings(request->field[i].value, weights);
	}
	for (enum coding c = CODING_GZIP + 1; c-- > CODING_ZSTD;)
		if (weights[c] > 0 && weights[c] >= weights[best])
			best = c;
	return best;
}

static bool
ends_nocase(struct span s, struct span end)
{
	return s.len >= end.len &&
	       span_eq_nocase(span_from(s, s.len - end.len), end);
}

bool
http_type_is_text(struct span content_type)
{
	static const struct span texts[] = {
		{ "application/json", 16 },
		{ "application/javascript", 22 },
		{ "application/x-javascript", 24 },
		{ "application/xml", 15 },
	};
	struct span type = next_part(&content_type);

	if (type.len > 5 && span_starts_nocase(type, SPAN("text/")))
		return true;
	for (size_t i = 0; i < nitems(texts); i++)
		if (span_eq_nocase(type, texts[i]))
			return true;
	/* image/svg+xml, application/ld+json, ... (RFC 6839) */
	return ends_nocase(type, SPAN("+xml")) ||
	       ends_nocase(type, SPAN("+json"));
}
