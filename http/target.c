/* The forms of a request target, and what a host looks like. */
#include "http/target.h"

#include <arpa/inet.h>

#include "http/chars.h"

#define LABEL_MAX 63 /* RFC 1035 section 2.3.4 */
#define PORT_MAX 65535

/* port = *DIGIT (RFC 3986 section 3.2.3), in 16 bits. */
static bool
is_port(struct span s)
{
	unsigned port = 0;

	for (size_t i = 0; i < s.len; i++) {
		if (!char_is(s.ptr[i], CHAR_DIGIT))
			return false;
		port = port * 10 + (unsigned)(s.ptr[i] - '0');
		if (port > PORT_MAX)
			return false;
	}
	return true;
}

/* "[" IPv6address "]"; host is with its brackets. */
static bool
normalize_ipv6(struct span host, char *out, size_t *len)
{
	char text[INET6_ADDRSTRLEN];
	struct in6_addr ip;
	size_t n = host.len - 2;

	if (n >= sizeof(text) || memchr(host.ptr, '\0', host.len) != NULL)
		return false;
	memcpy(text, host.ptr + 1, n);
	text[n] = '\0';
	if (inet_pton(AF_INET6, text, &ip) != 1)
		return false;
	inet_ntop(AF_INET6, &ip, text, sizeof(text));
	*len = (size_t)snprintf(out, INET6_ADDRSTRLEN + 2, "[%s]", text);
	return true;
}

static inline char
lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
}

/* Labels and dots: a name, or an IPv4 address. */
static bool
normalize_name(struct span host, char *out, size_t *len)
{
	size_t at = 0, begin;

	if (host.len > 0 && host.ptr[host.len - 1] == '.')
		host.len--;
	if (host.len == 0 || host.len > HOST_NAME_MAX_DNS)
		return false;
	for (;;) {
		for (begin = at;
		     at < host.len && char_is(host.ptr[at], CHAR_HOST); at++)
			out[at] = lower(host.ptr[at]);
		if (at == begin || at - begin > LABEL_MAX)
			return false;
		if (at == host.len)
			break;
		if (host.ptr[at] != '.')
			return false;
		out[at++] = '.';
	}
	out[at] = '\0';
	*len = at;
	return true;
}

bool
http_host_normalize(struct span authority, char *out, size_t *len)
{
	bool literal = authority.len > 0 && authority.ptr[0] == '[';
	const char *end;
	struct span host = authority, port = { NULL, 0 };

	if (authority.len == 0)
		return false;
	end = memchr(authority.ptr, literal ? ']' : ':', authority.len);
	if (literal && end == NULL)
		return false;
	if (end != NULL) {
		host.len = (size_t)(end - authority.ptr) + literal;
		port = span_from(authority, host.len);
	}
	if (port.len > 0 &&
	    (port.ptr[0] != ':' || !is_port(span_from(port, 1))))
		return false;
	return literal ? normalize_ipv6(host, out, len)
		       : normalize_name(host, out, len);
}

/* Another spelling of the host? */
static bool
is_host(struct span authority, struct span host)
{
	char normal[HOST_NAME_MAX_DNS + 1];
	size_t len;

	return http_host_normalize(authority, normal, &len) &&
	       span_eq((struct span){ normal, len }, host);
}

static void
set_path(struct http_target *target, struct span raw)
{
	const char *mark = memchr(raw.ptr, '?', raw.len);

	target->raw = target->path = raw;
	target->query = (struct span){ NULL, 0 };
	if (mark != NULL) {
		target->path.len = (size_t)(mark - raw.ptr);
		target->query = span_from(raw, target->path.len + 1);
	}
}

static bool
skip_prefix(struct span *s, struct span prefix)
{
	if (!span_starts_nocase(*s, prefix))
		return false;
	*s = span_from(*s, prefix.len);
	return true;
}

/*
 * "http://" authority path-abempty [ "?" query ] (RFC 9112 section 3.2.2).
 * Its authority counts, and Host must say the same.  A query right after the
 * authority is refused: the path we would have to pass on is not in the bytes.
 */
static enum target_fault
absolute_form(
    enum http_method method, struct span rest, struct http_target *target)
{
	size_t n = 0;

	if (!skip_prefix(&rest, SPAN("http://")) &&
	    !skip_prefix(&rest, SPAN("https://")))
		return TARGET_BAD;
	while (n < rest.len && rest.ptr[n] != '/' && rest.ptr[n] != '?')
		n++;
	target->authority = (struct span){ rest.ptr, n };
	if (!is_host(target->authority, http_target_host(target)))
		return TARGET_BAD;
	rest = span_from(rest, n);
	if (rest.len > 0 && rest.ptr[0] != '/')
		return TARGET_BAD;
	if (rest.len == 0) /* section 3.2.4: an OPTIONS for the server itself */
		rest = method == HTTP_OPTIONS ? SPAN("*") : SPAN("/");
	set_path(target, rest);
	return TARGET_FINE;
}

enum target_fault
http_target(const struct http_msg *msg, struct http_target *target)
{
	const struct http_field *host = http_msg_field(msg, FIELD_HOST);

	if (msg->method == HTTP_CONNECT)
		return TARGET_CONNECT;
	if (msg->count[FIELD_HOST] != 1 ||
	    !http_host_normalize(host->value, target->host, &target->host_len))
		return TARGET_NO_HOST;
	target->authority = host->value;
	if (msg->target.ptr[0] == '/') {
		set_path(target, msg->target);
		return TARGET_FINE;
	}
	if (span_eq(msg->target, SPAN("*"))) {
		set_path(target, msg->target);
		return msg->method == HTTP_OPTIONS ? TARGET_FINE : TARGET_BAD;
	}
	return absolute_form(msg->method, msg->target, target);
}

enum reason
http_target_reason(enum target_fault fault)
{
	switch (fault) {
	case TARGET_FINE:
		return REASON_NONE;
	case TARGET_NO_HOST:
		return REASON_NO_HOST;
	case TARGET_CONNECT:
		return REASON_METHOD;
	case TARGET_BAD:
		break;
	}
	return REASON_BAD_REQUEST;
}
