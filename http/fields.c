/* The fields that we know, and what lists and numbers in them mean. */
#include "http/fields.h"

#include <assert.h>

#include "http/chars.h"

/* What becomes of a field on its way through. */
enum passing {
	PASSED,	 /* unless Connection names it */
	KEPT,	 /* whatever Connection names */
	DROPPED, /* ends here, or we write it anew */
};

#define ROW(text, how)                                                         \
	{                                                                      \
		{ text, sizeof(text) - 1 }, how                                \
	}

static const struct {
	struct span name;
	enum passing passing;
} known[FIELD_COUNT] = {
	[FIELD_HOST] = ROW("Host", KEPT),
	[FIELD_CONNECTION] = ROW("Connection", DROPPED),
	[FIELD_CONTENT_LENGTH] = ROW("Content-Length", DROPPED),
	[FIELD_TRANSFER_ENCODING] = ROW("Transfer-Encoding", DROPPED),
	[FIELD_EXPECT] = ROW("Expect", KEPT),
	[FIELD_UPGRADE] = ROW("Upgrade", DROPPED),
	[FIELD_TE] = ROW("TE", DROPPED),
	[FIELD_TRAILER] = ROW("Trailer", DROPPED),
	[FIELD_KEEP_ALIVE] = ROW("Keep-Alive", DROPPED),
	[FIELD_PROXY] = ROW("Proxy", DROPPED),
	[FIELD_PROXY_CONNECTION] = ROW("Proxy-Connection", DROPPED),
	[FIELD_PROXY_AUTHENTICATE] = ROW("Proxy-Authenticate", DROPPED),
	[FIELD_PROXY_AUTHORIZATION] = ROW("Proxy-Authorization", DROPPED),
	[FIELD_HTTP2_SETTINGS] = ROW("HTTP2-Settings", DROPPED),
	[FIELD_ACCEPT] = ROW("Accept", PASSED),
	[FIELD_USER_AGENT] = ROW("User-Agent", PASSED),
	[FIELD_REFERER] = ROW("Referer", PASSED),
	[FIELD_VIA] = ROW("Via", KEPT),
	[FIELD_FORWARDED] = ROW("Forwarded", DROPPED),
	[FIELD_X_FORWARDED_FOR] = ROW("X-Forwarded-For", DROPPED),
	[FIELD_X_FORWARDED_HOST] = ROW("X-Forwarded-Host", DROPPED),
	[FIELD_X_FORWARDED_PORT] = ROW("X-Forwarded-Port", DROPPED),
	[FIELD_X_FORWARDED_PROTO] = ROW("X-Forwarded-Proto", DROPPED),
	[FIELD_X_ORIGINAL_URI] = ROW("X-Original-URI", DROPPED),
	[FIELD_DATE] = ROW("Date", KEPT),
	[FIELD_AUTHORIZATION] = ROW("Authorization", KEPT),
	[FIELD_CACHE_CONTROL] = ROW("Cache-Control", KEPT),
	[FIELD_CONTENT_ENCODING] = ROW("Content-Encoding", KEPT),
	[FIELD_CONTENT_RANGE] = ROW("Content-Range", KEPT),
	[FIELD_CONTENT_TYPE] = ROW("Content-Type", KEPT),
	[FIELD_COOKIE] = ROW("Cookie", KEPT),
	[FIELD_SET_COOKIE] = ROW("Set-Cookie", KEPT),
	[FIELD_ACCEPT_ENCODING] = ROW("Accept-Encoding", PASSED),
	[FIELD_ACCEPT_LANGUAGE] = ROW("Accept-Language", PASSED),
	[FIELD_ETAG] = ROW("ETag", PASSED),
	[FIELD_LOCATION] = ROW("Location", PASSED),
	[FIELD_TRACEPARENT] = ROW("traceparent", PASSED),
	[FIELD_TRACESTATE] = ROW("tracestate", PASSED),
	[FIELD_VARY] = ROW("Vary", PASSED),
	[FIELD_X_REQUEST_ID] = ROW("X-Request-Id", PASSED),
};

#define NAME_MAX_LEN 19

/* The same by the length of their names; FIELD_OTHER ends a row. */
static const uint8_t of_length[NAME_MAX_LEN + 1][6] = {
	[2] = { FIELD_TE },
	[3] = { FIELD_VIA },
	[4] = { FIELD_HOST, FIELD_DATE, FIELD_ETAG, FIELD_VARY },
	[5] = { FIELD_PROXY },
	[6] = { FIELD_ACCEPT, FIELD_COOKIE, FIELD_EXPECT },
	[7] = { FIELD_REFERER, FIELD_UPGRADE, FIELD_TRAILER },
	[8] = { FIELD_LOCATION },
	[9] = { FIELD_FORWARDED },
	[10] = { FIELD_CONNECTION, FIELD_USER_AGENT, FIELD_SET_COOKIE,
	    FIELD_KEEP_ALIVE, FIELD_TRACESTATE },
	[11] = { FIELD_TRACEPARENT },
	[12] = { FIELD_CONTENT_TYPE, FIELD_X_REQUEST_ID },
	[13] = { FIELD_CACHE_CONTROL, FIELD_AUTHORIZATION,
	    FIELD_CONTENT_RANGE },
	[14] = { FIELD_CONTENT_LENGTH, FIELD_X_ORIGINAL_URI,
	    FIELD_HTTP2_SETTINGS },
	[15] = { FIELD_ACCEPT_ENCODING, FIELD_X_FORWARDED_FOR,
	    FIELD_ACCEPT_LANGUAGE },
	[16] = { FIELD_CONTENT_ENCODING, FIELD_X_FORWARDED_HOST,
	    FIELD_X_FORWARDED_PORT, FIELD_PROXY_CONNECTION },
	[17] = { FIELD_TRANSFER_ENCODING, FIELD_X_FORWARDED_PROTO },
	[18] = { FIELD_PROXY_AUTHENTICATE },
	[19] = { FIELD_PROXY_AUTHORIZATION },
};

