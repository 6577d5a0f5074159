/*
 * Header blocks of HTTP/2: kept as they come, judged when they are complete.
 *
 * Kept are records: two lengths, the name, the value.  Behind them, in the
 * same buffer, is put what HTTP/1.1 has in another form: the request line and
 * one Cookie of all its crumbs.
 */
#include "http/h2_head.h"

#include <assert.h>

#include "http/chars.h"
#include "http/edit.h"
#include "http/fields.h"

#define FIELD_EXTRA 32 /* counted for each field: RFC 9113 section 6.5.2 */
#define AMPLIFIED 8    /* times the limit, and nobody means it */
#define LINE_EXTRA (sizeof("  HTTP/2.0") - 1)

enum pseudo {
	PSEUDO_METHOD,
	PSEUDO_SCHEME,
	PSEUDO_AUTHORITY,
	PSEUDO_PATH,
	PSEUDO_PROTOCOL,
	PSEUDO_COUNT
};

#define BIT(pseudo) (1u << (pseudo))

#define ROW(text)                                                              \
	{                                                                      \
		text, sizeof(text) - 1                                         \
	}

static const struct span pseudo_names[PSEUDO_COUNT] = {
	[PSEUDO_METHOD] = ROW(":method"),
	[PSEUDO_SCHEME] = ROW(":scheme"),
	[PSEUDO_AUTHORITY] = ROW(":authority"),
	[PSEUDO_PATH] = ROW(":path"),
	[PSEUDO_PROTOCOL] = ROW(":protocol"),
};

struct record {
	uint32_t name_len, value_len;
};

void
h2_head_begin(struct h2_head *h, const struct http_limits *limits)
{
	struct buf bytes = h->bytes;

	buf_release(&bytes);
	/* each byte once as it came, and once as it is passed on */
	buf_init(&bytes, 2 * (limits->head + limits->fields) + LINE_EXTRA);
	*h = (struct h2_head){ .bytes = bytes };
}

void
h2_head_release(struct h2_head *h)
{
	buf_release(&h->bytes);
}

static void
blame(struct h2_head *h, enum h2_fault fault)
{
	if (h->fault == H2_FINE)
		h->fault = fault;
}

/* A pseudo-field: known, once, and before all others (section 8.3). */
static bool
note_pseudo(struct h2_head *h, struct span name)
{
	for (unsigned i = 0; i < PSEUDO_COUNT; i++)
		if (span_eq(name, pseudo_names[i])) {
			bool again = h->pseudo & BIT(i);

			h->pseudo |= BIT(i);
			return !again && !h->regular;
		}
	return false;
}

/* A token without capitals (section 8.2.1). */
static bool
is_name(struct span s)
{
	for (size_t i = 0; i < s.len; i++)
		if (s.ptr[i] >= 'A' && s.ptr[i] <= 'Z')
			return false;
	return http_is_token(s);
}

/* No control bytes, and no blanks around it (section 8.2.1). */
static bool
is_value(struct span s)
{
	const char *end = s.ptr + s.len;

	return s.len == 0 || (char_skip(s.ptr, end, CHAR_VALUE) == end &&
				 !char_is(s.ptr[0], CHAR_BLANK) &&
				 !char_is(end[-1], CHAR_BLANK));
}

static bool
keep(struct h2_head *h, struct span name, struct span value)
{
	struct record r = { (uint32_t)name.len, (uint32_t)value.len };

	return buf_append(&h->bytes, &r, sizeof(r)) &&
	       buf_append_span(&h->bytes, name) &&
	       buf_append_span(&h->bytes, value);
}

bool
h2_head_add(struct h2_head *h, const struct http_limits *limits,
    struct span name, struct span value)
{
	bool pseudo = name.len > 0 && *name.ptr == ':';

