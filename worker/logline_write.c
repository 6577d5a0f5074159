/* Writes a line of the access log. */
#include "worker/logline.h"

#include "http/chars.h"

#define LINE_ROOM 2048 /* names, numbers, time and the backends */
#define ESCAPED_MAX 6  /* bytes that one byte becomes: \u00e9 */
#define GONE 499       /* as nginx says that the client did not wait */

size_t
logline_max(size_t head_max)
{
	return ESCAPED_MAX * (head_max + LOGLINE_PARTS_ROOM) + LINE_ROOM;
}

/* Where the line grows; logline_max() has room for all that may come. */
struct out {
	char *at;
};

static void
put(struct out *o, struct span text)
{
	memcpy(o->at, text.ptr, text.len);
	o->at += text.len;
}

static void
put_number(struct out *o, uint64_t number)
{
	char digits[20];
	size_t n = 0;

	do
		digits[n++] = (char)('0' + number % 10);
	while ((number /= 10) > 0);
	while (n > 0)
		*o->at++ = digits[--n];
}

/* As printf("%.*X"), which is slow for so little. */
static void
put_hex(struct out *o, uint32_t number, unsigned digits)
{
	while (digits-- > 0)
		*o->at++ = "0123456789ABCDEF"[number >> 4 * digits & 15];
}

/* What stands for itself at the begin of a quoted text; takes it off. */
static struct span
take_plain(struct span *text)
{
	const char *end = char_skip_plain(text->ptr, text->ptr + text->len);
	struct span plain = { text->ptr, (size_t)(end - text->ptr) };

	*text = span_from(*text, plain.len);
	return plain;
}

bool
logline_client_ip(
    const struct logline *line, enum access_log_address how, struct ip *ip)
{
	size_t kept = line->client.family == AF_INET ? 3 : 6;

	*ip = line->client;
	if (how == ADDRESS_NETWORK)
		memset(ip->bytes + kept, 0, sizeof(ip->bytes) - kept);
	return how != ADDRESS_OFF;
}

static void
put_ip(struct out *o, const struct ip *ip)
{
	o->at += strlen(ip_format(ip, o->at));
}

static void
put_backend(struct out *o, const struct logline *line, unsigned i)
{
	const struct ip *ip = &line->tries[i].ip;

	put(o, ip->family == AF_INET ? SPAN("") : SPAN("["));
	put_ip(o, ip);
	put(o, ip->family == AF_INET ? SPAN(":") : SPAN("]:"));
	put_number(o, line->tries[i].port);
}

/* What was sent; or that the client did not wait for it. */
static unsigned
status_of(const struct logline *line)
{
	return line->answered ? line->status : GONE;
}

/* nginx's words. */

static void
put_escaped(struct out *o, struct span text)
{
	for (;;) {
		put(o, take_plain(&text));
		if (text.len == 0)
			return;
		put(o, SPAN("\\x"));
		put_hex(o, (unsigned char)*text.ptr, 2);
		text = span_from(text, 1);
	}
}

static void
put_text(struct out *o, struct span text)
{
	put_escaped(o, text.len > 0 ? text : SPAN("-"));
}

/* Nothing stands around it, so a blank in it would end it. */
static void
put_user(struct out *o, struct span user)
{
	const char *blank;

	if (user.len == 0)
		*o->at++ = '-';
	while (
	    user.len > 0 && (blank = memchr(user.ptr, ' ', user.len)) != NULL) {
		size_t n = (size_t)(blank - user.ptr);

		put_escaped(o, (struct span){ user.ptr, n });
		put(o, SPAN("\\x20"));
		user = span_from(user, n + 1);
	}
	put_escaped(o, user);
}

static void
put_quoted(struct out *o, const struct logline *line, enum logline_part part)
{
	*o->at++ = '"';
	put_text(o, logline_part(line, part));
	*o->at++ = '"';
}

static void
write_vhosts(const struct logline *line, const struct logline_style *style,
    struct out *o)
{
	struct ip client;

	put_text(o, logline_part(line, LINE_HOST));
	*o->at++ = ' ';
	if (logline_client_ip(line, style->address, &client))
		put_ip(o, &client);
	else
		*o->at++ = '-';
	put(o, SPAN(" - "));
	put_user(o, logline_part(line, LINE_USER));
	put(o, SPAN(" ["));
	put(o, style->time);
	put(o, SPAN("] "));
	put_quoted(o, line, LINE_REQUEST);
	*o->at++ = ' ';
	put_number(o, status_of(line));
	*o->at++ = ' ';
	put_number(o, line->sent);
	*o->at++ = ' ';
	put_quoted(o, line, LINE_REFERER);
	*o->at++ = ' ';
	put_quoted(o, line, LINE_AGENT);
	put(o, SPAN(" (backend "));
	for (unsigned i = 0; i < line->ntries; i++) {
		if (i > 0)
			put(o, SPAN(", "));
		put_backend(o, line, i);
	}
	put(o, line->ntries == 0 ? SPAN("-)") : SPAN(")"));
}

/* JSON. */

static void
put_unicode(struct out *o, uint32_t c)
{
	if (c > 0xffff) { /* RFC 8259 section 7: a surrogate pair */
		put_unicode(o, 0xd7c0 + (c >> 10));
		c = 0xdc00 + (c & 0x3ff);
	}
	put(o, SPAN("\\u"));
	put_hex(o, c, 4);
}

