/* Both versions of the header. */
#include "worker/proxy_protocol.h"

#define V1_MAX 107
#define V2_HEAD 16

static const char signature[12] = "\r\n\r\n\0\r\nQUIT\n";

/* The word up to the next space, which is taken too.  Empty: there is none. */
static struct span
word(struct span *rest)
{
	const char *space =
	    rest->len == 0 ? NULL : memchr(rest->ptr, ' ', rest->len);
	struct span w = *rest;

	if (space != NULL)
		w.len = (size_t)(space - rest->ptr);
	*rest = span_from(*rest, w.len + (space != NULL));
	return w;
}

static bool
is_port(struct span s)
{
	unsigned n = 0;

	if (s.len == 0 || s.len > 5 || (s.len > 1 && *s.ptr == '0'))
		return false;
	for (size_t i = 0; i < s.len; i++) {
		if (s.ptr[i] < '0' || s.ptr[i] > '9')
			return false;
		n = n * 10 + (unsigned)(s.ptr[i] - '0');
	}
	return n <= 65535;
}

/* "TCP4 192.0.2.1 192.0.2.2 1024 80": source and destination. */
static enum proxy_header
parse_line(struct span line, struct ip *client)
{
	struct span family = word(&line), from, to, from_port;
	struct ip source, destination;

	if (span_eq(family, SPAN("UNKNOWN")))
		return PROXY_UNSAID; /* whatever follows */
	from = word(&line);
	to = word(&line);
	from_port = word(&line);
	if (!ip_parse(&source, from) || !ip_parse(&destination, to) ||
	    !is_port(from_port) || !is_port(line))
		return PROXY_BAD;
	/* ::ffff:192.0.2.1 is TCP6 to the sender, and IPv4 here */
	if (span_eq(family, SPAN("TCP4"))
		? memchr(from.ptr, ':', from.len) != NULL
		: !span_eq(family, SPAN("TCP6")) ||
		      memchr(from.ptr, ':', from.len) == NULL)
		return PROXY_BAD;
	*client = source;
	return PROXY_CLIENT;
}

static enum proxy_header
parse_v1(struct span bytes, size_t *used, struct ip *client)
{
	struct span prefix = SPAN("PROXY ");
	const char *lf = memchr(bytes.ptr, '\n', bytes.len);
	size_t n = lf == NULL ? bytes.len : (size_t)(lf - bytes.ptr) + 1;

	if (bytes.len < prefix.len)
		return memcmp(bytes.ptr, prefix.ptr, bytes.len) == 0
			   ? PROXY_MORE
			   : PROXY_BAD;
	if (!span_starts(bytes, prefix) || n > V1_MAX)
		return PROXY_BAD;
	if (lf == NULL)
		return n == V1_MAX ? PROXY_BAD : PROXY_MORE;
	if (n < prefix.len + 2 || bytes.ptr[n - 2] != '\r')
		return PROXY_BAD;
	*used = n;
	return parse_line(
	    (struct span){ bytes.ptr + prefix.len, n - 2 - prefix.len },
	    client);
}

static void
set_ip(struct ip *ip, const uint8_t *bytes, bool v6)
{
	struct in6_addr in6;

	if (v6) {
		memcpy(&in6, bytes, sizeof(in6));
		ip_from_in6(ip, &in6);
		return;
	}
	*ip = (struct ip){ .family = AF_INET };
	memcpy(ip->bytes, bytes, 4);
}

static enum proxy_header
parse_v2(struct span bytes, size_t *used, struct ip *client)
{
	const uint8_t *b = (const uint8_t *)bytes.ptr;
	size_t length;

	if (bytes.len < V2_HEAD)
		return PROXY_MORE;
	length = (size_t)b[14] << 8 | b[15];
	if (b[12] >> 4 != 2 || (b[12] & 15) > 1 ||
	    V2_HEAD + length > PROXY_V2_MAX)
		return PROXY_BAD;
	if (bytes.len < V2_HEAD + length)
		return PROXY_MORE;
	*used = V2_HEAD + length;
	if ((b[12] & 15) == 0 || b[13] == 0x00) /* LOCAL, UNSPEC */
		return PROXY_UNSAID;
	if ((b[13] != 0x11 || length < 12) && (b[13] != 0x21 || length < 36))
		return PROXY_BAD; /* not TCP over IPv4 or IPv6 */
	set_ip(client, b + V2_HEAD, b[13] == 0x21);
	return PROXY_CLIENT;
}

enum proxy_header
proxy_parse(struct span bytes, size_t *used, struct ip *client)
{
	size_t n =
	    bytes.len < sizeof(signature) ? bytes.len : sizeof(signature);

	if (n == 0)
		return PROXY_MORE;
	if (memcmp(bytes.ptr, signature, n) != 0)
		return parse_v1(bytes, used, client);
	return parse_v2(bytes, used, client);
}