/*
 * Is a token that name, in any case?  They are equally long.  Names that we
 * know have letters, digits and hyphens: of the bytes of a token, only the two
 * cases of a letter differ from these in that one bit.
 */
static bool
is_name(const char *token, const char *name, size_t len)
{
	const uint64_t cases = UINT64_C(0x2020202020202020);
	uint64_t a, b;
	size_t i = 0;

	for (; len - i >= sizeof(a); i += sizeof(a)) {
		memcpy(&a, token + i, sizeof(a));
		memcpy(&b, name + i, sizeof(b));
		if (((a ^ b) & ~cases) != 0)
			return false;
	}
	for (; i < len; i++)
		if (((token[i] ^ name[i]) & ~0x20) != 0)
			return false;
	return true;
}

enum http_field_id
http_field_lookup(struct span name)
{
	if (name.len > NAME_MAX_LEN)
		return FIELD_OTHER;
	for (const uint8_t *id = of_length[name.len]; *id != FIELD_OTHER; id++)
		if (is_name(name.ptr, known[*id].name.ptr, name.len))
			return (enum http_field_id)(*id);
	return FIELD_OTHER;
}

struct span
http_field_name(enum http_field_id id)
{
	assert(id > FIELD_OTHER && id < FIELD_COUNT);
	return known[id].name;
}

/* Bytes before the next comma that is not in a quoted string. */
static size_t
element_len(struct span list)
{
	const char *end = list.ptr + list.len, *p = list.ptr, *quote;

	for (; p < end && *p != ','; p++) {
		if (*p != '"')
			continue;
		quote = memchr(p + 1, '"', (size_t)(end - p - 1));
		if (quote != NULL) /* alone, it is a byte like others */
			p = quote;
	}
	return (size_t)(p - list.ptr);
}

bool
http_list_next(struct span *list, struct span *element)
{
	size_t n;

	while (list->len > 0) {
		n = element_len(*list);
		*element = char_trim((struct span){ list->ptr, n });
		*list = span_from(*list, n < list->len ? n + 1 : n);
		if (element->len > 0)
			return true;
	}
	return false;
}

bool
http_list_find(
    const struct http_msg *msg, enum http_field_id id, struct span token)
{
	struct span list, element;
	size_t left = msg->count[id];

	for (size_t i = msg->first[id]; left > 0; i++) {
		if (msg->field[i].id != id)
			continue;
		left--;
		list = msg->field[i].value;
		while (http_list_next(&list, &element))
			if (span_eq_nocase(element, token))
				return true;
	}
	return false;
}

/*
 * X_Forwarded_For is X-Forwarded-For to CGI (RFC 3875 section 4.1.18), and to
 * lighttpd's so is X.Forwarded.For: what is no letter or digit is one byte.
 */
static bool
is_alias(struct span name)
{
	char dashed[NAME_MAX_LEN];
	bool other = false;

	if (name.len > NAME_MAX_LEN)
		return false;
	for (size_t i = 0; i < name.len; i++) {
		char c = name.ptr[i];

		dashed[i] = char_is(c, CHAR_HOST) && c != '_' ? c : '-';
		other |= dashed[i] != c;
	}
	return other && http_field_lookup((struct span){ dashed, name.len }) !=
			    FIELD_OTHER;
}

bool
http_field_is_hop(const struct http_msg *msg, const struct http_field *f)
{
	if (known[f->id].passing != PASSED)
		return known[f->id].passing == DROPPED;
	if (f->ours)
		return false;
	return (f->id == FIELD_OTHER && is_alias(f->name)) ||
	       http_list_has(msg, FIELD_CONNECTION, f->name);
}

bool
http_parse_length(struct span value, uint64_t *length)
{
	uint64_t n = 0, digit;

	for (size_t i = 0; i < value.len; i++) {
		if (!char_is(value.ptr[i], CHAR_DIGIT))
			return false;
		digit = (uint64_t)(value.ptr[i] - '0');
		if (n > (INT64_MAX - digit) / 10)
			return false;
		n = n * 10 + digit;
	}
	*length = n;
	return value.len > 0;
}

bool
http_is_token(struct span s)
{
	return s.len > 0 &&
	       char_skip(s.ptr, s.ptr + s.len, CHAR_TOKEN) == s.ptr + s.len;
}
