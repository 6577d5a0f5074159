/* The table of character classes, and long runs of them. */
#include "http/chars.h"

#include <endian.h>
#include <string.h>

/*
 * A target takes every visible ASCII character but '#': RFC 3986 forbids
 * "<>\^`{|} too, but browsers send them raw, and no two parsers disagree about
 * where such a target ends.
 */
#define VISIBLE (CHAR_VALUE | CHAR_TARGET | CHAR_PLAIN)
#define TCHAR (VISIBLE | CHAR_TOKEN)
#define ALNUM (TCHAR | CHAR_HOST)

const uint8_t http_chars[256] = {
	['\t'] = CHAR_VALUE | CHAR_BLANK,
	[' '] = CHAR_VALUE | CHAR_BLANK | CHAR_PLAIN,
	['!'] = TCHAR,
	['"'] = VISIBLE & ~CHAR_PLAIN,
	['#'] = CHAR_VALUE | CHAR_TOKEN | CHAR_PLAIN,
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
	['['] = VISIBLE,
	['\\'] = VISIBLE & ~CHAR_PLAIN,
	[']'] = VISIBLE,
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

/*
 * Sixteen bytes at a time, in the vectors of the compiler: SSE2, which every
 * amd64 has, NEON, or what else the machine offers.  So there is one path, and
 * nothing to choose at start.
 */
typedef uint8_t block __attribute__((vector_size(16)));
typedef int8_t found __attribute__((vector_size(16))); /* -1: yes */

static inline block
load(const char *p)
{
	block b;

	memcpy(&b, p, sizeof(b));
	return b;
}

/* The place of the first that was found; the block's size: there is none. */
static inline size_t
first_of(found f)
{
	uint64_t half[2];

	memcpy(half, &f, sizeof(half));
	if (half[0] != 0)
		return (size_t)__builtin_ctzll(le64toh(half[0])) / 8;
	if (half[1] != 0)
		return 8 + (size_t)__builtin_ctzll(le64toh(half[1])) / 8;
	return sizeof(f);
}

/* Which bytes of a block are none of the class? */
typedef found other_bytes(block b);

static inline found
others_value(block b)
{
	return ((b < ' ') & (b != '\t')) | (b == 0x7f);
}

static inline found
others_target(block b)
{
	return (b <= ' ') | (b >= 0x7f) | (b == '#');
}

static inline found
others_plain(block b)
{
	return (b < ' ') | (b >= 0x7f) | (b == '"') | (b == '\\');
}

/*
 * What is left of less than a block is looked at in the last whole one: once
 * more at bytes that are of the class.
 */
static inline const char *
skip_blocks(const char *p, const char *end, other_bytes *others, uint8_t class)
{
	const char *begin = p;
	size_t n;

	for (; (size_t)(end - p) >= sizeof(block); p += sizeof(block)) {
		n = first_of(others(load(p)));
		if (n < sizeof(block))
			return p + n;
	}
	if (p == end || (size_t)(end - begin) < sizeof(block))
		return char_skip(p, end, class);
	return end - sizeof(block) +
	       first_of(others(load(end - sizeof(block))));
}

const char *
char_skip_value(const char *p, const char *end)
{
	return skip_blocks(p, end, others_value, CHAR_VALUE);
}

const char *
char_skip_target(const char *p, const char *end)
{
	return skip_blocks(p, end, others_target, CHAR_TARGET);
}

const char *
char_skip_plain(const char *p, const char *end)
{
	return skip_blocks(p, end, others_plain, CHAR_PLAIN);
}

uint32_t
char_take_utf8(struct span *text)
{
	static const struct {
		unsigned char mask, lead;
		uint32_t min;
	} forms[] = { { 0xe0, 0xc0, 0x80 }, { 0xf0, 0xe0, 0x800 },
		{ 0xf8, 0xf0, 0x10000 } };
	unsigned char lead = (unsigned char)*text->ptr;

	for (size_t more = 1; more <= 3 && more < text->len; more++) {
		uint32_t c = lead & (0x3fu >> more);
		size_t i = 1;

		if ((lead & forms[more - 1].mask) != forms[more - 1].lead)
			continue;
		for (; i <= more && (text->ptr[i] & 0xc0) == 0x80; i++)
			c = c << 6 | (text->ptr[i] & 0x3f);
		if (i <= more || c < forms[more - 1].min || c > 0x10ffff ||
		    (c >= 0xd800 && c <= 0xdfff))
			break;
		*text = span_from(*text, more + 1);
		return c;
	}
	*text = span_from(*text, 1);
	return lead;
}