	h->size += name.len + value.len + FIELD_EXTRA;
	if (h->size / AMPLIFIED > limits->head)
		return false;
	if (pseudo ? !note_pseudo(h, name) : !is_name(name))
		blame(h, H2_MALFORMED);
	h->regular = h->regular || !pseudo;
	h->fields += !pseudo;
	if (!is_value(value))
		blame(h, H2_MALFORMED);
	if (span_eq(name, pseudo_names[PSEUDO_PATH]) &&
	    value.len + LINE_EXTRA > limits->line)
		blame(h, H2_TARGET_TOO_LONG);
	if (h->size > limits->head || h->fields > limits->fields ||
	    name.len + value.len > limits->field)
		blame(h, H2_TOO_LARGE);
	if (h->fault == H2_FINE && !keep(h, name, value))
		blame(h, H2_TOO_LARGE);
	return true;
}

/* Take the next record off; false: no more. */
static bool
next_field(struct span *records, struct span *name, struct span *value)
{
	struct record r;

	if (records->len == 0)
		return false;
	memcpy(&r, records->ptr, sizeof(r));
	*records = span_from(*records, sizeof(r));
	*name = (struct span){ records->ptr, r.name_len };
	*value = (struct span){ records->ptr + r.name_len, r.value_len };
	*records = span_from(*records, (size_t)r.name_len + r.value_len);
	return true;
}

static struct span
pseudo_value(struct span records, enum pseudo which)
{
	struct span name, value;

	while (next_field(&records, &name, &value))
		if (span_eq(name, pseudo_names[which]))
			return value;
	return (struct span){ NULL, 0 };
}

/* Meant for the next connection, of which HTTP/2 says it otherwise (8.2.2). */
static bool
is_connection_specific(enum http_field_id id, struct span value)
{
	switch (id) {
	case FIELD_CONNECTION:
	case FIELD_KEEP_ALIVE:
	case FIELD_PROXY_CONNECTION:
	case FIELD_TRANSFER_ENCODING:
	case FIELD_UPGRADE:
		return true;
	case FIELD_TE:
		return !span_eq_nocase(value, SPAN("trailers"));
	default:
		return false;
	}
}

static void
add_received(struct http_msg *msg, struct span name, struct span value)
{
	http_msg_add(msg, name, value);
	msg->field[msg->nfields - 1].ours = false;
}

/* One Cookie of all crumbs (section 8.2.3), behind the records. */
static void
add_cookie(struct h2_head *h, struct span records, struct http_msg *msg)
{
	size_t begin = buf_len(&h->bytes), n;
	struct span name, value, cookie;

	while (next_field(&records, &name, &value)) {
		if (http_field_lookup(name) != FIELD_COOKIE || value.len == 0)
			continue;
		if (buf_len(&h->bytes) > begin)
			buf_append_span(&h->bytes, SPAN("; "));
		buf_append_span(&h->bytes, value);
	}
	n = buf_len(&h->bytes) - begin;
	cookie = (struct span){ h->bytes.data + h->bytes.head + begin, n };
	add_received(msg, http_field_name(FIELD_COOKIE), cookie);
}

/* All but pseudo-fields, and those that were or will be added otherwise. */
static enum h2_fault
add_fields(
    struct h2_head *h, struct span records, bool tunnel, struct http_msg *msg)
{
	struct span all = records, name, value;
	bool cookie = false;

	while (next_field(&records, &name, &value)) {
		enum http_field_id id = http_field_lookup(name);

		if (*name.ptr == ':' || id == FIELD_HOST)
			continue;
		if (is_connection_specific(id, value))
			return H2_MALFORMED;
		/* ours takes its place, RFC 8441 section 5 */
		if (tunnel && span_eq(name, SPAN("sec-websocket-key")))
			continue;
		if (id == FIELD_COOKIE)
			cookie = true;
		else
			add_received(msg, name, value);
	}
	if (cookie)
		add_cookie(h, all, msg);
	return H2_FINE;
}

/*
 * :authority takes the place of Host; where both are, they must say the same
 * (section 8.3.1).
 */
