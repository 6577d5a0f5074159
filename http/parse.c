/*
 * The parser of heads: one pass from left to right.
 *
 * A fault is certain from the bytes up to the one where it is found, so a head
 * gives the same result however it is cut into pieces.
 */
#include "http/parse.h"

#include <assert.h>

#include "http/chars.h"
#include "http/fields.h"
#include "lib/array.h"

#define OPTIONS_MAX 32 /* of Connection: each is compared with every field */

/*
 * What *scanned holds from one call to the next.  Nothing else outlives a
 * call: the bytes may move, and msg serves other messages meanwhile.
 */
struct progress {
	uint64_t line : 24;  /* where the first unfinished line begins */
	uint64_t good : 24;  /* how many bytes are known to be right */
	uint64_t lines : 16; /* finished ones */
};
_Static_assert(sizeof(struct progress) == sizeof(size_t), "64 bits");

struct parser {
	const struct http_limits *limits;
	const char *bytes;
	const char *at;	  /* the next byte */
	const char *end;  /* of the bytes, or of those the head may have */
	const char *line; /* begin of the line at hand */
	const char *stop; /* its end should it be too long, or end */
	const char *good; /* end of what earlier calls found right */
	size_t max;	  /* bytes it may have, without CRLF */
	enum http_fault too_long; /* if it has more */
	size_t lines;		  /* finished ones before it */
};

/* From chars.h: goes past the bytes of a class. */
typedef const char *skip_run(const char *p, const char *end);

/* Parses the first line; NULL for a trailer section, which has none. */
typedef enum http_fault first_line(struct parser *p, struct http_msg *msg);

static void
begin_line(struct parser *p, size_t max, enum http_fault too_long)
{
	p->line = p->at;
	p->stop = (size_t)(p->end - p->at) > max ? p->at + max + 1 : p->end;
	p->max = max;
	p->too_long = too_long;
}

/* There is no byte at p->at: why? */
static enum http_fault
out_of_bytes(const struct parser *p)
{
	if ((size_t)(p->at - p->line) > p->max)
		return p->too_long;
	if ((size_t)(p->end - p->bytes) == p->limits->head)
		return HTTP_HEAD_TOO_LARGE;
	return HTTP_MORE;
}

static enum http_fault
expect(struct parser *p, char c)
{
	if (p->at >= p->stop)
		return out_of_bytes(p);
	if (*p->at != c)
		return HTTP_BAD;
	p->at++;
	return HTTP_FINE;
}

/* CRLF and nothing else ends a line: section 2.2 allows a bare LF, not us. */
static enum http_fault
finish_line(struct parser *p)
{
	if (p->at >= p->stop)
		return out_of_bytes(p);
	if (*p->at != '\r')
		return HTTP_BAD;
	if (p->at + 1 == p->end) {
		p->max++; /* the CR is none of the line's own bytes */
		p->at++;
		return out_of_bytes(p);
	}
	if (p->at[1] != '\n')
		return HTTP_BAD;
	p->at += 2;
	p->line = p->at;
	return HTTP_FINE;
}

/*
 * Go past the bytes of a class; what properly follows them is `next`, which
 * is not of the class: enough to find where they end in what is known.
 */
static struct span
take_run(struct parser *p, skip_run *skip, char next)
{
	const char *begin = p->at, *found;

	if (begin < p->good) {
		found = memchr(begin, next, (size_t)(p->good - begin));
		p->at = found != NULL ? found : p->good;
	}
	p->at = skip(p->at, p->stop);
	return (struct span){ begin, (size_t)(p->at - begin) };
}

/* All bytes of a class, at least one, and something else after them. */
static enum http_fault
take_word(struct parser *p, skip_run *skip, char next, struct span *word)
{
	*word = take_run(p, skip, next);
	if (p->at == p->stop)
		return out_of_bytes(p);
	return word->len > 0 ? HTTP_FINE : HTTP_BAD;
}

/* HTTP-version, and which: RFC 9112 section 2.3. */
static enum http_fault
take_version(struct parser *p, struct http_msg *msg)
{
	static const char form[] = "HTTP/0.0", most[] = "HTTP/1.1";
	const size_t len = sizeof(most) - 1;

	if ((size_t)(p->stop - p->at) >= len && memcmp(p->at, most, len) == 0) {
		p->at += len;
		msg->major = msg->minor = 1;
		return HTTP_FINE;
	}
	for (const char *f = form; *f != '\0'; f++, p->at++) {
		if (p->at == p->stop)
			return out_of_bytes(p);
		if (*f == '0' ? !char_is(*p->at, CHAR_DIGIT) : *p->at != *f)
			return HTTP_BAD;
	}
	if (p->at[-3] != '1' || p->at[-1] > '1')
		return HTTP_BAD_VERSION;
	msg->major = 1;
	msg->minor = (unsigned)(p->at[-1] - '0');
	return HTTP_FINE;
}

