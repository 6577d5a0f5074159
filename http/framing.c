/* The rules of RFC 9112 section 6, and where we refuse what it tolerates. */
#include "http/framing.h"

#include "http/fields.h"

/*
 * What the fields announce; `without` if they say nothing.  Section 6.1 lets
 * a recipient of both fields choose, and section 6.3 accept equal lengths in a
 * list: the next one may choose otherwise, so neither goes through here.
 */
static enum body_end
announced(const struct http_msg *msg, enum body_end without, uint64_t *length)
{
	const struct http_field *coding, *announcement;

	coding = http_msg_field(msg, FIELD_TRANSFER_ENCODING);
	announcement = http_msg_field(msg, FIELD_CONTENT_LENGTH);
	if (coding != NULL)
		return msg->minor == 1 && announcement == NULL &&
			       msg->count[FIELD_TRANSFER_ENCODING] == 1 &&
			       span_eq_nocase(coding->value, SPAN("chunked"))
			   ? BODY_CHUNKED
			   : BODY_REFUSE;
	if (announcement == NULL)
		return without;
	return msg->count[FIELD_CONTENT_LENGTH] == 1 &&
		       http_parse_length(announcement->value, length)
		   ? BODY_LENGTH
		   : BODY_REFUSE;
}

enum body_end
http_request_body(const struct http_msg *msg, uint64_t *length)
{
	return announced(msg, BODY_NONE, length);
}

enum body_end
http_response_body(
    const struct http_msg *msg, enum http_method method, uint64_t *length)
{
	uint64_t n = 0;
	enum body_end end = announced(msg, BODY_CLOSE, &n);

	if (end == BODY_REFUSE)
		return BODY_REFUSE;
	if (msg->status < 200 || msg->status == 204)
		return end == BODY_CHUNKED || n > 0 ? BODY_REFUSE : BODY_NONE;
	if (msg->status == 304 || method == HTTP_HEAD)
		return BODY_NONE;
	if (end == BODY_LENGTH)
		*length = n;
	return end;
}

bool
http_keep_alive(const struct http_msg *msg)
{
	return (msg->minor == 1 ||
		   http_list_has(msg, FIELD_CONNECTION, SPAN("keep-alive"))) &&
	       !http_list_has(msg, FIELD_CONNECTION, SPAN("close"));
}
