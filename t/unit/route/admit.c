/* route/admit.c: who comes in, and which reason comes first. */
#include "route/admit.h"

#include <unistd.h>

#include "shm/policy_write.h"
#include "shm/segment.h"
#include "t/tap.h"
#include "t/unit/allocations.h"

#define NOW 5000

static struct policy_writer *writer;
static struct gate gate;
static struct cidr operators[1];
static char domain[] = "example.org", legacy[] = "tools.example.com";
static char *domains[] = { domain }, *legacies[] = { legacy };
static struct conf conf = {
	.web_domains = domains,
	.nweb_domains = 1,
	.legacy_hosts = legacies,
	.nlegacy_hosts = 1,
	.operator_networks = operators,
	.noperator_networks = 1,
	.refuse_no_agent = 1,
};

static const struct {
	const char *what;
	const char *ip, *host, *path, *agent, *referer;
	enum reason reason;
	unsigned retry_after;
} cases[] = {
	{ "anybody", "192.0.2.1", "alpha.example.org", "/", "a", "", 0, 0 },
	{ "a tool in maintenance", "192.0.2.1", "beta.example.org", "/", "a",
	    "", REASON_TOOL_MAINTENANCE, 3 },
	{ "by its legacy path", "192.0.2.1", "tools.example.com", "/beta/x",
	    "a", "", REASON_TOOL_MAINTENANCE, 3 },
	{ "another one there", "192.0.2.1", "tools.example.com", "/betas/x",
	    "a", "", 0, 0 },
	{ "a path is no tool", "192.0.2.1", "alpha.example.org", "/beta/x", "a",
	    "", 0, 0 },
	{ "its maintenance before a ban", "198.51.100.7", "beta.example.org",
	    "/", "a", "", REASON_TOOL_MAINTENANCE, 3 },
	{ "one without an end", "192.0.2.1", "gamma.example.org", "/", "a", "",
	    REASON_TOOL_MAINTENANCE, 0 },
	{ "an operator", "203.0.113.5", "beta.example.org", "/", "a", "", 0,
	    0 },
	{ "a banned address", "198.51.100.7", "alpha.example.org", "/", "a", "",
	    REASON_BANNED, 0 },
	{ "the ban before the agent", "198.51.100.7", "alpha.example.org", "/",
	    "", "", REASON_BANNED, 0 },
	{ "no agent", "192.0.2.1", "alpha.example.org", "/", "", "",
	    REASON_NO_AGENT, 0 },
	{ "a blocked one", "192.0.2.1", "alpha.example.org", "/", "my EvilBot",
	    "", REASON_BLOCKED_AGENT, 0 },
	{ "the agent before the referer", "192.0.2.1", "alpha.example.org", "/",
	    "EvilBot", "http://bad.example/", REASON_BLOCKED_AGENT, 0 },
	{ "a blocked referer", "192.0.2.1", "alpha.example.org", "/", "a",
	    "http://bad.example/", REASON_BLOCKED_REFERER, 0 },
	{ "fields are not mixed up", "192.0.2.1", "alpha.example.org", "/",
	    "http://bad.example/", "EvilBot", 0, 0 },
};

static enum reason
admit(const char *ip_text, const char *host, const char *path,
    const char *agent, const char *referer, unsigned *retry_after)
{
	struct visitor v = { .agent = span_str(agent),
		.referer = span_str(referer),
		.now_ms = NOW };
	struct ip ip;

	ip_parse(&ip, span_str(ip_text));
	v.ip = &ip;
	*retry_after = 0;
	return admit_client(
	    &gate, &conf, &v, span_str(host), span_str(path), retry_after);
}

static struct policy_ban ban = { .until_ms = POLICY_FOR_EVER };
static struct policy_tool tools[] = { { "beta", NOW + 2001 },
	{ "gamma", POLICY_FOR_EVER } };
static struct policy_rule rules[] = { { POLICY_AGENT, SPAN("Evil") },
	{ POLICY_REFERER, SPAN("//bad\\.") } };
static struct policy_content content = { .bans = &ban,
	.nbans = 1,
	.tools = tools,
	.ntools = 2,
	.rules = rules,
	.nrules = 2 };

static void
test_cases(void)
{
	unsigned retry_after;

	for (size_t i = 0; i < nitems(cases); i++) {
		is_int(admit(cases[i].ip, cases[i].host, cases[i].path,
			   cases[i].agent, cases[i].referer, &retry_after),
		    cases[i].reason, "%s", cases[i].what);
		is_int(retry_after, cases[i].retry_after, "  Retry-After");
	}
}

static enum reason
plain(void)
{
	unsigned retry_after;

	return admit(
	    "192.0.2.9", "alpha.example.org", "/", "a", "", &retry_after);
}

/* Who is refused before is not counted. */
static void
test_rate(struct limits *limits)
{
	unsigned retry_after;

	gate.limits = limits;
	for (unsigned i = 0; i < 20; i++)
		admit("192.0.2.9", "beta.example.org", "/", "a", "",
		    &retry_after);
	for (unsigned i = 0; i < 5; i++)
		is_int(plain(), 0, "request %u of a burst of 5", i + 1);
	is_int(plain(), REASON_LIMIT_CLIENT, "and not a sixth");
}

