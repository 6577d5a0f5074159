/* A message's head, parsed: spans into the bytes it was parsed from. */
#ifndef HTTP_MSG_H
#define HTTP_MSG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/span.h"

#define HTTP_METHOD_MAX 32 /* bytes; 7-security.md, framing policy */
#define HTTP_FIELDS_MAX 256 /* the hard maximum; the limit is a setting */
#define HTTP_FIELDS_OURS 96 /* that we may add to those received */

enum http_method {
	HTTP_OTHER, /* a token, known to the backend perhaps */
	HTTP_GET,
	HTTP_HEAD,
	HTTP_POST,
	HTTP_PUT,
	HTTP_DELETE,
	HTTP_PATCH,
	HTTP_OPTIONS,
	HTTP_TRACE,
	HTTP_CONNECT,
};

/*
 * Fields that we look at, or know how to pass on (http/fields.c has a row for
 * each); all others are FIELD_OTHER.
 */
enum http_field_id {
	FIELD_OTHER,
	FIELD_HOST,
	FIELD_CONNECTION,
	FIELD_CONTENT_LENGTH,
	FIELD_TRANSFER_ENCODING,
	FIELD_EXPECT,
	FIELD_UPGRADE,
	FIELD_TE,
	FIELD_TRAILER,
	FIELD_KEEP_ALIVE,
	FIELD_PROXY,
	FIELD_PROXY_CONNECTION,
	FIELD_PROXY_AUTHENTICATE,
	FIELD_PROXY_AUTHORIZATION,
	FIELD_HTTP2_SETTINGS,
	FIELD_ACCEPT,
	FIELD_USER_AGENT,
	FIELD_REFERER,
	FIELD_VIA,
	FIELD_FORWARDED,
	FIELD_X_FORWARDED_FOR,
	FIELD_X_FORWARDED_HOST,
	FIELD_X_FORWARDED_PORT,
	FIELD_X_FORWARDED_PROTO,
	FIELD_X_ORIGINAL_URI,
	FIELD_DATE,
	FIELD_AUTHORIZATION,
	FIELD_CACHE_CONTROL,
	FIELD_CONTENT_ENCODING,
	FIELD_CONTENT_RANGE,
	FIELD_CONTENT_TYPE,
	FIELD_COOKIE,
	FIELD_SET_COOKIE,
	FIELD_ACCEPT_ENCODING,
	FIELD_ACCEPT_LANGUAGE,
	FIELD_ETAG,
	FIELD_LOCATION,
	FIELD_TRACEPARENT,
	FIELD_TRACESTATE,
	FIELD_VARY,
	FIELD_X_REQUEST_ID,
	FIELD_COUNT
};

struct http_field {
	struct span name;  /* as received */
	struct span value; /* without surrounding blanks */
	enum http_field_id id;
	bool ours; /* not received: no Connection field names it */
};

/* Several KiB: one a worker, filled, acted on, forgotten; not one a request. */
struct http_msg {
	/* of a request */
	enum http_method method;
	struct span method_text;
	struct span target;

	/* of a response */
	unsigned status; /* 100..599 */
	struct span reason;

	/* of both */
	unsigned major;   /* 1; 2: what follows is as if it were HTTP/1.1 */
	unsigned minor;   /* HTTP/1.minor: 0 or 1 */
	size_t head_len;  /* bytes, with the empty line */
	size_t nfields;
	struct http_field field[HTTP_FIELDS_MAX + HTTP_FIELDS_OURS];
	uint16_t count[FIELD_COUNT]; /* how many of each known field */
	uint16_t first[FIELD_COUNT]; /* place of the first; count 0: unset */
};

/* The only, or first, field of that name.  NULL: there is none. */
static inline const struct http_field *
http_msg_field(const struct http_msg *msg, enum http_field_id id)
{
	return msg->count[id] > 0 ? &msg->field[msg->first[id]] : NULL;
}

#endif
