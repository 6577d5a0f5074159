/* Bytes of somebody else: never owned, never terminated. */
#ifndef LIB_SPAN_H
#define LIB_SPAN_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <strings.h>

struct span {
	const char *ptr; /* borrowed; NULL only when len is 0 */
	size_t len;	 /* bytes */
};

#define SPAN(literal) ((struct span){ (literal), sizeof(literal) - 1 })

/* For printf("%.*s"): the precision and the pointer. */
#define SPAN_ARG(s) (int)(s).len, (s).ptr

static inline struct span
span_str(const char *text)
{
	return (struct span){ text, strlen(text) };
}

static inline bool
span_eq(struct span a, struct span b)
{
	return a.len == b.len &&
	       (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

/*
 * ASCII case is ignored; the locale has no say as long as it is "C".  Most that
 * differ do so in their first byte, whatever its case.
 */
static inline bool
span_eq_nocase(struct span a, struct span b)
{
	return a.len == b.len &&
	       (a.len == 0 || (((*a.ptr ^ *b.ptr) & ~0x20) == 0 &&
				  strncasecmp(a.ptr, b.ptr, a.len) == 0));
}

static inline bool
span_starts(struct span s, struct span prefix)
{
	return s.len >= prefix.len &&
	       (prefix.len == 0 || memcmp(s.ptr, prefix.ptr, prefix.len) == 0);
}

/* The same, whatever the case: as span_eq_nocase(). */
static inline bool
span_starts_nocase(struct span s, struct span prefix)
{
	return s.len >= prefix.len &&
	       span_eq_nocase((struct span){ s.ptr, prefix.len }, prefix);
}

/* What is left of s after its first n bytes; n is at most s.len. */
static inline struct span
span_from(struct span s, size_t n)
{
	return (struct span){ s.ptr + n, s.len - n };
}

#endif
