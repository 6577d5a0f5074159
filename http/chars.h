/* Which bytes may stand where: one table for every parser of this floor. */
#ifndef HTTP_CHARS_H
#define HTTP_CHARS_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/span.h"

enum {
	CHAR_TOKEN = 1,	 /* tchar, RFC 9110 section 5.6.2 */
	CHAR_VALUE = 2,	 /* HTAB, SP, VCHAR, obs-text: RFC 9110 section 5.5 */
	CHAR_TARGET = 4, /* of a request target; see chars.c */
	CHAR_HOST = 8,	 /* of a label: letter, digit, hyphen, underscore */
	CHAR_DIGIT = 16,
	CHAR_HEX = 32,
	CHAR_BLANK = 64,  /* HTAB, SP: the OWS of RFC 9110 section 5.6.3 */
	CHAR_PLAIN = 128, /* printable, and itself in a quoted text */
};

extern const uint8_t http_chars[256];

static inline bool
char_is(char c, uint8_t class)
{
	return (http_chars[(unsigned char)c] & class) != 0;
}

/* The first byte from p on that is not of that class; end: there is none. */
static inline const char *
char_skip(const char *p, const char *end, uint8_t class)
{
	while (p < end && char_is(*p, class))
		p++;
	return p;
}

/* The same, for classes whose runs are long: many bytes at a time. */
const char *char_skip_value(const char *p, const char *end);
const char *char_skip_target(const char *p, const char *end);
const char *char_skip_plain(const char *p, const char *end);

static inline const char *
char_skip_token(const char *p, const char *end)
{
	return char_skip(p, end, CHAR_TOKEN);
}

/*
 * Take a UTF-8 sequence off the front (RFC 3629 section 4); a byte that begins
 * none stands for itself.
 */
uint32_t char_take_utf8(struct span *text);

/* Without the blanks around it. */
static inline struct span
char_trim(struct span s)
{
	while (s.len > 0 && char_is(s.ptr[0], CHAR_BLANK))
		s = span_from(s, 1);
	while (s.len > 0 && char_is(s.ptr[s.len - 1], CHAR_BLANK))
		s.len--;
	return s;
}

#endif