static enum reason
enter(const char *key, const char *ip_text, unsigned *retry_after)
{
	const struct tool tool = { .key = span_str(key), .counter_slot = 3 };
	struct visitor v = { .now_ms = NOW };
	struct ip ip;

	ip_parse(&ip, span_str(ip_text));
	v.ip = &ip;
	*retry_after = 0;
	return admit_to_tool(&gate, &conf, &v, &tool, retry_after);
}

static void
test_cap(struct counters *counters)
{
	unsigned retry_after;

	is_int(enter("ta", "192.0.2.1", &retry_after), 0, "nobody counts");
	gate.counters = counters;
	counters_set_cap(counters, 1, 1);
	is_int(enter("ta", "192.0.2.1", &retry_after), 0, "a tool with room");
	counters_enter(counters, 3);
	is_int(enter("ta", "192.0.2.1", &retry_after), REASON_LIMIT_TOOL,
	    "and without");
	counters_leave(counters, 3);
}

/* However it was found. */
static void
test_found(void)
{
	unsigned retry_after;

	is_int(enter("tbeta", "192.0.2.1", &retry_after),
	    REASON_TOOL_MAINTENANCE, "one in maintenance");
	is_int(retry_after, 3, "  Retry-After");
	is_int(enter("fbeta", "192.0.2.1", &retry_after), 0,
	    "a domain of that name");
	is_int(enter("tbeta", "203.0.113.5", &retry_after), 0, "an operator");
}

/* Each generation of rules is compiled when it is met. */
static void
test_rules(void)
{
	char why[128];

	rules[0].pattern = SPAN("("); /* the registrar would not let it in */
	policy_put(writer, &content);
	is_int(plain(), 0, "a pattern that does not compile matches nothing");
	rules[0].pattern = SPAN("^a$");
	policy_put(writer, &content);
	is_int(plain(), REASON_BLOCKED_AGENT, "the next one does");
	content.nrules = 0;
	policy_put(writer, &content);
	is_int(plain(), 0, "and none, none");
	content.site_until_ms = NOW + 500;
	policy_put(writer, &content);
	is_int(plain(), REASON_MAINTENANCE, "the site in maintenance");

	ok(rule_valid(SPAN("^a+$"), why, sizeof(why)), "a rule");
	ok(!rule_valid(SPAN(""), why, sizeof(why)), "nothing is none");
	ok(!rule_valid(SPAN("(a"), why, sizeof(why)), "half of one: %s", why);
	ok(!rule_valid(SPAN("\n"), why, sizeof(why)), "a line's end: %s", why);
}

/* Wherever memory ends: the rules count as soon as there is some. */
static void
test_no_memory(void)
{
	unsigned lost = 0;

	rules[0].pattern = SPAN("^a$");
	for (unsigned i = 0; i < 10; i++) {
		content.nrules = 0;
		policy_put(writer, &content);
		plain();
		content.nrules = 1;
		policy_put(writer, &content);
		granted = i;
		plain();
		granted = UINT_MAX;
		lost += plain() != REASON_BLOCKED_AGENT;
	}
	content.nrules = 0;
	policy_put(writer, &content);
	is_int(lost, 0, "rules that got no memory are compiled later");
}

int
main(void)
{
	struct limits_set set = { .rate = 1, .burst = 5 };
	int fd = segment_create("policy", policy_size());
	int limits_fd = segment_create("limits", limits_size(1));
	int counters_fd = segment_create("counters", counters_size(1));
	struct counters *counters;
	struct limits *limits;
	struct policy *policy;

	count_allocations();
	if (!ok(fd != -1 && policy_format(fd) == 0 && limits_fd != -1 &&
		    limits_format(limits_fd) == 0 && counters_fd != -1 &&
		    counters_format(counters_fd) == 0,
		"segments"))
		return done();
	policy = policy_open(fd);
	writer = policy_writer_new(fd);
	limits = limits_open(limits_fd, 0, &set);
	counters = counters_open(counters_fd, 0);
	if (!ok(policy != NULL && writer != NULL && limits != NULL &&
		    counters != NULL,
		"open"))
		return done();
	is_int(plain(), 0, "without a policy everybody comes in");
	gate.policy = policy;
	gate.rules = rules_new(policy);
	cidr_parse(&operators[0], "203.0.113.0/24");
	cidr_parse(&ban.network, "198.51.100.0/24");
	ok(policy_put(writer, &content) == 0, "a policy");
	test_cases();
	test_rules();
	content.site_until_ms = 0;
	test_no_memory();
	test_rate(limits);
	test_cap(counters);
	test_found();

	counters_close(counters);
	close(counters_fd);
	limits_close(limits);
	rules_free(gate.rules);
	policy_writer_free(writer);
	policy_close(policy);
	close(limits_fd);
	close(fd);
	return done();
}