static enum h2_fault
add_host(struct h2_head *h, struct span records, struct http_msg *msg)
{
	struct span host = pseudo_value(records, PSEUDO_AUTHORITY);
	bool known = h->pseudo & BIT(PSEUDO_AUTHORITY), again = false;
	struct span name, value;

	while (next_field(&records, &name, &value)) {
		if (http_field_lookup(name) != FIELD_HOST)
			continue;
		if (again || (known && !span_eq_nocase(host, value)))
			return H2_MALFORMED;
		again = true;
		host = value;
	}
	if (known || again)
		add_received(msg, http_field_name(FIELD_HOST), host);
	return H2_FINE;
}

/* Which pseudo-fields have to be there (section 8.3.1, 8.5; RFC 8441). */
static bool
pseudo_complete(const struct h2_head *h, struct span method)
{
	const unsigned plain =
	    BIT(PSEUDO_METHOD) | BIT(PSEUDO_SCHEME) | BIT(PSEUDO_PATH);
	const unsigned forward = BIT(PSEUDO_METHOD) | BIT(PSEUDO_AUTHORITY);

	if (!span_eq(method, SPAN("CONNECT")))
		return (h->pseudo & ~BIT(PSEUDO_AUTHORITY)) == plain;
	return h->pseudo == forward ||
	       h->pseudo == (plain | forward | BIT(PSEUDO_PROTOCOL));
}

/*
 * The request line as the log shows it; method and target are in it.  What it
 * is made of is in the same buffer, which has room: nothing moves.
 */
static void
put_line(struct h2_head *h, struct span method, struct span path,
    struct http_msg *msg)
{
	size_t begin = buf_len(&h->bytes);

	buf_append_span(&h->bytes, method);
	buf_append_span(&h->bytes, SPAN(" "));
	buf_append_span(&h->bytes, path);
	buf_append_span(&h->bytes, SPAN(" HTTP/2.0"));
	msg->method_text =
	    (struct span){ h->bytes.data + h->bytes.head + begin, method.len };
	msg->target =
	    (struct span){ msg->method_text.ptr + method.len + 1, path.len };
}

/* 400 where HTTP/1.1 could not say it, or would be refused. */
static enum h2_fault
check_target(struct span method, struct span scheme, struct span path)
{
	const char *end = path.ptr + path.len;

	if (!http_is_token(method) || path.len == 0)
		return H2_MALFORMED;
	if (method.len > HTTP_METHOD_MAX || !span_eq(scheme, SPAN("https")) ||
	    char_skip(path.ptr, end, CHAR_TARGET) != end)
		return H2_BAD;
	if (*path.ptr == '/' ||
	    (span_eq(path, SPAN("*")) && span_eq(method, SPAN("OPTIONS"))))
		return H2_FINE;
	return H2_BAD;
}

/* How the body ends: its stream does, and a length must not lie. */
static enum h2_fault
find_body(const struct http_msg *msg, bool ended, struct h2_request *r)
{
	const struct http_field *length =
	    http_msg_field(msg, FIELD_CONTENT_LENGTH);

	r->end = ended ? BODY_NONE : BODY_CHUNKED;
	if (length == NULL)
		return H2_FINE;
	if (msg->count[FIELD_CONTENT_LENGTH] != 1 ||
	    !http_parse_length(length->value, &r->length) ||
	    (ended && r->length > 0))
		return H2_MALFORMED;
	r->end = BODY_LENGTH;
	return H2_FINE;
}

/* As an Upgrade, of a GET (RFC 8441 section 5, RFC 6455 section 4.1). */
static enum h2_fault
make_upgrade(struct span records, const char key[WEBSOCKET_KEY_LEN],
    struct http_msg *msg, struct h2_request *r)
{
	struct span protocol = pseudo_value(records, PSEUDO_PROTOCOL);

