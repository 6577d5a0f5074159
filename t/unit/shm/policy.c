/* shm/policy.c: who is banned, what is in maintenance, which rules there are. */
#include "shm/policy.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "shm/policy_layout.h"
#include "shm/policy_write.h"
#include "shm/segment.h"
#include "t/tap.h"

#define BANS 3000
#define ASKED 40000
#define NOW 1000000
#define IMAGES 3000

static struct policy_writer *writer;
static struct policy *policy;
static struct policy_header *raw; /* the segment, to be damaged */

static struct policy_ban bans[POLICY_BANS_MAX + 1];
static struct policy_tool tools[POLICY_TOOLS_MAX];
static char names[POLICY_TOOLS_MAX][16];
static struct policy_rules got;

static struct ip
ip_of(const char *text)
{
	struct ip ip;

	if (!ip_parse(&ip, span_str(text)))
		abort();
	return ip;
}

static struct policy_ban
ban_of(const char *text, uint64_t until_ms)
{
	struct policy_ban ban = { .until_ms = until_ms };

	if (!cidr_parse(&ban.network, text))
		abort();
	return ban;
}

/* Few different bytes, so that networks contain each other and addresses. */
static struct ip
random_ip(void)
{
	static const uint8_t some[] = { 0, 1, 10, 127, 128, 129, 254, 255 };
	struct ip ip = { .family = arc4random_uniform(2) ? AF_INET : AF_INET6 };

	for (size_t i = 0; i < (ip.family == AF_INET ? 4 : 16); i++)
		ip.bytes[i] = some[arc4random_uniform(nitems(some))];
	return ip;
}

static struct policy_ban
random_ban(void)
{
	struct policy_ban ban = { .network.ip = random_ip() };
	unsigned width = ban.network.ip.family == AF_INET ? 32 : 128;

	/* long ones mostly: short ones contain all the rest */
	ban.network.bits = (uint8_t)(width - arc4random_uniform(width * 2 / 3));
	for (unsigned i = ban.network.bits; i < width; i++)
		ban.network.ip.bytes[i / 8] &= (uint8_t) ~(0x80 >> i % 8);
	ban.until_ms = arc4random_uniform(3) == 0 ? NOW - 1 : POLICY_FOR_EVER;
	return ban;
}

/* The last of the same network counts. */
static bool
scan(size_t n, const struct ip *ip)
{
	for (size_t i = 0; i < n; i++)
		if (bans[i].until_ms > NOW &&
		    cidr_contains(&bans[i].network, ip))
			return true;
	return false;
}

static void
drop_twice(size_t *n)
{
	for (size_t i = 0; i < *n; i++)
		for (size_t j = 0; j < i; j++)
			if (bans[i].network.bits == bans[j].network.bits &&
			    ip_eq(&bans[i].network.ip, &bans[j].network.ip)) {
				bans[i--] = bans[--*n];
				break;
			}
}

static void
test_random(void)
{
	struct policy_content content = { .bans = bans, .nbans = BANS };
	unsigned wrong = 0, hits = 0;
	struct ip ip;

	for (size_t i = 0; i < BANS; i++)
		bans[i] = random_ban();
	drop_twice(&content.nbans);
	ok(policy_put(writer, &content) == 0, "random networks");
	for (size_t i = 0; i < ASKED; i++) {
		ip = i < content.nbans ? bans[i].network.ip : random_ip();
		hits += scan(content.nbans, &ip);
		wrong += policy_banned(policy, &ip, NOW) !=
			 scan(content.nbans, &ip);
	}
	is_int(wrong, 0, "the tree says of %d addresses what a list says",
	    ASKED);
	ok(hits > ASKED / 100 && hits < ASKED * 99 / 100,
	    "some are banned, some not: %u", hits);
}

static const struct {
	const char *address;
	bool banned;
} addresses[] = {
	{ "10.1.2.3", true },
	{ "10.1.2.4", false },
	{ "10.2.0.0", true },
	{ "10.2.255.255", true },
	{ "10.3.0.0", false },
	{ "10.1.2.2", false },
	{ "::ffff:10.1.2.3", true }, /* the same address */
	{ "2001:db8::1", true },
	{ "2001:db9::1", false },
	{ "a01:203::", false }, /* the bytes of 10.1.2.3 */
	{ "192.0.2.1", false }, /* ended */
	{ "192.0.2.129", true }, /* the longer prefix did not */
};

