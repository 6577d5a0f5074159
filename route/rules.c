/* Compiles the operators' rules, and tries them. */
#include "route/rules.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#include <stdio.h>
#include <stdlib.h>

#include "route/pattern.h"

/* An operator's mistake cannot stall a worker: what passes these fails. */
#define MATCH_LIMIT 5000 /* steps; about a quarter of a millisecond */
#define DEPTH_LIMIT 1000
#define HEAP_LIMIT 256 /* KiB */
#define NEST_LIMIT 50  /* parentheses, when compiling */
#define CODE_MAX 65536 /* bytes of one compiled pattern */

struct rules {
	const struct policy *policy; /* borrowed */
	pcre2_match_context *context;
	pcre2_match_data *data;
	struct policy_rules text;	    /* what was read */
	uint64_t compiled;		    /* the version of all of code */
	pcre2_code *code[POLICY_RULES_MAX]; /* owned; NULL: it would not */
};

struct rules *
rules_new(const struct policy *policy)
{
	struct rules *r = calloc(1, sizeof(*r));

	if (r == NULL)
		return NULL;
	r->policy = policy;
	r->context = pcre2_match_context_create(NULL);
	r->data = pcre2_match_data_create(1, NULL);
	if (r->context == NULL || r->data == NULL) {
		rules_free(r);
		return NULL;
	}
	pcre2_set_match_limit(r->context, MATCH_LIMIT);
	pcre2_set_depth_limit(r->context, DEPTH_LIMIT);
	pcre2_set_heap_limit(r->context, HEAP_LIMIT);
	return r;
}

static void
forget(struct rules *r)
{
	for (size_t i = 0; i < POLICY_RULES_MAX; i++) {
		pcre2_code_free(r->code[i]);
		r->code[i] = NULL;
	}
}

void
rules_free(struct rules *r)
{
	forget(r);
	pcre2_match_context_free(r->context);
	pcre2_match_data_free(r->data);
	free(r);
}

/* NULL: *error is PCRE2's code, at *at. */
static pcre2_code *
compile(struct span pattern, int *error, size_t *at)
{
	pcre2_compile_context *context = pcre2_compile_context_create(NULL);
	pcre2_code *code = NULL;
	size_t size;

	*error = PCRE2_ERROR_HEAP_FAILED;
	*at = 0;
	if (context == NULL)
		return NULL;
	pcre2_set_parens_nest_limit(context, NEST_LIMIT);
	code = pcre2_compile((PCRE2_SPTR)pattern.ptr, pattern.len,
	    PCRE2_NEVER_BACKSLASH_C | PCRE2_NEVER_UTF | PCRE2_NEVER_UCP |
		PCRE2_NO_AUTO_CAPTURE,
	    error, at, context);
	pcre2_compile_context_free(context);
	if (code == NULL)
		return NULL;
	pcre2_pattern_info(code, PCRE2_INFO_SIZE, &size);
	if (size <= CODE_MAX)
		return code;
	pcre2_code_free(code);
	*error = PCRE2_ERROR_NOMEMORY;
	return NULL;
}

/* A new version?  Then compile it; again, if there is no memory for a rule. */
static void
refresh(struct rules *r)
{
	bool all = true;
	size_t at;
	int error;

	if (policy_rules_version(r->policy) == r->compiled ||
	    !policy_rules_read(r->policy, &r->text))
		return;
	forget(r);
	for (size_t i = 0; i < r->text.n; i++) {
		r->code[i] = compile(r->text.rule[i].pattern, &error, &at);
		all = all &&
		      (r->code[i] != NULL || error != PCRE2_ERROR_HEAP_FAILED);
	}
	if (all)
		r->compiled = r->text.version;
}

bool
rules_match(struct rules *r, enum policy_field field, struct span value)
{
	refresh(r);
	for (size_t i = 0; i < r->text.n; i++)
		if (r->text.rule[i].field == field && r->code[i] != NULL &&
		    pcre2_match(r->code[i], (PCRE2_SPTR)value.ptr, value.len, 0,
			0, r->data, r->context) >= 0)
			return true;
	return false;
}

bool
rule_valid(struct span pattern, char *why, size_t why_size)
{
	pcre2_code *code;
	size_t at;
	int error;

	if (pattern.len == 0 || pattern.len > POLICY_RULE_MAX) {
		snprintf(
		    why, why_size, "a rule has 1 to %d bytes", POLICY_RULE_MAX);
		return false;
	}
	for (size_t i = 0; i < pattern.len; i++)
		if ((unsigned char)pattern.ptr[i] < ' ' ||
		    (unsigned char)pattern.ptr[i] > '~') {
			snprintf(why, why_size,
			    "a rule is printable ASCII: escape others as "
			    "\\x20");
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
