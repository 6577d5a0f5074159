/* The decoder of the chunked coding: a state a byte, and runs of data. */
#include "http/chunked.h"

#include "http/chars.h"

#define SIZE_DIGITS_MAX 16

enum {
	AT_SIZE, /* the first digit of a size */
	IN_SIZE,
	AT_EXTENSION, /* blanks after the size, a ';' must come */
	IN_EXTENSION,
	AT_SIZE_LF,
	IN_DATA,
	AT_DATA_CR,
	AT_DATA_LF,
	AT_TRAILERS,
	BROKEN,
};

static uint64_t
hex_value(char c)
{
	return (uint64_t)(c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10);
}

/* What may follow in a size line after its digits. */
static uint8_t
after_size(char c)
{
	if (c == '\r')
		return AT_SIZE_LF;
	if (c == ';')
		return IN_EXTENSION;
	return char_is(c, CHAR_BLANK) ? AT_EXTENSION : BROKEN;
}

static uint8_t
next_in_size(struct chunk_decoder *d, char c)
{
	if (!char_is(c, CHAR_HEX))
		return d->state == IN_SIZE ? after_size(c) : BROKEN;
	if (d->line > SIZE_DIGITS_MAX || d->left > INT64_MAX >> 4)
		return BROKEN;
	d->left = d->left << 4 | hex_value(c);
	return IN_SIZE;
}

/* chunk-size [ chunk-ext ] CRLF, one byte of it: RFC 9112 section 7.1. */
static uint8_t
next_in_line(struct chunk_decoder *d, char c)
{
	if (d->state == AT_SIZE_LF) {
		d->line = 0;
		if (c != '\n')
			return BROKEN;
		return d->left > 0 ? IN_DATA : AT_TRAILERS;
	}
	if (c != '\r' && ++d->line > CHUNK_LINE_MAX)
		return BROKEN;
	switch (d->state) {
	case AT_SIZE:
	case IN_SIZE:
		return next_in_size(d, c);
	case AT_EXTENSION: /* section 7.1.1: blanks only before the ';' */
		return c == '\r' ? BROKEN : after_size(c);
	default: /* IN_EXTENSION: what it says is for nobody after us */
		if (c == '\r')
			return AT_SIZE_LF;
		return char_is(c, CHAR_VALUE) ? IN_EXTENSION : BROKEN;
	}
}

static uint8_t
next_after_data(const struct chunk_decoder *d, char c)
{
	if (d->state == AT_DATA_CR)
		return c == '\r' ? AT_DATA_LF : BROKEN;
	return c == '\n' ? AT_SIZE : BROKEN;
}

static void
take_data(struct chunk_decoder *d, struct span *bytes, struct span *data)
{
	size_t n = bytes->len < d->left ? bytes->len : (size_t)d->left;

	*data = (struct span){ bytes->ptr, n };
	*bytes = span_from(*bytes, n);
	d->left -= n;
	if (d->left == 0)
		d->state = AT_DATA_CR;
}

enum chunk_event
chunk_decode(struct chunk_decoder *d, struct span *bytes, struct span *data)
{
	char c;

	*data = (struct span){ NULL, 0 };
	while (d->state != BROKEN && d->state != AT_TRAILERS) {
		if (bytes->len == 0)
			return CHUNK_MORE;
		if (d->state == IN_DATA) {
			take_data(d, bytes, data);
			return CHUNK_DATA;
		}
		c = bytes->ptr[0];
		*bytes = span_from(*bytes, 1);
		d->state = d->state == AT_DATA_CR || d->state == AT_DATA_LF
			       ? next_after_data(d, c)
			       : next_in_line(d, c);
	}
	return d->state == AT_TRAILERS ? CHUNK_TRAILERS : CHUNK_BAD;
}

size_t
chunk_head(char out[CHUNK_HEAD_MAX], size_t n)
{
	size_t len = 1;

	for (size_t rest = n >> 4; rest > 0; rest >>= 4)
		len++;
	for (size_t i = len; i > 0; i--, n >>= 4)
		out[i - 1] = "0123456789abcdef"[n & 15];
	memcpy(out + len, "\r\n", 2);
	return len + 2;
}