static void
test_bans(void)
{
	struct policy_content content = { .bans = bans, .nbans = 5 };
	struct ip ip;

	bans[0] = ban_of("10.1.2.3", POLICY_FOR_EVER);
	bans[1] = ban_of("10.2.0.0/16", NOW + 1);
	bans[2] = ban_of("2001:db8::/32", POLICY_FOR_EVER);
	bans[3] = ban_of("192.0.2.0/24", NOW);
	bans[4] = ban_of("192.0.2.128/25", NOW + 1);
	ok(policy_put(writer, &content) == 0, "a few");
	for (size_t i = 0; i < nitems(addresses); i++) {
		ip = ip_of(addresses[i].address);
		is_int(policy_banned(policy, &ip, NOW), addresses[i].banned,
		    "%s", addresses[i].address);
	}
	ip = ip_of("10.2.0.1");
	ok(!policy_banned(policy, &ip, NOW + 1), "a ban ends by itself");

	content.nbans = 1;
	bans[0] = ban_of("0.0.0.0/0", POLICY_FOR_EVER);
	policy_put(writer, &content);
	ok(policy_banned(policy, &ip, NOW), "0.0.0.0/0 is everybody");
	ip = ip_of("::1");
	ok(!policy_banned(policy, &ip, NOW), "with IPv4");
	content.nbans = 0;
	policy_put(writer, &content);
	ip = ip_of("10.1.2.3");
	ok(!policy_banned(policy, &ip, NOW), "nobody is banned any more");
}

static void
test_maintenance(void)
{
	struct policy_content content = { .tools = tools,
		.ntools = POLICY_TOOLS_MAX };
	unsigned wrong = 0;
	char name[16];

	is_int((long long)policy_site_until(policy, NOW), 0, "no maintenance");
	for (unsigned i = 0; i < POLICY_TOOLS_MAX; i++) {
		snprintf(names[i], sizeof(names[i]), "tool-%04u", i * 2);
		tools[i] = (struct policy_tool){ names[i], NOW + i };
	}
	ok(policy_put(writer, &content) == 0, "%d tools", POLICY_TOOLS_MAX);
	for (unsigned i = 0; i < 2 * POLICY_TOOLS_MAX; i++) {
		snprintf(name, sizeof(name), "tool-%04u", i);
		wrong += policy_tool_until(policy, span_str(name), NOW) !=
			 (i % 2 == 0 && i > 0 ? NOW + i / 2 : 0);
	}
	is_int(wrong, 0, "each until its time, the others not at all");
	ok(policy_tool_until(policy, SPAN("tool-0010"), NOW + 5) == 0,
	    "it ends by itself");
	ok(policy_tool_until(policy, SPAN(""), NOW) == 0 &&
		policy_tool_until(policy, SPAN("tool-00020"), NOW) == 0,
	    "a name is the whole name");

	content = (struct policy_content){ .site_until_ms = NOW + 7 };
	policy_put(writer, &content);
	is_int((long long)policy_site_until(policy, NOW), NOW + 7, "the site");
	is_int((long long)policy_site_until(policy, NOW + 7), 0, "no more");
	ok(!policy_standby(policy), "no standby");
	content = (struct policy_content){ .standby = true };
	policy_put(writer, &content);
	ok(policy_standby(policy), "standby");
	ok(policy_tool_until(policy, SPAN("tool-0020"), NOW) == 0,
	    "and no tool");
}

static void
test_rules(void)
{
	static char longest[POLICY_RULE_MAX];
	struct policy_rule rules[3] = {
		{ POLICY_AGENT, SPAN("^BadBot/[0-9]+") },
		{ POLICY_REFERER, SPAN("x") },
		{ POLICY_AGENT, { longest, sizeof(longest) } },
	};
	struct policy_content content = { .rules = rules, .nrules = 3 };
	uint64_t version = policy_rules_version(policy);

	memset(longest, 'l', sizeof(longest));
	ok(policy_put(writer, &content) == 0, "rules");
	ok(policy_rules_version(policy) != version, "change the version");
	version = policy_rules_version(policy);
	ok(policy_rules_read(policy, &got), "are read");
	is_int((long long)got.version, (long long)version, "with it");
	is_int((long long)got.n, 3, "all of them");
	for (size_t i = 0; i < 3; i++)
		ok(got.rule[i].field == rules[i].field &&
			span_eq(got.rule[i].pattern, rules[i].pattern),
		    "number %zu", i);

	content.bans = bans;
	content.nbans = 1;
	policy_put(writer, &content);
	policy_put(writer, &content);
	is_int((long long)policy_rules_version(policy), (long long)version,
	    "a ban is no change of the rules");
	rules[1].field = POLICY_AGENT;
	policy_put(writer, &content);
	ok(policy_rules_version(policy) != version, "another field is");
	content.nrules = 0;
	policy_put(writer, &content);
	ok(policy_rules_read(policy, &got) && got.n == 0, "none is left");
}

