/*
 * The rules on User-Agent and Referer, compiled: by each worker for itself,
 * when it meets a new version of them.
 */
#ifndef ROUTE_RULES_H
#define ROUTE_RULES_H

#include <stdbool.h>
#include <stddef.h>

#include "shm/policy.h"

struct rules;

/* None at first; `policy` is borrowed.  NULL: no memory. */
struct rules *rules_new(const struct policy *policy);
void rules_free(struct rules *rules);

/* Does any rule on this field match, anywhere in its value? */
bool rules_match(
    struct rules *rules, enum policy_field field, struct span value);

/*
 * May it be a rule?  Without control characters, within POLICY_RULE_MAX, and
 * it compiles.  False: why says what to do, in one line.
 */
bool rule_valid(struct span pattern, char *why, size_t why_size);

#endif
