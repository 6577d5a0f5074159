/* Only text that nobody wants left alone is compressed, and the head says so. */
#include "worker/encode.h"

#include <stdlib.h>

#include "http/parse.h"
#include "t/tap.h"

#define TEXT "Content-Type: text/html\r\n"

static const struct {
	const char *what, *head;
	enum body_end end;
	uint64_t length;
	bool is_head, may;
	const char *vary;
} cases[] = {
	{ "text", TEXT, BODY_LENGTH, 1024, false, true, "Accept-Encoding" },
	{ "in chunks", TEXT, BODY_CHUNKED, 0, false, true, "Accept-Encoding" },
	{ "up to the end", TEXT, BODY_CLOSE, 0, false, true,
	    "Accept-Encoding" },
	{ "small", TEXT, BODY_LENGTH, 1023, false, false, "" },
	{ "without a body", TEXT, BODY_NONE, 0, false, false, "" },
	{ "HEAD", TEXT "Content-Length: 1024\r\n", BODY_NONE, 0, true, true,
	    "Accept-Encoding" },
	{ "HEAD of a small one", TEXT "Content-Length: 1023\r\n", BODY_NONE, 0,
	    true, false, "" },
	{ "HEAD of a length that is not known", TEXT, BODY_NONE, 0, true, true,
	    "Accept-Encoding" },
	{ "no type", "", BODY_CHUNKED, 0, false, false, "" },
	{ "a picture", "Content-Type: image/png\r\n", BODY_CHUNKED, 0, false,
	    false, "" },
	{ "events", "Content-Type: Text/Event-Stream; charset=utf-8\r\n",
	    BODY_CHUNKED, 0, false, false, "" },
	{ "encoded", TEXT "Content-Encoding: br\r\n", BODY_CHUNKED, 0, false,
	    false, "" },
	{ "a range", TEXT "Content-Range: bytes 0-1/2\r\n", BODY_CHUNKED, 0,
	    false, false, "" },
	{ "no-transform", TEXT "Cache-Control: a, No-Transform\r\n",
	    BODY_CHUNKED, 0, false, false, "" },
	{ "not buffered", TEXT "x-accel-buffering: NO\r\n", BODY_CHUNKED, 0,
	    false, false, "" },
	{ "buffered", TEXT "X-Accel-Buffering: yes\r\n", BODY_CHUNKED, 0,
	    false, true, "Accept-Encoding" },
	{ "Vary is there", TEXT "Vary: a, accept-encoding\r\n", BODY_CHUNKED,
	    0, false, true, "a, accept-encoding" },
	{ "on everything", TEXT "Vary: *\r\n", BODY_CHUNKED, 0, false, true,
	    "*" },
};

static const struct {
	const char *what, *etag, *sent;
} tags[] = {
	{ "a strong one", "ETag: \"a\"\r\n", "W/\"a\"" },
	{ "a weak one", "ETag: W/\"a\"\r\n", "W/\"a\"" },
	{ "none", "", "" },
	{ "an empty one", "ETag:\r\n", "" },
	{ "a bare word", "ETag: a\r\n", "" },
};

static struct http_msg *msg;

static void
parse(const char *fields)
{
	const struct http_limits limits = { 8192, 16384, 8192, 100 };
	static char head[1024];
	size_t scanned = 0;

	snprintf(head, sizeof(head), "HTTP/1.1 200 OK\r\n%s\r\n", fields);
	if (http_parse_response(head, strlen(head), &scanned, &limits, msg) !=
	    HTTP_FINE)
		abort();
}

static const char *
value(enum http_field_id id)
{
	static char text[600];
	const struct http_field *f = http_msg_field(msg, id);

	snprintf(text, sizeof(text), "%.*s",
	    f == NULL ? 0 : (int)f->value.len, f == NULL ? "" : f->value.ptr);
	return text;
}

int
main(void)
{
	char etag[ENCODE_ETAG_MAX], fields[512], longest[400];

	msg = calloc(1, sizeof(*msg));
	for (size_t i = 0; i < nitems(cases); i++) {
		parse(cases[i].head);
		is_int(encode_may(msg, cases[i].is_head, cases[i].end,
			   cases[i].length), cases[i].may, "%s", cases[i].what);
		if (*cases[i].vary != '\0' || !cases[i].may)
			is_str(value(FIELD_VARY), cases[i].vary, "  Vary");
	}
	for (size_t i = 0; i < nitems(tags); i++) {
		snprintf(fields, sizeof(fields),
		    "Accept-Ranges: bytes\r\nContent-Length: 9\r\n%sA: b\r\n"
		    "content-md5: x\r\nDigest: x\r\nContent-Digest: x\r\n"
		    "Repr-Digest: x\r\n",
		    tags[i].etag);
		parse(fields);
		encode_head(msg, CODING_BROTLI, etag);
		is_str(value(FIELD_ETAG), tags[i].sent, "tag: %s",
		    tags[i].what);
		is_str(value(FIELD_CONTENT_ENCODING), "br", "  the coding");
		is_int((long long)msg->nfields, 2 + (*tags[i].sent != '\0'),
		    "  what describes the bytes is gone");
	}
	memset(longest, 'x', sizeof(longest));
	snprintf(fields, sizeof(fields), "ETag: \"%.*s\"\r\n",
	    ENCODE_ETAG_MAX - 3, longest);
	parse(fields);
	encode_head(msg, CODING_GZIP, etag);
	is_str(value(FIELD_ETAG), "", "a tag that is too long is dropped");
	free(msg);
	return done();
}
