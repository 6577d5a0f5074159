/* Which upgrades are asked for, and given. */
#include "http/upgrade.h"

#include "http/fields.h"
#include "http/framing.h"

/* protocol-name ["/" protocol-version] */
static bool
is_protocol(struct span s)
{
	const char *slash = memchr(s.ptr, '/', s.len);
	struct span name = s;

	if (slash == NULL)
		return http_is_token(s);
	name.len = (size_t)(slash - s.ptr);
	return http_is_token(name) && http_is_token(span_from(s, name.len + 1));
}

/* h2, h2c, HTTP/2.0; TLS/1.0 (RFC 2817) */
static bool
is_tunnelled(struct span protocol)
{
	return !span_starts_nocase(protocol, SPAN("h2")) &&
	       !span_starts_nocase(protocol, SPAN("HTTP")) &&
	       !span_starts_nocase(protocol, SPAN("TLS"));
}

/* The only protocol that a message names.  Empty: none, or several. */
static struct span
named(const struct http_msg *msg)
{
	const struct http_field *upgrade = http_msg_field(msg, FIELD_UPGRADE);
	struct span none = SPAN("");

	if (upgrade == NULL || msg->count[FIELD_UPGRADE] != 1 ||
	    msg->minor == 0 || upgrade->value.len > UPGRADE_MAX ||
	    upgrade->value.len == 0 || !is_protocol(upgrade->value) ||
	    !http_list_has(msg, FIELD_CONNECTION, SPAN("upgrade")))
		return none;
	return upgrade->value;
}

struct span
http_upgrade_asked(const struct http_msg *msg)
{
	struct span none = SPAN(""), protocol;
	uint64_t length = 0;
	enum body_end end;

	if (msg->count[FIELD_UPGRADE] == 0 || msg->method == HTTP_HEAD ||
	    msg->method == HTTP_CONNECT)
		return none;
	end = http_request_body(msg, &length);
	if (end != BODY_NONE && (end != BODY_LENGTH || length > 0))
		return none;
	protocol = named(msg);
	return protocol.len > 0 && is_tunnelled(protocol) ? protocol : none;
}

bool
http_upgrade_given(const struct http_msg *msg, struct span asked)
{
	return msg->status == 101 && asked.len > 0 &&
	       span_eq_nocase(named(msg), asked);
}
