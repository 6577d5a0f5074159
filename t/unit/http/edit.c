/* Fields come and go, and are found where they are then. */
#include "http/edit.h"

#include "http/fields.h"
#include "t/unit/http/feed.h"

static bool
is_named(const struct http_msg *msg, const struct http_field *f, const void *user)
{
	return span_eq(f->name, span_str(user)) ||
	       (strcmp(user, "hop") == 0 && http_field_is_hop(msg, f));
}

int
main(void)
{
	const char head[] = "HTTP/1.1 200 OK\r\nA: 1\r\nX-Hop: 2\r\n"
			    "Date: 3\r\nB: 4\r\nSet-Cookie: 5\r\nA: 6\r\n"
			    "Connection: X-Hop, Vary\r\nSet-Cookie: 7\r\n\r\n";
	struct http_msg *msg = &feed_msg;

	ok(feed_whole(http_parse_response, SPAN(head), &usual) == HTTP_FINE,
	    "a response");
	http_msg_drop(msg, is_named, "nobody");
	is_int((long long)msg->nfields, 8, "nothing dropped");
	http_msg_drop(msg, is_named, "A");
	is_int((long long)msg->nfields, 6, "two dropped");
	is_span(http_msg_field(msg, FIELD_DATE)->value, "3", "Date");
	is_span(http_msg_field(msg, FIELD_SET_COOKIE)->value, "5", "a cookie");
	is_int(msg->count[FIELD_SET_COOKIE], 2, "and another");
	http_msg_add(msg, SPAN("Vary"), SPAN("x"));
	is_span(http_msg_field(msg, FIELD_VARY)->value, "x", "one added");
	http_msg_drop(msg, is_named, "hop");
	is_int((long long)msg->nfields, 5, "hop-by-hop ones dropped");
	is_int(msg->count[FIELD_CONNECTION], 0, "Connection, too");
	is_span(http_msg_field(msg, FIELD_VARY)->value, "x",
	    "but not ours, whatever Connection names");
	is_span(http_msg_field(msg, FIELD_SET_COOKIE)->value, "5", "a cookie");
	http_msg_begin(msg, 404);
	is_span(msg->reason, "Not Found", "begun anew");
	ok(http_msg_field(msg, FIELD_SET_COOKIE) == NULL, "without fields");
	return done();
}