static void
test_full(void)
{
	struct policy_content content = { .bans = bans,
		.nbans = POLICY_BANS_MAX };
	static struct policy_rule rules[POLICY_RULES_MAX];
	static char pattern[POLICY_RULE_MAX + 1];
	struct ip ip = { { 0, 0, 0, 77 }, AF_INET };

	for (uint32_t i = 0; i < POLICY_BANS_MAX; i++) {
		uint8_t bytes[4] = { (uint8_t)(i * 7 >> 16),
			(uint8_t)(i * 7 >> 8), (uint8_t)(i * 7), 77 };

		bans[i] = (struct policy_ban){ .network.bits = 32,
			.until_ms = POLICY_FOR_EVER };
		bans[i].network.ip.family = AF_INET;
		memcpy(bans[i].network.ip.bytes, bytes, 4);
	}
	ok(policy_put(writer, &content) == 0, "%d bans", POLICY_BANS_MAX);
	ok(policy_banned(policy, &ip, NOW), "are there");
	bans[POLICY_BANS_MAX] = bans[0];
	content.nbans++;
	ok(policy_put(writer, &content) == -1 && errno == ENOSPC,
	    "one more is refused");
	content.nbans = 0;
	content.rules = rules;
	content.nrules = nitems(rules);
	for (size_t i = 0; i < nitems(rules); i++)
		rules[i].pattern = (struct span){ pattern, POLICY_RULE_MAX };
	rules[5].pattern.len++;
	ok(policy_put(writer, &content) == -1 && errno == ENOSPC,
	    "so is a pattern of too many bytes");
	ok(policy_banned(policy, &ip, NOW), "and all is as it was");
	rules[5].pattern.len--;
	content.nbans = POLICY_BANS_MAX;
	content.tools = tools;
	content.ntools = POLICY_TOOLS_MAX;
	ok(policy_put(writer, &content) == 0 &&
		policy_rules_read(policy, &got) && got.n == POLICY_RULES_MAX,
	    "the most of everything fits");
}

static void
test_restart(void)
{
	struct ip ip = { { 0, 0, 0, 77 }, AF_INET };
	int fd = segment_create("policy-small", 4096);

	ok(policy_open(fd) == NULL && errno == EPROTO, "no policy");
	ok(policy_writer_new(fd) == NULL && errno == EPROTO, "to write to");
	close(fd);
	ok(policy_banned(policy, &ip, NOW), "a new writer changes nothing");
}

/* Ask about all; the answers are anybody's guess, but they come. */
static unsigned
ask(void)
{
	unsigned bad = 0;

	for (size_t i = 0; i < 16; i++) {
		struct ip ip = random_ip();

		policy_banned(policy, &ip, NOW);
	}
	policy_tool_until(policy, SPAN("tool-0020"), NOW);
	policy_site_until(policy, NOW);
	if (policy_rules_read(policy, &got))
		for (size_t i = 0; i < got.n; i++)
			bad += got.rule[i].pattern.len > POLICY_RULE_MAX ||
			       got.rule[i].field >= POLICY_FIELDS;
	return bad + (got.n > POLICY_RULES_MAX);
}

/* Every node's children are any nodes, also those above it. */
static void
test_hostile(void)
{
	uint64_t *half = (uint64_t *)((char *)raw + POLICY_ROOM);
	unsigned bad = 0;

	raw->root_seq = 2;
	for (unsigned n = 0; n < IMAGES; n++) {
		bool wild = n % 2;

		for (size_t i = 0; i < POLICY_ROOT_WORDS; i++)
			raw->root_copies[i] =
			    wild ? arc4random() * (uint64_t)arc4random()
				 : arc4random_uniform(200);
		for (size_t i = 0; i < 200; i++) {
			uint32_t child[2] = { arc4random_uniform(200),
				arc4random_uniform(200) };
			uint64_t *node = half + NODES_AT + i * NODE_WORDS;

			node[NODE_HIGH] = (uint64_t)arc4random() << 32;
			node[NODE_LINK] =
			    wild ? arc4random() * (uint64_t)arc4random()
				 : link_make(arc4random_uniform(4), child);
			node[NODE_UNTIL] = 0;
			half[RULES_AT + i] = arc4random_uniform(1 << 16);
			half[TOOLS_AT + i] = arc4random();
		}
		bad += ask();
	}
	is_int(bad, 0, "any bytes are survived");
}

int
main(void)
{
	int fd = segment_create("policy", policy_size());
	struct ip ip = { { 10, 0, 0, 1 }, AF_INET };
	size_t bytes;

	if (!ok(fd != -1 && policy_format(fd) == 0, "a segment"))
		return done();
	policy = policy_open(fd);
	writer = policy_writer_new(fd);
	raw = segment_map(fd, true, &bytes);
	if (!ok(policy && writer && raw, "is opened"))
		return done();
	ok(!policy_banned(policy, &ip, NOW) && policy_rules_read(policy, &got) &&
		got.n == 0,
	    "before anything was published nothing is forbidden");
	test_bans();
	test_random();
	test_maintenance();
	test_rules();
	test_full();
	policy_writer_free(writer);
	writer = policy_writer_new(fd);
	test_restart();
	test_hostile();

	segment_unmap(raw, bytes);
	policy_writer_free(writer);
	policy_close(policy);
	close(fd);
	return done();
}