enum http_method
http_method_of(struct span text)
{
	static const struct {
		struct span text;
		enum http_method method;
	} methods[] = {
		{ { "GET", 3 }, HTTP_GET },
		{ { "POST", 4 }, HTTP_POST },
		{ { "HEAD", 4 }, HTTP_HEAD },
		{ { "OPTIONS", 7 }, HTTP_OPTIONS },
		{ { "PUT", 3 }, HTTP_PUT },
		{ { "DELETE", 6 }, HTTP_DELETE },
		{ { "PATCH", 5 }, HTTP_PATCH },
		{ { "CONNECT", 7 }, HTTP_CONNECT },
		{ { "TRACE", 5 }, HTTP_TRACE },
	};

	for (size_t i = 0; i < nitems(methods); i++)
		if (span_eq(text, methods[i].text))
			return methods[i].method;
	return HTTP_OTHER;
}

/* method SP request-target SP HTTP-version CRLF: RFC 9112 section 3. */
static enum http_fault
request_line(struct parser *p, struct http_msg *msg)
{
	enum http_fault fault;

	if (p->at == p->bytes && p->at < p->end && *p->at == '\r') {
		begin_line(p, 0, HTTP_BAD);
		if ((fault = finish_line(p)) != HTTP_FINE)
			return fault;
	}
	begin_line(p, p->limits->line, HTTP_TARGET_TOO_LONG);
	fault = take_word(p, char_skip_token, ' ', &msg->method_text);
	if (msg->method_text.len > HTTP_METHOD_MAX)
		return HTTP_BAD;
	if (fault != HTTP_FINE || (fault = expect(p, ' ')) != HTTP_FINE)
		return fault;
	msg->method = http_method_of(msg->method_text);
	fault = take_word(p, char_skip_target, ' ', &msg->target);
	if (fault != HTTP_FINE || (fault = expect(p, ' ')) != HTTP_FINE ||
	    (fault = take_version(p, msg)) != HTTP_FINE)
		return fault;
	return finish_line(p);
}

/* status-code = 3DIGIT: RFC 9112 section 4; 100 to 599: RFC 9110 section 15. */
static enum http_fault
take_status(struct parser *p, struct http_msg *msg)
{
	msg->status = 0;
	for (int i = 0; i < 3; i++, p->at++) {
		if (p->at == p->stop)
			return out_of_bytes(p);
		if (!char_is(*p->at, CHAR_DIGIT))
			return HTTP_BAD;
		msg->status = msg->status * 10 + (unsigned)(*p->at - '0');
	}
	return msg->status >= 100 && msg->status <= 599 ? HTTP_FINE : HTTP_BAD;
}

/*
 * HTTP-version SP status-code SP [ reason-phrase ] CRLF: RFC 9112 section 4.
 * Many servers leave out the second SP with the phrase; nobody misreads that.
 */
static enum http_fault
status_line(struct parser *p, struct http_msg *msg)
{
	enum http_fault fault;

	begin_line(p, p->limits->line, HTTP_HEAD_TOO_LARGE);
	if ((fault = take_version(p, msg)) != HTTP_FINE ||
	    (fault = expect(p, ' ')) != HTTP_FINE ||
	    (fault = take_status(p, msg)) != HTTP_FINE)
		return fault;
	if (p->at < p->stop && *p->at == ' ')
		p->at++;
	else if (p->at < p->stop && *p->at != '\r')
		return HTTP_BAD;
	msg->reason = take_run(p, char_skip_value, '\r');
	return finish_line(p);
}

/* field-name ":" OWS field-value OWS CRLF: RFC 9112 section 5. */
static enum http_fault
take_field(struct parser *p, struct http_field *f)
{
	enum http_fault fault;
	struct span value;

	begin_line(p, p->limits->field, HTTP_HEAD_TOO_LARGE);
	fault = take_word(p, char_skip_token, ':', &f->name);
	if (fault != HTTP_FINE || (fault = expect(p, ':')) != HTTP_FINE)
		return fault;
	value = take_run(p, char_skip_value, '\r');
	if ((fault = finish_line(p)) != HTTP_FINE)
		return fault;
	f->value = char_trim(value);
	f->id = http_field_lookup(f->name);
	f->ours = false;
	return HTTP_FINE;
}

/* Put the field into the index by name. */
static void
index_field(struct http_msg *msg, size_t place)
{
	enum http_field_id id = msg->field[place].id;

	if (msg->count[id]++ == 0)
		msg->first[id] = (uint16_t)place;
}

