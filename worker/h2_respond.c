/* Makes name-value pairs; nghttp2 writes the names in lower case. */
#include "worker/h2_respond.h"

#include "http/fields.h"

static void
add(struct h2_fields *f, struct span name, struct span value)
{
	f->nv[f->n++] = (nghttp2_nv){ .name = (uint8_t *)name.ptr,
		.namelen = name.len,
		.value = (uint8_t *)value.ptr,
		.valuelen = value.len,
		.flags = NGHTTP2_NV_FLAG_NONE };
}

static void
add_status(struct h2_fields *f, unsigned status)
{
	f->n = 0;
	add(f, SPAN(":status"), http_digits(f->status, status));
}

static void
add_fields(struct h2_fields *f, const struct http_msg *msg)
{
	for (size_t i = 0; i < msg->nfields; i++)
		if (!http_field_is_hop(msg, &msg->field[i]))
			add(f, msg->field[i].name, msg->field[i].value);
}

static void
add_length(struct h2_fields *f, uint64_t length)
{
	add(f, SPAN("content-length"), http_digits(f->length, length));
}

void
h2_respond(struct h2_fields *f, const struct http_msg *msg, enum body_end end,
    uint64_t length)
{
	const struct http_field *said =
	    http_msg_field(msg, FIELD_CONTENT_LENGTH);

	add_status(f, msg->status);
	add_fields(f, msg);
	if (end == BODY_LENGTH)
		add_length(f, length);
	/* without a body it says how long that would be: respond_head() */
	else if (end == BODY_NONE && said != NULL && msg->status != 204)
		add(f, SPAN("content-length"), said->value);
}

void
h2_respond_switch(struct h2_fields *f, const struct http_msg *msg)
{
	add_status(f, 200);
	for (size_t i = 0; i < msg->nfields; i++)
		if (!http_field_is_hop(msg, &msg->field[i]) &&
		    !span_eq_nocase(
			msg->field[i].name, SPAN("Sec-WebSocket-Accept")))
			add(f, msg->field[i].name, msg->field[i].value);
}

void
h2_respond_trailers(struct h2_fields *f, const struct http_msg *msg)
{
	f->n = 0;
	add_fields(f, msg);
}
