/* Builds request heads. */
#include "worker/forward.h"

#include "http/fields.h"
#include "http/serialize.h"

#define OWN_NAME "dynproxy" /* in Via: a pseudonym, the same on all nodes */

/* The received-by part of a Via element (RFC 9110 section 7.6.3). */
static struct span
received_by(struct span element)
{
	size_t i = 0, end;

	while (i < element.len && element.ptr[i] != ' ')
		i++;
	while (i < element.len && element.ptr[i] == ' ')
		i++;
	for (end = i; end < element.len && element.ptr[end] != ' '; end++)
		;
	return (struct span){ element.ptr + i, end - i };
}

unsigned
forward_passes(const struct http_msg *msg)
{
	unsigned passes = 0;

	if (msg->count[FIELD_VIA] == 0)
		return 0;
	for (size_t i = 0; i < msg->nfields; i++) {
		struct span list = msg->field[i].value, element;

		if (msg->field[i].id != FIELD_VIA)
			continue;
		while (http_list_next(&list, &element))
			if (span_eq_nocase(
				received_by(element), SPAN(OWN_NAME)))
				passes++;
	}
	return passes;
}

/* What we say ourselves, or what the backend must not hear. */
static bool
is_ours(const struct http_msg *msg, const struct http_field *f)
{
	switch (f->id) {
	case FIELD_HOST:
	case FIELD_X_REQUEST_ID:
	case FIELD_TRACEPARENT:
	case FIELD_TRACESTATE:
		return true;
	case FIELD_EXPECT:
		/* RFC 9110 section 10.1.1: from HTTP/1.0 it means nothing */
		return msg->minor == 0;
	default:
		return http_field_is_hop(msg, f);
	}
}

static bool
put_framing(struct buf *out, const struct forward *f)
{
	switch (f->end) {
	case BODY_LENGTH:
		return http_put_length(out, f->length);
	case BODY_CHUNKED:
		return http_put_field(out,
		    http_field_name(FIELD_TRANSFER_ENCODING), SPAN("chunked"));
	default:
		return true;
	}
}

/*
 * What we ask of the next connection as we were asked: another protocol, and
 * trailers (RFC 9110 section 10.1.4), which we pass on.
 */
static bool
put_options(struct buf *out, const struct forward *f)
{
	bool upgrade = f->upgrade.len > 0;
	bool te = http_list_has(f->msg, FIELD_TE, SPAN("trailers"));

	if ((upgrade || te) &&
	    !http_put_field(out, http_field_name(FIELD_CONNECTION),
		upgrade && te ? SPAN("upgrade, TE")
		: te	      ? SPAN("TE")
			      : SPAN("upgrade")))
		return false;
	if (upgrade &&
	    !http_put_field(out, http_field_name(FIELD_UPGRADE), f->upgrade))
		return false;
	return !te ||
	       http_put_field(out, http_field_name(FIELD_TE), SPAN("trailers"));
}

static bool
put_client(struct buf *out, const struct ip *client)
{
	char text[INET6_ADDRSTRLEN];

	return http_put_field(out, http_field_name(FIELD_X_FORWARDED_FOR),
	    span_str(ip_format(client, text)));
}

/* All of it, or nothing: half of a state says something else. */
static bool
put_trace_state(struct buf *out, const struct http_msg *msg)
{
	for (int put = 0; put <= 1; put++)
		for (size_t i = 0; i < msg->nfields; i++) {
			const struct http_field *f = &msg->field[i];

			if (f->id != FIELD_TRACESTATE)
				continue;
			if (!put && !trace_state_valid(f->value))
				return true;
			if (put && !http_put_field(
				       out, http_field_name(f->id), f->value))
				return false;
		}
	return true;
}

/* What this request, and the trace that it is a part of, is known by. */
static bool
put_trace(struct buf *out, const struct forward *f)
{
	const struct asked *asked = f->asked;

	return http_put_field(
		   out, http_field_name(FIELD_X_REQUEST_ID), asked_id(asked)) &&
	       http_put_field(out, http_field_name(FIELD_TRACEPARENT),
		   asked_trace(asked)) &&
	       (!asked->traced || f->msg->count[FIELD_TRACESTATE] == 0 ||
		   put_trace_state(out, f->msg));
}

static bool
put_ours(struct buf *out, const struct forward *f)
{
	struct span via = f->msg->major == 2   ? SPAN("2.0 " OWN_NAME)
			  : f->msg->minor == 0 ? SPAN("1.0 " OWN_NAME)
					       : SPAN("1.1 " OWN_NAME);

	return http_put_field(out, http_field_name(FIELD_X_FORWARDED_HOST),
		   f->forwarded_host.len > 0 ? f->forwarded_host
					     : asked_host(f->asked)) &&
	       http_put_number(
		   out, http_field_name(FIELD_X_FORWARDED_PORT), f->port) &&
	       http_put_field(
		   out, http_field_name(FIELD_X_FORWARDED_PROTO), f->proto) &&
	       http_put_field(out, http_field_name(FIELD_X_ORIGINAL_URI),
		   f->target->raw) &&
	       (f->client == NULL || put_client(out, f->client)) &&
	       put_trace(out, f) &&
	       http_put_field(out, http_field_name(FIELD_VIA), via);
}

bool
forward_head(struct buf *out, const struct forward *f)
{
	const struct http_msg *msg = f->msg;

	if (!http_put_request_line(out, msg->method_text, f->target->raw) ||
	    !http_put_field(
		out, http_field_name(FIELD_HOST), f->target->authority))
		return false;
	for (size_t i = 0; i < msg->nfields; i++)
		if (!is_ours(msg, &msg->field[i]) &&
		    !http_put_field(
			out, msg->field[i].name, msg->field[i].value))
			return false;
	return put_framing(out, f) && put_options(out, f) && put_ours(out, f) &&
	       http_put_end(out);
}
