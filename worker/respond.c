/* Builds response heads. */
#include "worker/respond.h"

#include "http/fields.h"
#include "http/serialize.h"

/* Is it the host, or the host and port, that the client asked for? */
static bool
is_own(struct span authority, const struct asked *asked)
{
	return authority.len > 0 &&
	       (span_eq_nocase(authority, asked_host(asked)) ||
		   span_eq_nocase(authority, asked_authority(asked)));
}

void
respond_location(
    struct http_msg *msg, const struct asked *asked, struct buf *storage)
{
	const struct span http = SPAN("http:");
	struct http_field *f;
	struct span rest, authority;
	size_t n = 0;

	if (!asked->https || msg->count[FIELD_LOCATION] != 1)
		return;
	f = &msg->field[msg->first[FIELD_LOCATION]];
	if (!span_starts_nocase(f->value, http))
		return;
	rest = span_from(f->value, http.len);
	if (!span_starts(rest, SPAN("//")))
		return;
	authority = span_from(rest, 2);
	while (n < authority.len && strchr("/?#", authority.ptr[n]) == NULL)
		n++;
	authority.len = n;
	if (!is_own(authority, asked) ||
	    !buf_append_span(storage, SPAN("https:")) ||
	    !buf_append_span(storage, rest))
		return;
	f->value = buf_span(storage);
}

static bool
put_fields(struct buf *out, const struct http_msg *msg)
{
	for (size_t i = 0; i < msg->nfields; i++)
		if (!http_field_is_hop(msg, &msg->field[i]) &&
		    !http_put_field(
			out, msg->field[i].name, msg->field[i].value))
			return false;
	return true;
}

/*
 * Without a body, Content-Length says how long it would be (RFC 9110 section
 * 8.6); the framing rules have seen that there is at most one.
 */
static bool
put_framing(struct buf *out, const struct respond *r)
{
	const struct http_field *length;

	switch (r->end) {
	case BODY_LENGTH:
		return http_put_length(out, r->length);
	case BODY_CHUNKED:
		return http_put_field(out,
		    http_field_name(FIELD_TRANSFER_ENCODING), SPAN("chunked"));
	case BODY_NONE:
		length = http_msg_field(r->msg, FIELD_CONTENT_LENGTH);
		if (length == NULL || r->msg->status == 204)
			return true;
		return http_put_field(
		    out, http_field_name(FIELD_CONTENT_LENGTH), length->value);
	default:
		return true;
	}
}

static bool
put_connection(struct buf *out, const struct respond *r)
{
	if (!r->keep_alive)
		return http_put_field(
		    out, http_field_name(FIELD_CONNECTION), SPAN("close"));
	if (r->minor == 0)
		return http_put_field(
		    out, http_field_name(FIELD_CONNECTION), SPAN("keep-alive"));
	return true;
}

bool
respond_head(struct buf *out, const struct respond *r)
{
	return http_put_status_line(out, r->msg->status, r->msg->reason) &&
	       put_fields(out, r->msg) && put_framing(out, r) &&
	       put_connection(out, r) && http_put_end(out);
}

bool
respond_interim(struct buf *out, const struct http_msg *msg)
{
	return http_put_status_line(out, msg->status, msg->reason) &&
	       put_fields(out, msg) && http_put_end(out);
}

bool
respond_switch(struct buf *out, const struct http_msg *msg)
{
	return http_put_status_line(out, msg->status, msg->reason) &&
	       put_fields(out, msg) &&
	       http_put_field(
		   out, http_field_name(FIELD_CONNECTION), SPAN("upgrade")) &&
	       http_put_field(out, http_field_name(FIELD_UPGRADE),
		   http_msg_field(msg, FIELD_UPGRADE)->value) &&
	       http_put_end(out);
}
