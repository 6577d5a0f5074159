/* Copies what has to be remembered of a request. */
#include "worker/asked.h"

/* Returns the bytes copied: none if there are too many. */
static size_t
keep(char *to, size_t size, struct span s)
{
	if (s.len == 0 || s.len > size)
		return 0;
	memcpy(to, s.ptr, s.len);
	return s.len;
}

/* Of a list that is too long, the elements that fit. */
static void
take_accept(struct asked *a, const struct http_msg *msg)
{
	const struct http_field *f = http_msg_field(msg, FIELD_ACCEPT);
	struct span list = f == NULL ? SPAN("") : f->value;
	const char *comma;

	if (list.len > sizeof(a->accept)) {
		comma = memrchr(list.ptr, ',', sizeof(a->accept));
		list.len = comma == NULL ? 0 : (size_t)(comma - list.ptr);
	}
	a->accept_len = (uint16_t)keep(a->accept, sizeof(a->accept), list);
	a->media = MEDIA_TEXT;
}

void
asked_weigh(struct asked *a)
{
	a->media =
	    http_negotiate_media((struct span){ a->accept, a->accept_len });
}

static bool
is_https(struct span proto)
{
	return span_eq(proto, SPAN("https"));
}

void
asked_nothing(struct asked *a, struct trace_source *source, struct span proto)
{
	a->media = MEDIA_TEXT;
	a->coding = CODING_NONE;
	a->language = 0;
	a->https = is_https(proto);
	a->tool_len = 0;
	a->host_len = a->authority_len = a->accept_len = 0;
	a->id_len = (uint8_t)request_id_make(source, a->id);
	a->trace_len = 0;
}

/* Of two traces none goes on. */
static void
take_trace(struct asked *a, struct trace_source *source,
    const struct http_msg *msg, bool id_is_ours)
{
	const struct http_field *f = http_msg_field(msg, FIELD_TRACEPARENT);
	bool one = msg->count[FIELD_TRACEPARENT] == 1;

	a->traced = trace_parent(source, one ? f->value : SPAN(""),
	    id_is_ours ? a->id : NULL, a->trace);
	a->trace_len = sizeof(a->trace);
}

/* An id is kept, unless there are two of them.  True: one was made. */
static bool
take_id(
    struct asked *a, struct trace_source *source, const struct http_msg *msg)
{
	const struct http_field *f = http_msg_field(msg, FIELD_X_REQUEST_ID);

	if (msg->count[FIELD_X_REQUEST_ID] == 1 && request_id_valid(f->value)) {
		a->id_len = (uint8_t)keep(a->id, sizeof(a->id), f->value);
		return false;
	}
	a->id_len = (uint8_t)request_id_make(source, a->id);
	return true;
}

void
asked_begin(struct asked *a, struct trace_source *source,
    const struct http_msg *msg, const struct http_target *target,
    struct span proto)
{
	bool id_is_ours;

	take_accept(a, msg);
	/* an encoded body has no length: HTTP/1.0 could not tell its end */
	a->coding = msg->minor == 0 ? CODING_NONE : http_negotiate_coding(msg);
	a->language = 0;
	a->https = is_https(proto);
	a->tool_len = 0;
	a->host_len = 0;
	a->authority_len = 0;
	if (target != NULL)
		a->authority_len = (uint16_t)keep(
		    a->authority, sizeof(a->authority), target->authority);
	id_is_ours = take_id(a, source, msg);
	take_trace(a, source, msg, id_is_ours);
}

void
asked_set_host(struct asked *a, struct span normalized)
{
	a->host_len = (uint16_t)keep(a->host, sizeof(a->host), normalized);
}

void
asked_set_tool(struct asked *a, struct span name)
{
	a->tool_len = (uint8_t)keep(a->tool, sizeof(a->tool), name);
}
