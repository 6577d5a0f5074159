/*
 * The operators' policy as a worker sees it: who is banned, what is in
 * maintenance, which User-Agents and Referers are refused.  The registrar
 * writes it (policy_write.h), whole generations at a time; a reader looks into
 * the current one where it lies, without locks and without system calls.
 *
 * Every `until` is in CLOCK_MONOTONIC milliseconds: what it ends, ends by
 * itself, on the minute, even while there is no registrar.
 */
#ifndef SHM_POLICY_H
#define SHM_POLICY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/addr.h"
#include "lib/span.h"

#define POLICY_FOR_EVER UINT64_MAX

#define POLICY_BANS_MAX 100000
#define POLICY_TOOLS_MAX 4096 /* in maintenance at a time */
#define POLICY_NAME_MAX 63    /* bytes of a tool's name */
#define POLICY_RULES_MAX 128
#define POLICY_RULE_MAX 504 /* bytes of one pattern */
#define POLICY_RULES_BYTES (POLICY_RULES_MAX * (8 + POLICY_RULE_MAX))

enum policy_field { POLICY_AGENT, POLICY_REFERER, POLICY_FIELDS };

/* A regular expression; who sends a field that it matches is refused. */
struct policy_rule {
	enum policy_field field;
	struct span pattern;
};

/* The rules, copied out. */
struct policy_rules {
	uint64_t version; /* changes with them, and with nothing else */
	size_t n;
	struct policy_rule rule[POLICY_RULES_MAX]; /* in words */
	uint64_t words[POLICY_RULES_BYTES / 8];
};

struct policy; /* a mapping of the segment */

/*
 * Map the policy; the descriptor stays the caller's.  NULL with errno (EPROTO:
 * not a policy, or of a build with another layout).  Ours until
 * policy_close().
 */
struct policy *policy_open(int fd);
void policy_close(struct policy *p);

/* Is the address in a banned network? */
bool policy_banned(const struct policy *p, const struct ip *ip,
    uint64_t now_ms);

/* The end of the site's maintenance; 0: there is none. */
uint64_t policy_site_until(const struct policy *p, uint64_t now_ms);

/* Is this node to leave the floating address to others? */
bool policy_standby(const struct policy *p);

/* Is any tool in maintenance, or was? */
bool policy_any_tool(const struct policy *p);

/* The end of a tool's maintenance; 0: there is none. */
uint64_t policy_tool_until(const struct policy *p, struct span tool,
    uint64_t now_ms);

/* Is it still what policy_rules_read() gave?  0: there never was a rule. */
uint64_t policy_rules_version(const struct policy *p);

/* Copy the rules out.  False: they changed all the time, try again later. */
bool policy_rules_read(const struct policy *p, struct policy_rules *out);

#endif
