/* The table of character classes. */
#include "http/chars.h"

/*
 * A target takes every visible ASCII character but '#': RFC 3986 forbids
 * "<>\^`{|} too, but browsers send them raw, and no two parsers disagree about
 * where such a target ends.
 */
#define VISIBLE (CHAR_VALUE | CHAR_TARGET)
#define TCHAR   (VISIBLE | CHAR_TOKEN)
#define ALNUM   (TCHAR | CHAR_HOST)

const uint8_t http_chars[256] = {
	['\t'] = CHAR_VALUE | CHAR_BLANK,
	[' '] = CHAR_VALUE | CHAR_BLANK,
	['!'] = TCHAR,
	['"'] = VISIBLE,
	['#'] = CHAR_VALUE | CHAR_TOKEN,
	['$' ... '\''] = TCHAR, /* $ % & ' */
	['(' ... ')'] = VISIBLE,
	['*' ... '+'] = TCHAR,
	[','] = VISIBLE,
	['-'] = TCHAR | CHAR_HOST,
	['.'] = TCHAR,
	['/'] = VISIBLE,
	['0' ... '9'] = ALNUM | CHAR_DIGIT | CHAR_HEX,
	[':' ... '@'] = VISIBLE, /* : ; < = > ? @ */
	['A' ... 'F'] = ALNUM | CHAR_HEX,
	['G' ... 'Z'] = ALNUM,
	['[' ... ']'] = VISIBLE, /* [ \ ] */
	['^'] = TCHAR,
	['_'] = TCHAR | CHAR_HOST,
	['`'] = TCHAR,
	['a' ... 'f'] = ALNUM | CHAR_HEX,
	['g' ... 'z'] = ALNUM,
	['{'] = VISIBLE,
	['|'] = TCHAR,
	['}'] = VISIBLE,
	['~'] = TCHAR,
	[0x80 ... 0xff] = CHAR_VALUE, /* obs-text */
};
