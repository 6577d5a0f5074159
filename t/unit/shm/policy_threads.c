/*
 * Generations of the policy read while they are written: every look sees one
 * of them, whole.  TSan (make SAN=thread) finds no access that is not atomic.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#include "shm/policy.h"
#include "shm/policy_write.h"
#include "shm/segment.h"
#include "t/tap.h"

#define GENERATIONS 20000
#define READERS 2
#define NOISE 40 /* other bans of a generation, at most */
#define RULES 6

static struct policy_writer *writer;
static struct policy *policy;
static atomic_bool stop;

static const struct ip always = { { 192, 0, 2, 1 }, AF_INET },
		       never = { { 192, 0, 2, 3 }, AF_INET };

/* Beside the two, in trees of ever other shapes. */
static struct policy_ban
noise(void)
{
	struct policy_ban ban = { .until_ms = POLICY_FOR_EVER };
	uint32_t bits = arc4random();

	ban.network.bits = 32;
	ban.network.ip = always;
	memcpy(ban.network.ip.bytes + (bits & 1), &bits, 3);
	if (ip_eq(&ban.network.ip, &never))
		ban.network.ip.bytes[3]++;
	return ban;
}

static void *
write_all(void *arg)
{
	struct policy_ban bans[NOISE + 1];
	struct policy_tool tools[] = { { "alpha", 0 }, { "beta", 1 } };
	struct policy_rule rules[RULES];
	struct policy_content content = { .bans = bans,
		.tools = tools,
		.rules = rules };
	uint64_t bad = 0;
	char text[32];

	(void)arg;
	for (unsigned i = 1; i <= GENERATIONS; i++) {
		content.nbans = 1 + arc4random_uniform(NOISE);
		for (size_t n = 0; n < content.nbans; n++)
			bans[n] = noise();
		bans[arc4random_uniform((uint32_t)content.nbans)] =
		    (struct policy_ban){ { always, 32 }, POLICY_FOR_EVER };
		content.ntools = 1 + i % 2; /* alpha always */
		tools[0].until_ms = POLICY_FOR_EVER;
		content.nrules = 1 + i % RULES;
		snprintf(text, sizeof(text), "rule of %u", i);
		for (size_t n = 0; n < content.nrules; n++)
			rules[n].pattern = span_str(text);
		bad += policy_put(writer, &content) != 0;
	}
	atomic_store(&stop, true);
	return (void *)(uintptr_t)bad;
}

static uint64_t
mixed(const struct policy_rules *rules)
{
	uint64_t bad = rules->n == 0;

	for (size_t i = 1; i < rules->n; i++)
		bad += !span_eq(rules->rule[i].pattern, rules->rule[0].pattern);
	return bad;
}

static void *
read_all(void *arg)
{
	struct policy_rules *rules = calloc(1, sizeof(*rules));
	uint64_t bad = 0;

	(void)arg;
	while (rules != NULL && !atomic_load(&stop)) {
		bad += !policy_banned(policy, &always, 1);
		bad += policy_banned(policy, &never, 1);
		bad += policy_tool_until(policy, SPAN("alpha"), 1) == 0;
		if (policy_rules_read(policy, rules))
			bad += mixed(rules);
	}
	free(rules);
	return (void *)(uintptr_t)bad;
}

int
main(void)
{
	pthread_t threads[1 + READERS];
	void *bad;
	int fd = segment_create("policy", policy_size());

	if (!ok(fd != -1 && policy_format(fd) == 0, "a segment"))
		return done();
	policy = policy_open(fd);
	writer = policy_writer_new(fd);
	if (!ok(policy != NULL && writer != NULL, "is opened"))
		return done();
	policy_put(writer, &(struct policy_content){
			       .bans = &(struct policy_ban){ { always, 32 },
				   POLICY_FOR_EVER },
			       .nbans = 1,
			       .tools = &(struct policy_tool){ "alpha", 9 },
			       .ntools = 1,
			       .rules = &(struct policy_rule){ 0, SPAN("x") },
			       .nrules = 1 });
	for (size_t i = 0; i < nitems(threads); i++)
		pthread_create(
		    &threads[i], NULL, i == 0 ? write_all : read_all, NULL);
	for (size_t i = 0; i < nitems(threads); i++) {
		pthread_join(threads[i], &bad);
		is_int((long long)(uintptr_t)bad, 0,
		    i == 0 ? "every generation is published"
			   : "no look sees a part of one");
	}
	policy_writer_free(writer);
	policy_close(policy);
	close(fd);
	return done();
}
