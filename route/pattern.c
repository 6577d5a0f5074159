/* Matches paths; only what has to be a regex runs one. */
#include "route/pattern.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "lib/siphash.h"

#define METACHARACTERS "\\^$.[]|()?*+{}"

/*
 * A tenant's pattern cannot stall a worker: what passes these fails.  PCRE2's
 * own limit counts steps, however long each; PATTERN_WORK counts bytes, too.
 */
#define MATCH_LIMIT 20000
#define DEPTH_LIMIT 1000
#define HEAP_LIMIT 256 /* KiB */
#define NEST_LIMIT 50  /* parentheses, when compiling */
#define CODE_MAX 16384 /* bytes of one compiled pattern */

/* The work of one step, in bytes of a path that a class or a dot runs over. */
#define STEP_WORK 50
#define FRAME_BYTES_A_BYTE 16 /* copied, of what a step remembers */

/* Compiled patterns are kept, at most so many: SETS * WAYS * CODE_MAX. */
#define CACHE_SETS 128
#define CACHE_WAYS 4

struct compiled {
	char *text; /* owned; NULL: unused */
	size_t len;
	pcre2_code *code; /* owned; NULL: does not compile */
};

/* A match at work. */
struct run {
	struct span text;
	uint64_t step;
	uint64_t *work; /* borrowed; what may still be spent */
};

static struct cache_set {
	struct compiled way[CACHE_WAYS];
	unsigned next; /* the way to be replaced */
} cache[CACHE_SETS];

static uint64_t cache_key[2];
static pcre2_compile_context *compile_context;
static pcre2_match_context *match_context;
static pcre2_match_data *match_data;

/* False: no memory. */
static bool
prepare(void)
{
	if (match_data != NULL)
		return true;
	if (compile_context == NULL)
		compile_context = pcre2_compile_context_create(NULL);
	if (match_context == NULL)
		match_context = pcre2_match_context_create(NULL);
	if (compile_context == NULL || match_context == NULL)
		return false;
	pcre2_set_parens_nest_limit(compile_context, NEST_LIMIT);
	pcre2_set_max_pattern_length(compile_context, ROUTE_PATTERN_MAX);
	pcre2_set_match_limit(match_context, MATCH_LIMIT);
	pcre2_set_depth_limit(match_context, DEPTH_LIMIT);
	pcre2_set_heap_limit(match_context, HEAP_LIMIT);
	arc4random_buf(cache_key, sizeof(cache_key));
	match_data = pcre2_match_data_create(1, NULL);
	return match_data != NULL;
}

/*
 * PCRE2_ANCHORED gives `^(?:P)` without pasting text together, so a pattern
 * cannot close the group.  PCRE2_AUTO_CALLOUT has account() called before each
 * item.  NULL: *error is PCRE2's code, at *at.
 */
static pcre2_code *
compile(struct span pattern, int *error, size_t *at)
{
	pcre2_code *code;
	size_t size;

	code = pcre2_compile((PCRE2_SPTR)pattern.ptr, pattern.len,
	    PCRE2_ANCHORED | PCRE2_AUTO_CALLOUT | PCRE2_NEVER_BACKSLASH_C |
		PCRE2_NEVER_UTF | PCRE2_NEVER_UCP,
	    error, at, compile_context);
	if (code == NULL)
		return NULL;
	pcre2_pattern_info(code, PCRE2_INFO_SIZE, &size);
	if (size > CODE_MAX) {
		pcre2_code_free(code);
		*error = PCRE2_ERROR_NOMEMORY;
		*at = pattern.len;
		return NULL;
	}
	return code;
}

/* NULL: it does not compile, or there is no memory. */
static const pcre2_code *
cache_add(struct cache_set *set, struct span text)
{
	struct compiled *c;
	pcre2_code *code;
	char *copy = malloc(text.len);
	size_t at;
	int error;

	if (copy == NULL)
		return NULL;
	code = compile(text, &error, &at);
	if (code == NULL && error == PCRE2_ERROR_HEAP_FAILED) {
		free(copy); /* not for good: it is tried again */
		return NULL;
	}
	c = &set->way[set->next++ % CACHE_WAYS];
	free(c->text);
	pcre2_code_free(c->code);
	memcpy(copy, text.ptr, text.len);
	*c = (struct compiled){ .text = copy, .len = text.len, .code = code };
	return code;
}

static const pcre2_code *
cached(struct span text)
{
	struct cache_set *set;
	const struct compiled *c;

	set = &cache[siphash(cache_key, text.ptr, text.len) % CACHE_SETS];
	for (size_t i = 0; i < CACHE_WAYS; i++) {
		c = &set->way[i];
		if (c->text != NULL &&
		    span_eq((struct span){ c->text, c->len }, text))
			return c->code;
	}
	return cache_add(set, text);
}

static bool
has_any(struct span s, const char *bytes)
{
	for (size_t i = 0; i < s.len; i++)
		if (s.ptr[i] != '\0' && strchr(bytes, s.ptr[i]) != NULL)
			return true;
	return false;
}

/*
 * May this item, as the pattern has it, go over many bytes in one step?  What
 * is repeated may, and a reference to what a group matched.  A parenthesis may
 * not: the items in it are seen one by one.
 */
