/* Maintenance, bans, rules, rates; in this order. */
#include "route/admit.h"

#include "route/host.h"

#define RETRY_MAX_S (24 * 60 * 60)

static bool
is_operator(const struct conf *conf, const struct ip *ip)
{
	for (size_t i = 0; i < conf->noperator_networks; i++)
		if (cidr_contains(&conf->operator_networks[i], ip))
			return true;
	return false;
}

struct span
admit_tool(const struct conf *conf, struct span host, struct span path)
{
	struct span tool, rest;
	struct host h;

	host_classify(conf, host, &h);
	if (h.kind == HOST_TOOL)
		return h.tool;
	if (h.kind == HOST_LEGACY && host_legacy_path(path, &tool, &rest))
		return tool;
	return SPAN("");
}

/* 0: its end is not known. */
static unsigned
seconds_until(uint64_t until_ms, uint64_t now_ms)
{
	uint64_t seconds = (until_ms - now_ms + 999) / 1000;

	if (until_ms == POLICY_FOR_EVER)
		return 0;
	return (unsigned)(seconds < RETRY_MAX_S ? seconds : RETRY_MAX_S);
}

static enum reason
check_maintenance(const struct policy *policy, const struct conf *conf,
    const struct visitor *v, struct span host, struct span path,
    unsigned *retry_after)
{
	enum reason reason = REASON_MAINTENANCE;
	uint64_t until = policy_site_until(policy, v->now_ms);

	if (until == 0 && policy_any_tool(policy)) {
		reason = REASON_TOOL_MAINTENANCE;
		until = policy_tool_until(
		    policy, admit_tool(conf, host, path), v->now_ms);
	}
	if (until == 0 || is_operator(conf, v->ip))
		return REASON_NONE;
	*retry_after = seconds_until(until, v->now_ms);
	return reason;
}

static enum reason
check_rules(
    const struct gate *gate, const struct conf *conf, const struct visitor *v)
{
	if (v->agent.len == 0 && conf->refuse_no_agent)
		return REASON_NO_AGENT;
	if (policy_rules_version(gate->policy) == 0)
		return REASON_NONE;
	if (rules_match(gate->rules, POLICY_AGENT, v->agent))
		return REASON_BLOCKED_AGENT;
	if (rules_match(gate->rules, POLICY_REFERER, v->referer))
		return REASON_BLOCKED_REFERER;
	return REASON_NONE;
}

enum reason
admit_client(const struct gate *gate, const struct conf *conf,
    const struct visitor *v, struct span host, struct span path,
    unsigned *retry_after)
{
	enum reason reason = REASON_NONE;

	if (gate->policy != NULL) {
		reason = check_maintenance(
		    gate->policy, conf, v, host, path, retry_after);
		if (reason == REASON_NONE &&
		    policy_banned(gate->policy, v->ip, v->now_ms))
			reason = REASON_BANNED;
		if (reason == REASON_NONE)
			reason = check_rules(gate, conf, v);
	}
	if (reason == REASON_NONE && gate->limits != NULL &&
	    !limits_client(gate->limits, v->ip, v->now_ms))
		reason = REASON_LIMIT_CLIENT;
	return reason;
}

enum reason
admit_to_tool(const struct gate *gate, const struct conf *conf,
    const struct visitor *v, const struct tool *tool, unsigned *retry_after)
{
	uint64_t until = 0;

	/* who names no tool may be shown one all the same: admin_tool */
	if (gate->policy != NULL && *tool->key.ptr == KEY_TOOL &&
	    policy_any_tool(gate->policy))
		until = policy_tool_until(
		    gate->policy, span_from(tool->key, 1), v->now_ms);
	if (until != 0 && !is_operator(conf, v->ip)) {
		*retry_after = seconds_until(until, v->now_ms);
		return REASON_TOOL_MAINTENANCE;
	}
	return gate->counters == NULL ||
		       counters_may_enter(gate->counters, tool->counter_slot)
		   ? REASON_NONE
		   : REASON_LIMIT_TOOL;
}
