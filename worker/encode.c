/* Looks at heads, and changes them. */
#include "worker/encode.h"

#include "http/edit.h"
#include "http/fields.h"
#include "lib/array.h"

#define LENGTH_MIN 1024 /* bytes; less is not worth it */

static bool
has_value(const struct http_msg *msg, struct span name, struct span value)
{
	for (size_t i = 0; i < msg->nfields; i++)
		if (msg->field[i].id == FIELD_OTHER &&
		    span_eq_nocase(msg->field[i].name, name) &&
		    span_eq_nocase(msg->field[i].value, value))
			return true;
	return false;
}

/* Text, but no stream of events, which goes event by event. */
static bool
type_fits(const struct http_msg *msg)
{
	const struct http_field *type = http_msg_field(msg, FIELD_CONTENT_TYPE);

	if (type == NULL || !http_type_is_text(type->value))
		return false;
	return !span_starts_nocase(type->value, SPAN("text/event-stream"));
}

static bool
length_fits(const struct http_msg *msg, bool is_head, enum body_end end,
    uint64_t length)
{
	const struct http_field *f = http_msg_field(msg, FIELD_CONTENT_LENGTH);

	if (is_head && end == BODY_NONE)
		return f == NULL || (http_parse_length(f->value, &length) &&
					length >= LENGTH_MIN);
	return end == BODY_CHUNKED || end == BODY_CLOSE ||
	       (end == BODY_LENGTH && length >= LENGTH_MIN);
}

bool
encode_may(
    struct http_msg *msg, bool is_head, enum body_end end, uint64_t length)
{
	if (!type_fits(msg) || !length_fits(msg, is_head, end, length) ||
	    msg->status == 204 || msg->status == 206 || msg->status == 304 ||
	    msg->count[FIELD_CONTENT_ENCODING] > 0 ||
	    msg->count[FIELD_CONTENT_RANGE] > 0 ||
	    http_list_has(msg, FIELD_CACHE_CONTROL, SPAN("no-transform")) ||
	    has_value(msg, SPAN("X-Accel-Buffering"), SPAN("no")))
		return false;
	if (!http_list_has(msg, FIELD_VARY, SPAN("Accept-Encoding")) &&
	    !http_list_has(msg, FIELD_VARY, SPAN("*")))
		http_msg_add(msg, http_field_name(FIELD_VARY),
		    http_field_name(FIELD_ACCEPT_ENCODING));
	return true;
}

/* It is said of the bytes as the backend sent them. */
static bool
describes_bytes(
    const struct http_msg *msg, const struct http_field *f, const void *user)
{
	static const struct span names[] = {
		{ "Accept-Ranges", 13 },
		{ "Content-MD5", 11 },
		{ "Content-Digest", 14 },
		{ "Repr-Digest", 11 }, /* codings included: RFC 9530 3 */
		{ "Digest", 6 },
		{ "ETag", 4 },
		{ "Content-Length", 14 },
	};

	(void)msg;
	(void)user;
	for (size_t i = 0; i < nitems(names); i++)
		if (span_eq_nocase(f->name, names[i]))
			return true;
	return false;
}

/* Empty: there is none, or none that can be kept. */
static struct span
weaken(const struct http_field *f, char etag[ENCODE_ETAG_MAX])
{
	const struct span weak = SPAN("W/");

	if (f == NULL || f->value.len + weak.len > ENCODE_ETAG_MAX)
		return SPAN("");
	if (span_starts(f->value, weak))
		return f->value;
	if (f->value.len == 0 || f->value.ptr[0] != '"')
		return SPAN("");
	memcpy(etag, weak.ptr, weak.len);
	memcpy(etag + weak.len, f->value.ptr, f->value.len);
	return (struct span){ etag, weak.len + f->value.len };
}

void
encode_head(
    struct http_msg *msg, enum coding coding, char etag[ENCODE_ETAG_MAX])
{
	struct span tag = weaken(http_msg_field(msg, FIELD_ETAG), etag);

	http_msg_drop(msg, describes_bytes, NULL);
	if (tag.len > 0)
		http_msg_add(msg, http_field_name(FIELD_ETAG), tag);
	http_msg_add(msg, http_field_name(FIELD_CONTENT_ENCODING),
	    http_coding_name(coding));
}