	if (!span_eq_nocase(protocol, SPAN("websocket")) ||
	    msg->count[FIELD_CONTENT_LENGTH] > 0)
		return H2_BAD;
	msg->method = HTTP_GET;
	r->tunnel = true;
	r->end = BODY_NONE;
	http_msg_add(msg, http_field_name(FIELD_CONNECTION), SPAN("upgrade"));
	http_msg_add(msg, http_field_name(FIELD_UPGRADE), SPAN("websocket"));
	http_msg_add(msg, SPAN("Sec-WebSocket-Key"),
	    (struct span){ key, WEBSOCKET_KEY_LEN });
	return H2_FINE;
}

static void
find_priority(const struct http_msg *msg, struct h2_request *r)
{
	for (size_t i = 0; i < msg->nfields; i++)
		if (span_eq(msg->field[i].name, SPAN("priority")))
			h2_priority(msg->field[i].value, r);
}

bool
h2_head_is_tunnel(const struct h2_head *h)
{
	return h->pseudo & BIT(PSEUDO_PROTOCOL);
}

enum h2_fault
h2_head_request(struct h2_head *h, bool ended,
    const char key[WEBSOCKET_KEY_LEN], struct http_msg *msg,
    struct h2_request *r)
{
	bool tunnel = h2_head_is_tunnel(h);
	struct span records, method, path;
	size_t len = buf_len(&h->bytes);
	enum h2_fault fault;

	*r = (struct h2_request){ .urgency = 3, .incremental = true };
	http_msg_begin(msg, 0);
	msg->method_text = msg->target = SPAN("");
	if (h->fault != H2_FINE)
		return h->fault;
	/* at once, so that nothing moves while something is put behind it */
	if (!buf_reserve(&h->bytes, len + LINE_EXTRA + 2 * h->fields))
		return H2_TOO_LARGE;
	records = buf_span(&h->bytes);
	method = pseudo_value(records, PSEUDO_METHOD);
	path = pseudo_value(records, PSEUDO_PATH);
	if (!pseudo_complete(h, method))
		return H2_MALFORMED;
	put_line(h, tunnel ? SPAN("GET") : method, path, msg);
	msg->method = http_method_of(msg->method_text);
	msg->major = 2;
	if ((fault = add_host(h, records, msg)) != H2_FINE ||
	    (fault = add_fields(h, records, tunnel, msg)) != H2_FINE ||
	    (fault = find_body(msg, ended, r)) != H2_FINE)
		return fault;
	find_priority(msg, r);
	if (msg->method == HTTP_CONNECT) /* h1 refuses it, too */
		return H2_FINE;
	fault =
	    check_target(method, pseudo_value(records, PSEUDO_SCHEME), path);
	if (fault == H2_FINE && tunnel)
		fault = make_upgrade(records, key, msg, r);
	return fault;
}

enum h2_fault
h2_head_trailers(struct h2_head *h, struct http_msg *msg)
{
	struct span records = buf_span(&h->bytes), name, value;

	http_msg_begin(msg, 0);
	if (h->fault != H2_FINE)
		return h->fault;
	if (h->pseudo != 0)
		return H2_MALFORMED;
	while (next_field(&records, &name, &value)) {
		if (is_connection_specific(http_field_lookup(name), value))
			return H2_MALFORMED;
		add_received(msg, name, value);
	}
	return H2_FINE;
}

/* u=0 to u=7, i, i=?0, i=?1; parameters mean nothing. */
void
h2_priority(struct span value, struct h2_request *r)
{
	struct span element;

	r->incremental = false;
	while (http_list_next(&value, &element)) {
		const char *end = memchr(element.ptr, ';', element.len);

		if (end != NULL)
			element.len = (size_t)(end - element.ptr);
		element = char_trim(element);
		if (element.len == 3 && span_starts(element, SPAN("u=")) &&
		    element.ptr[2] >= '0' && element.ptr[2] <= '7')
			r->urgency = (unsigned)(element.ptr[2] - '0');
		else if (span_eq(element, SPAN("i")) ||
			 span_eq(element, SPAN("i=?1")))
			r->incremental = true;
		else if (span_eq(element, SPAN("i=?0")))
			r->incremental = false;
	}
}
