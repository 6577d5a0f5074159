/* Names of kinds, and the forms of subjects. */
#include "registrar/policy_kind.h"

#include <assert.h>
#include <bsd/string.h>

#include "registrar/vet.h"
#include "route/rules.h"

#define REASON_MAX 200 /* bytes */

static bool
check_ban(const char *text, char *subject, char *why, size_t size)
{
	char address[INET6_ADDRSTRLEN];
	struct cidr network;

	if (!cidr_parse(&network, text)) {
		snprintf(why, size,
		    "\"%.64s\" is no network: write 192.0.2.0/24, 2001:db8::/32"
		    " or an address, without host bits",
		    text);
		return false;
	}
	snprintf(subject, POLICY_SUBJECT_MAX + 1, "%s/%u",
	    ip_format(&network.ip, address), network.bits);
	return true;
}

static bool
check_rule(const char *text, char *subject, char *why, size_t size)
{
	if (!rule_valid(span_str(text), why, size))
		return false;
	strlcpy(subject, text, POLICY_SUBJECT_MAX + 1);
	return true;
}

static bool
check_tool(const char *text, char *subject, char *why, size_t size)
{
	if (*text != '\0' && !vet_tool_name(span_str(text))) {
		snprintf(why, size,
		    "\"%.64s\" is no tool's name: use a-z, 0-9 and -", text);
		return false;
	}
	strlcpy(subject, text, POLICY_SUBJECT_MAX + 1);
	return true;
}

/* A line for tools; perhaps empty. */
static bool
check_reason(const char *text, char *subject, char *why, size_t size)
{
	for (const char *at = text; *at != '\0'; at++)
		if ((unsigned char)*at < 0x20 || *at == 0x7f ||
		    at - text >= REASON_MAX) {
			snprintf(why, size,
			    "the reason is one line of %d bytes at most",
			    REASON_MAX);
			return false;
		}
	strlcpy(subject, text, POLICY_SUBJECT_MAX + 1);
	return true;
}

static bool
check_none(const char *text, char *subject, char *why, size_t size)
{
	subject[0] = '\0';
	if (*text != '\0')
		snprintf(why, size, "it is of this node, and nothing else");
	return *text == '\0';
}

static bool
check_kind(const char *text, char *subject, char *why, size_t size)
{
	enum policy_kind kind;

	if (!policy_kind_of(text, &kind) || kind >= POLICY_SPOKEN ||
	    !policy_kind_info(kind)->shared) {
		snprintf(why, size, "it is no kind that nodes share");
		return false;
	}
	strlcpy(subject, text, POLICY_SUBJECT_MAX + 1);
	return true;
}

static const struct policy_kind_info kinds[POLICY_KINDS] = {
	[POLICY_BAN] = { "ban", "bans", POLICY_BANS_MAX, true, check_ban },
	[POLICY_RULE_AGENT] = { "agent", "rules", POLICY_RULES_MAX / 2, true,
	    check_rule },
	[POLICY_RULE_REFERER] = { "referer", "rules", POLICY_RULES_MAX / 2,
	    true, check_rule },
	[POLICY_MAINTENANCE] = { "maintenance", "tools in maintenance",
	    POLICY_TOOLS_MAX, true, check_tool },
	[POLICY_REGISTRATION] = { "registration", "reasons", 1, false,
	    check_reason },
	[POLICY_STANDBY] = { "standby", "standbys", 1, false, check_none },
	[POLICY_FORGOTTEN] = { "forgotten", "kinds", POLICY_KINDS, true,
	    check_kind },
	[POLICY_TOLD] = { "told", "times", 1, false, check_none },
};

const struct policy_kind_info *
policy_kind_info(enum policy_kind kind)
{
	assert(kind < POLICY_KINDS);
	return &kinds[kind];
}

bool
policy_kind_of(const char *name, enum policy_kind *kind)
{
	for (unsigned i = 0; i < POLICY_KINDS; i++)
		if (strcmp(kinds[i].name, name) == 0) {
			*kind = (enum policy_kind)i;
			return true;
		}
	return false;
}