static void
put_name(struct out *o, struct span name)
{
	put(o, SPAN(",\""));
	put(o, name);
	put(o, SPAN("\":"));
}

/* A text, or null when there is none. */
static void
json_text(struct out *o, struct span name, struct span text)
{
	put_name(o, name);
	if (text.len == 0) {
		put(o, SPAN("null"));
		return;
	}
	*o->at++ = '"';
	for (;;) {
		put(o, take_plain(&text));
		if (text.len == 0)
			break;
		if (*text.ptr == '"' || *text.ptr == '\\') {
			*o->at++ = '\\';
			*o->at++ = *text.ptr;
			text = span_from(text, 1);
		} else {
			put_unicode(o, char_take_utf8(&text));
		}
	}
	*o->at++ = '"';
}

static void
json_number(struct out *o, struct span name, uint64_t number)
{
	put_name(o, name);
	put_number(o, number);
}

/* From one time to another in seconds; null when it did not come to that. */
static void
json_seconds(struct out *o, struct span name, uint64_t from, uint64_t to)
{
	uint64_t ms = to - from;

	put_name(o, name);
	if (from == 0 || to < from) {
		put(o, SPAN("null"));
		return;
	}
	put_number(o, ms / 1000);
	*o->at++ = '.';
	for (unsigned unit = 100; unit > 0; unit /= 10)
		*o->at++ = (char)('0' + ms / unit % 10);
}

/* The request line's words, if it was one. */
static void
json_request(struct out *o, struct span request)
{
	const char *first = memchr(request.ptr, ' ', request.len);
	const char *last = memrchr(request.ptr, ' ', request.len);
	struct span method = SPAN(""), path = SPAN("");

	if (first != NULL && first < last) {
		method =
		    (struct span){ request.ptr, (size_t)(first - request.ptr) };
		path = (struct span){ first + 1, (size_t)(last - first - 1) };
	}
	json_text(o, SPAN("method"), method);
	json_text(o, SPAN("path"), path);
}

/* TOOL.ZONE is the host; empty: it is another kind of name. */
static struct span
zone_of(struct span host, struct span tool)
{
	if (tool.len == 0 || host.len <= tool.len + 1 ||
	    !span_starts(host, tool) || host.ptr[tool.len] != '.')
		return SPAN("");
	return span_from(host, tool.len + 1);
}

static void
json_client(struct out *o, const struct logline *line,
    const struct logline_style *style)
{
	struct ip client;

	put_name(o, SPAN("client"));
	if (!logline_client_ip(line, style->address, &client)) {
		put(o, SPAN("null"));
		return;
	}
	*o->at++ = '"';
	put_ip(o, &client);
	*o->at++ = '"';
}

static void
json_backend(struct out *o, const struct logline *line)
{
	put_name(o, SPAN("backend"));
	if (line->ntries == 0) {
		put(o, SPAN("null"));
		return;
	}
	*o->at++ = '"';
	put_backend(o, line, line->ntries - 1);
	*o->at++ = '"';
}

static void
write_json(const struct logline *line, const struct logline_style *style,
    struct out *o)
{
	struct span host = logline_part(line, LINE_HOST);
	struct span tool = logline_part(line, LINE_TOOL);

	put(o, SPAN("{\"ts\":\""));
	put(o, style->time);
	*o->at++ = '"';
	json_text(o, SPAN("node"), style->node);
	json_number(o, SPAN("worker"), style->worker);
	json_text(o, SPAN("id"), logline_part(line, LINE_ID));
	json_text(o, SPAN("trace"), logline_part(line, LINE_TRACE));
	json_client(o, line, style);
	json_text(o, SPAN("host"), host);
	json_text(o, SPAN("zone"), zone_of(host, tool));
	json_text(o, SPAN("tool"), tool);
	json_text(o, SPAN("route"), logline_part(line, LINE_ROUTE));
	json_request(o, logline_part(line, LINE_REQUEST));
	json_text(o, SPAN("proto"), line->protocol);
	json_text(o, SPAN("tls"), logline_part(line, LINE_TLS));
	json_number(o, SPAN("status"), status_of(line));
	json_text(o, SPAN("origin"),
	    line->from_backend ? SPAN("backend") : SPAN("proxy"));
	json_text(o, SPAN("reason"),
	    line->reason == REASON_NONE
		? SPAN("")
		: span_str(reason_info(line->reason)->word));
	json_number(o, SPAN("bytes_in"), line->received);
	json_number(o, SPAN("bytes_out"), line->sent);
	json_backend(o, line);
	json_number(o, SPAN("attempts"), line->ntries);
	json_seconds(o, SPAN("t_connect"), line->tried_ms, line->connected_ms);
	json_seconds(o, SPAN("t_first"), line->begun_ms, line->first_ms);
	json_seconds(o, SPAN("t_total"), line->begun_ms, style->now_ms);
	json_text(o, SPAN("referer"), logline_part(line, LINE_REFERER));
	json_text(o, SPAN("ua"), logline_part(line, LINE_AGENT));
	*o->at++ = '}';
}

size_t
logline_write(
    const struct logline *line, const struct logline_style *style, char *out)
{
	struct out o = { out };

	if (style->format == ACCESS_LOG_JSON)
		write_json(line, style, &o);
	else
		write_vhosts(line, style, &o);
	*o.at++ = '\n';
	return (size_t)(o.at - out);
}