static size_t
count_byte(struct span s, char byte)
{
	size_t n = 0;

	for (size_t i = 0; i < s.len; i++)
		n += s.ptr[i] == byte;
	return n;
}

/*
 * Connection: close, a, b, ...: a list that makes every field cost more, its
 * empty elements, too.
 */
static enum http_fault
check_options(const struct http_msg *msg)
{
	size_t n = 0;

	for (size_t i = 0; i < msg->nfields; i++)
		if (msg->field[i].id == FIELD_CONNECTION)
			n += 1 + count_byte(msg->field[i].value, ',');
	return n > OPTIONS_MAX ? HTTP_HEAD_TOO_LARGE : HTTP_FINE;
}

/* Parse from p->at, at the begin of a line, to the end of the head. */
static enum http_fault
take_lines(struct parser *p, first_line *first, struct http_msg *msg)
{
	enum http_fault fault;
	size_t before = first != NULL ? 1 : 0; /* lines that are no fields */

	if (p->lines < before) {
		if ((fault = first(p, msg)) != HTTP_FINE)
			return fault;
		p->lines++;
	}
	while (p->at < p->end && *p->at != '\r') {
		size_t place = p->lines - before;

		if (place == p->limits->fields)
			return HTTP_HEAD_TOO_LARGE;
		if ((fault = take_field(p, &msg->field[place])) != HTTP_FINE)
			return fault;
		index_field(msg, place);
		p->lines++;
	}
	begin_line(p, 0, HTTP_BAD);
	if ((fault = finish_line(p)) != HTTP_FINE)
		return fault;
	msg->nfields = p->lines - before;
	msg->head_len = (size_t)(p->at - p->bytes);
	return HTTP_FINE;
}

/* Begin at a line, after so many others. */
static enum http_fault
take_from(struct parser *p, size_t line, size_t lines, first_line *first,
    struct http_msg *msg)
{
	p->at = p->line = p->bytes + line;
	p->lines = lines;
	memset(msg->count, 0, sizeof(msg->count));
	return take_lines(p, first, msg);
}

/*
 * Earlier calls checked their lines, but msg no longer has them: when the end
 * of the head has come, all of it is parsed once more.
 */
static enum http_fault
parse(
    struct parser *p, first_line *first, size_t *scanned, struct http_msg *msg)
{
	struct progress done;
	enum http_fault fault;

	memcpy(&done, scanned, sizeof(done));
	assert(done.good <= (size_t)(p->end - p->bytes));
	p->good = p->bytes + done.good;
	fault = take_from(p, done.line, done.lines, first, msg);
	if (fault == HTTP_FINE && done.lines > 0)
		fault = take_from(p, 0, 0, first, msg);
	if (fault == HTTP_FINE && msg->count[FIELD_CONNECTION] > 0)
		fault = check_options(msg);
	if (fault == HTTP_MORE) {
		done.line = (uint64_t)(p->line - p->bytes);
		done.good = (uint64_t)(p->end - p->bytes);
		done.lines = p->lines;
		memcpy(scanned, &done, sizeof(done));
	}
	return fault;
}

static struct parser
parser_of(const char *bytes, size_t len, const struct http_limits *limits)
{
	assert(limits->head < 1u << 24 && limits->fields <= HTTP_FIELDS_MAX);
	return (struct parser){
		.limits = limits,
		.bytes = bytes,
		.end = bytes + (len < limits->head ? len : limits->head),
	};
}

enum http_fault
http_parse_request(const char *bytes, size_t len, size_t *scanned,
    const struct http_limits *limits, struct http_msg *msg)
{
	struct parser p = parser_of(bytes, len, limits);

	return parse(&p, request_line, scanned, msg);
}

enum http_fault
http_parse_response(const char *bytes, size_t len, size_t *scanned,
    const struct http_limits *limits, struct http_msg *msg)
{
	struct parser p = parser_of(bytes, len, limits);

	return parse(&p, status_line, scanned, msg);
}

enum http_fault
http_parse_trailers(const char *bytes, size_t len, size_t *scanned,
    const struct http_limits *limits, struct http_msg *msg)
{
	struct parser p = parser_of(bytes, len, limits);

	return parse(&p, NULL, scanned, msg);
}

enum reason
http_fault_reason(enum http_fault fault)
{
	switch (fault) {
	case HTTP_FINE:
	case HTTP_MORE:
		return REASON_NONE;
	case HTTP_BAD_VERSION:
		return REASON_BAD_VERSION;
	case HTTP_TARGET_TOO_LONG:
		return REASON_TARGET_TOO_LONG;
	case HTTP_HEAD_TOO_LARGE:
		return REASON_HEADER_TOO_LARGE;
	case HTTP_BAD:
		break;
	}
	return REASON_BAD_REQUEST;
}