static bool
runs(struct span item)
{
	if (span_starts(item, SPAN("(?P=")))
		return true;
	if (item.len == 0 || strchr("()|", *item.ptr) != NULL)
		return false;
	return has_any(item, "*+?{") ||
	       (item.len > 1 && *item.ptr == '\\' &&
		   strchr("123456789gk", item.ptr[1]) != NULL);
}

static bool
spend(uint64_t *work, uint64_t n)
{
	bool enough = *work > n;

	*work -= enough ? n : *work;
	return enough;
}

/* Before each item, in each attempt: nothing that PCRE2 does goes unseen. */
static int
account(pcre2_callout_block *at, void *arg)
{
	const struct run *run = arg;
	struct span item = span_from(run->text, at->pattern_position);
	uint64_t n = run->step;

	if (at->next_item_length < item.len)
		item.len = at->next_item_length;
	if (runs(item))
		n += at->subject_length - at->current_position;
	return spend(run->work, n) ? 0 : PCRE2_ERROR_MATCHLIMIT;
}

static bool
match_regex(struct span text, struct span path, uint64_t *work)
{
	struct run run = { .text = text, .work = work };
	const pcre2_code *code;
	size_t frame;

	if (text.len == 0 || !prepare())
		return false;
	code = cached(text);
	if (code == NULL)
		return false;
	pcre2_pattern_info(code, PCRE2_INFO_FRAMESIZE, &frame);
	run.step = STEP_WORK + frame / FRAME_BYTES_A_BYTE;
	/* it looks first for bytes that have to be there */
	if (!spend(work, run.step + path.len))
		return false;
	pcre2_set_callout(match_context, account, &run);
	return pcre2_match(code, (PCRE2_SPTR)path.ptr, path.len, 0, 0,
		   match_data, match_context) >= 0;
}

static bool
is_literal(struct span s)
{
	for (size_t i = 0; i < s.len; i++)
		if (s.ptr[i] == '\0' ||
		    strchr(METACHARACTERS, s.ptr[i]) != NULL)
			return false;
	return true;
}

enum route_kind
pattern_kind(struct span pattern, struct span *text)
{
	struct span start = pattern;

	*text = pattern;
	if (is_literal(pattern))
		return ROUTE_EXACT;
	if (pattern.len < 2 ||
	    memcmp(pattern.ptr + pattern.len - 2, ".*", 2) != 0)
		return ROUTE_REGEX;
	if (pattern.len == 2)
		return ROUTE_ANY;
	start.len -= 2;
	if (!is_literal(start))
		return ROUTE_REGEX;
	*text = start;
	return ROUTE_PREFIX;
}

static bool
is_printable(struct span s)
{
	for (size_t i = 0; i < s.len; i++)
		if (s.ptr[i] <= ' ' || s.ptr[i] > '~')
			return false;
	return true;
}

void
pattern_explain(int error, size_t at, char *why, size_t why_size)
{
	char message[120];

	pcre2_get_error_message(error, (PCRE2_UCHAR *)message, sizeof(message));
	snprintf(
	    why, why_size, "not a regular expression: %s at %zu", message, at);
}

bool
pattern_valid(struct span pattern, char *why, size_t why_size)
{
	struct span text;
	pcre2_code *code;
	size_t at;
	int error;

	if (pattern.len == 0 || pattern.len > ROUTE_PATTERN_MAX) {
		snprintf(why, why_size, "a pattern has 1 to %d bytes",
		    ROUTE_PATTERN_MAX);
		return false;
	}
	if (!is_printable(pattern)) {
		snprintf(why, why_size,
		    "a pattern is printable ASCII without blanks: escape "
		    "others as \\x20");
		return false;
	}
	if (pattern_kind(pattern, &text) != ROUTE_REGEX)
		return true;
	if (!prepare()) {
		snprintf(why, why_size, "no memory");
		return false;
	}
	code = compile(pattern, &error, &at);
	if (code == NULL) {
		pattern_explain(error, at, why, why_size);
		return false;
	}
	pcre2_code_free(code);
	return true;
}

static int
compare_bytes(struct span a, struct span b)
{
	size_t shorter = a.len < b.len ? a.len : b.len;
	int order = shorter == 0 ? 0 : memcmp(a.ptr, b.ptr, shorter);

	return order != 0 ? order : (a.len > b.len) - (a.len < b.len);
}

int
pattern_order(const void *a, const void *b)
{
	const struct route *ra = a, *rb = b;

	if (ra->kind != rb->kind)
		return ra->kind < rb->kind ? -1 : 1;
	if (ra->kind != ROUTE_EXACT && ra->text.len != rb->text.len)
		return ra->text.len > rb->text.len ? -1 : 1;
	return compare_bytes(ra->text, rb->text);
}

bool
pattern_match(const struct route *route, struct span path, uint64_t *work)
{
	switch (route->kind) {
	case ROUTE_EXACT:
		return span_eq(route->text, path);
	case ROUTE_PREFIX:
		return span_starts(path, route->text);
	case ROUTE_REGEX:
		return match_regex(route->text, path, work);
	case ROUTE_ANY:
		return true;
	}
	return false; /* route_decode() lets no other kind through */
}
