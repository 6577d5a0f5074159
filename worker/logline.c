/* Keeps what a line of the access log says. */
#include "worker/logline.h"

#include <assert.h>
#include <openssl/ssl.h>
#include <stdio.h>

#define TLS_ROOM 384 /* a name of 255 bytes, and two short ones */

void
logline_init(struct logline *line, size_t head_max)
{
	*line = (struct logline){ .open = false };
	buf_init(&line->kept, head_max + LOGLINE_PARTS_ROOM);
}

void
logline_release(struct logline *line)
{
	buf_release(&line->kept);
}

/* The tries are not touched: they are several cache lines. */
void
logline_begin(
    struct logline *line, const struct logline_client *client, uint64_t now_ms)
{
	line->open = true;
	line->client = *client->ip;
	line->protocol = client->protocol;
	buf_consume(&line->kept, buf_len(&line->kept));
	memset(line->len, 0, sizeof(line->len));
	line->status = 0;
	line->answered = line->from_backend = false;
	line->reason = REASON_NONE;
	line->received = line->sent = 0;
	line->begun_ms = now_ms;
	line->tried_ms = line->connected_ms = line->first_ms = 0;
	line->ntries = 0;
}

void
logline_say(struct logline *line, enum logline_part part, struct span text)
{
	size_t begin = buf_len(&line->kept), room = line->kept.max - begin;

	assert(line->len[part] == 0);
	if (text.len > room)
		text.len = room;
	if (!buf_append_span(&line->kept, text))
		return;
	line->at[part] = (uint32_t)begin;
	line->len[part] = (uint32_t)text.len;
}

/* The six bits that a letter of base64 stands for; -1: it is none. */
static int
sextet(char c)
{
	static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "abcdefghijklmnopqrstuvwxyz0123456789+/";
	const char *at = c == '\0' ? NULL : strchr(letters, c);

	return at == NULL ? -1 : (int)(at - letters);
}

/* The user of `Basic base64(user:password)` (RFC 7617); returns bytes. */
static size_t
basic_user(struct span value, char *out, size_t max)
{
	static const struct span scheme = { "basic ", 6 };
	uint32_t bits = 0;
	size_t n = 0;
	unsigned have = 0;
	int six;

	if (!span_starts_nocase(value, scheme))
		return 0;
	value = span_from(value, scheme.len);
	while (value.len > 0 && *value.ptr == ' ')
		value = span_from(value, 1);
	for (size_t i = 0; i < value.len && n < max; i++) {
		six = sextet(value.ptr[i]);
		if (six == -1)
			return 0; /* it ends before any colon */
		bits = bits << 6 | (uint32_t)six;
		have += 6;
		if (have < 8)
			continue;
		have -= 8;
		out[n] = (char)(bits >> have);
		if (out[n] == ':')
			return n;
		n++;
	}
	return 0;
}

static void
say_user(struct logline *line, struct span credentials)
{
	char user[256];

	logline_say(line, LINE_USER,
	    (struct span){ user, basic_user(credentials, user, sizeof(user)) });
}

static void
say_field(struct logline *line, enum logline_part part,
    const struct http_msg *msg, enum http_field_id id)
{
	const struct http_field *field = http_msg_field(msg, id);

	if (field != NULL)
		logline_say(line, part, field->value);
}

void
logline_say_head(struct logline *line, const struct http_msg *msg)
{
	const struct http_field *auth =
	    http_msg_field(msg, FIELD_AUTHORIZATION);
	const char *end = msg->target.ptr + msg->target.len;

	if (auth != NULL)
		say_user(line, auth->value);
	/* the parser has seen that one blank and the version follow */
	end += sizeof(" HTTP/1.1") - 1;
	logline_say(line, LINE_REQUEST,
	    (struct span){
		msg->method_text.ptr, (size_t)(end - msg->method_text.ptr) });
	say_field(line, LINE_REFERER, msg, FIELD_REFERER);
	say_field(line, LINE_AGENT, msg, FIELD_USER_AGENT);
}

void
logline_say_bytes(struct logline *line, struct span bytes)
{
	const char *end;

	while (bytes.len > 0 && (*bytes.ptr == '\r' || *bytes.ptr == '\n'))
		bytes = span_from(bytes, 1);
	end = bytes.len == 0 ? NULL : memchr(bytes.ptr, '\n', bytes.len);
	if (end != NULL)
		bytes.len = (size_t)(end - bytes.ptr);
	if (bytes.len > 0 && bytes.ptr[bytes.len - 1] == '\r')
		bytes.len--;
	logline_say(line, LINE_REQUEST, bytes);
}

void
logline_say_tls(struct logline *line, const SSL *ssl)
{
	const char *cipher = SSL_get_cipher_name(ssl);
	const char *name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
	char text[TLS_ROOM];

	snprintf(text, sizeof(text), "%s %s%s%s", SSL_get_version(ssl), cipher,
	    name == NULL ? "" : " ", name == NULL ? "" : name);
	logline_say(line, LINE_TLS, span_str(text));
}

void
logline_try(
    struct logline *line, const struct backend *backend, uint64_t now_ms)
{
	line->tried_ms = now_ms;
	line->connected_ms = 0;
	if (line->ntries == LOGLINE_TRIES_MAX)
		return;
	line->tries[line->ntries].ip = backend->ip;
	line->tries[line->ntries++].port = backend->port;
}

struct span
logline_part(const struct logline *line, enum logline_part part)
{
	return line->len[part] == 0
		   ? SPAN("")
		   : (struct span){ line->kept.data + line->kept.head +
					line->at[part],
			     line->len[part] };
}
