/* policy, policy-set, policy-strike: bans, rules and maintenance. */
#include <bsd/stdlib.h>

#include "registrar/ctl_command.h"

static bool
policy_kind(struct ctl *ctl, enum policy_kind *kind)
{
	if (policy_kind_of(ctl->args[0], kind) && *kind < POLICY_SPOKEN)
		return true;
	ctl_fail(ctl, CTL_USAGE, "no kind of policy \"%.64s\"", ctl->args[0]);
	return false;
}

void
ctl_policy(struct ctl *ctl)
{
	if (policy_kind(ctl, &ctl->policy_listing.kind))
		ctl_begin_list(ctl, LISTS_POLICY);
}

static void
policy_changed(struct policy_change *change, const char *fault)
{
	struct ctl *ctl = change->arg;

	ctl->policy_change = NULL;
	if (fault != NULL)
		ctl_fail(ctl, CTL_REFUSED, "%s: %s", change->subject, fault);
	else
		ctl_succeed_take(
		    ctl, json_pack("{s:s, s:o}", "kind",
			     policy_kind_info(change->kind)->name, "subject",
			     listing_text(change->subject)));
}

static void
change_policy(struct ctl *ctl, bool strike, uint64_t until_ms)
{
	char subject[POLICY_SUBJECT_MAX + 1], why[256];
	struct policy_change *change;
	enum policy_kind kind;

	if (!policy_kind(ctl, &kind))
		return;
	if (!policy_kind_info(kind)->check(
		ctl->args[1], subject, why, sizeof(why))) {
		ctl_fail(ctl, CTL_USAGE, "%s", why);
		return;
	}
	change = policy_change_new(
	    ctl->client.r, kind, strike, subject, until_ms, why, sizeof(why));
	if (change == NULL) {
		ctl_fail(ctl, CTL_REFUSED, "%s", why);
		return;
	}
	change->done = policy_changed;
	change->arg = ctl;
	ctl->policy_change = change;
	client_work(&ctl->client);
	policy_submit_take(ctl->client.r, change);
}

/* The end is in milliseconds of Unix time; 0: for ever. */
void
ctl_policy_set(struct ctl *ctl)
{
	const char *error;
	long long until_ms =
	    strtonum(ctl->args[2], 0, 253402300799999 /* year 9999 */, &error);

	if (error != NULL)
		ctl_fail(ctl, CTL_USAGE, "\"%.64s\" is no time: %s",
		    ctl->args[2], error);
	else
		change_policy(ctl, false, (uint64_t)until_ms);
}

void
ctl_policy_strike(struct ctl *ctl)
{
	change_policy(ctl, true, 0);
}
