/*
 * Looks into the policy where it lies.  While it looks, the registrar may
 * write two generations, and any word may be any number: nothing is followed
 * outside the segment or in a circle, and what was found counts only if the
 * generation is still the one that it was.
 */
#include "shm/policy.h"

#include <errno.h>
#include <stdlib.h>

#include "shm/policy_layout.h"
#include "shm/segment.h"

#define TRIES 8 /* generations published during one look */

struct policy {
	const struct policy_header *header; /* the mapping */
	size_t bytes;			    /* of the mapping */
};

/* A generation, being looked at. */
struct look {
	const struct policy_header *header;
	uint64_t seq;
	const latch_word *root; /* its words: may change until look_held() */
};

struct policy *
policy_open(int fd)
{
	const struct policy_header *h;
	struct policy *p;
	size_t bytes;

	h = segment_map(fd, false, &bytes);
	if (h == NULL)
		return NULL;
	p = NULL;
	if (bytes != POLICY_BYTES || h->magic != POLICY_MAGIC ||
	    h->abi != POLICY_ABI)
		errno = EPROTO;
	else
		p = malloc(sizeof(*p));
	if (p == NULL)
		segment_unmap((void *)h, bytes);
	else
		*p = (struct policy){ .header = h, .bytes = bytes };
	return p;
}

void
policy_close(struct policy *p)
{
	segment_unmap((void *)p->header, p->bytes);
	free(p);
}

static void
look_begin(struct look *l, const struct policy *p)
{
	const struct policy_header *h = p->header;

	l->header = h;
	l->seq = latch_begin(&h->root_seq);
	l->root = h->root_copies + (l->seq & 1) * POLICY_ROOT_WORDS;
}

static bool
look_held(const struct look *l)
{
	return latch_held(&l->header->root_seq, l->seq);
}

/* What the root says how many there are, as far as there is room for them. */
static uint64_t
at_most(uint64_t n, uint64_t max)
{
	return n < max ? n : max;
}

/* Go down the tree; longer and longer prefixes, so not for ever. */
static bool
find_ban(const struct look *l, const struct ip *ip, uint64_t now_ms)
{
	uint64_t nodes = at_most(latch_load(&l->root[ROOT_NODES]), NODES_MAX);
	uint64_t trees = latch_load(&l->root[ROOT_TREES]);
	struct radix_key key = radix_key(ip), network;
	uint64_t node[NODE_WORDS], at;
	unsigned bits, longer_than = 0;

	at = ip->family == AF_INET ? (uint32_t)trees : trees >> 32;
	while (at != 0 && at <= nodes) {
		latch_copy_out(node,
		    half_words(
			l->header, l->seq, NODES_AT + (at - 1) * NODE_WORDS),
		    NODE_WORDS);
		network = (struct radix_key){ node[NODE_HIGH], node[NODE_LOW] };
		bits = link_bits(node[NODE_LINK]);
		if (bits < longer_than || radix_common(key, network) < bits)
			return false;
		if (node[NODE_UNTIL] > now_ms)
			return true;
		if (bits >= 128)
			return false;
		longer_than = bits + 1;
		at = link_child(node[NODE_LINK], radix_bit(key, bits));
	}
	return false;
}

bool
policy_banned(const struct policy *p, const struct ip *ip, uint64_t now_ms)
{
	struct look l;
	bool found;

	for (int tries = 0; tries < TRIES; tries++) {
		look_begin(&l, p);
		found = find_ban(&l, ip, now_ms);
		if (look_held(&l))
			return found;
	}
	return false;
}

uint64_t
policy_site_until(const struct policy *p, uint64_t now_ms)
{
	struct look l;
	uint64_t until;

	for (int tries = 0; tries < TRIES; tries++) {
		look_begin(&l, p);
		until = latch_load(&l.root[ROOT_SITE_UNTIL]);
		if (look_held(&l))
			return until > now_ms ? until : 0;
	}
	return 0;
}

bool
policy_standby(const struct policy *p)
{
	struct look l;
	bool standby;

	for (int tries = 0; tries < TRIES; tries++) {
		look_begin(&l, p);
		standby = latch_load(&l.root[ROOT_STANDBY]) != 0;
		if (look_held(&l))
			return standby;
	}
	return false;
}

bool
policy_any_tool(const struct policy *p)
{
	struct look l;

	/* a torn root: the next request sees it */
	look_begin(&l, p);
	return latch_load(&l.root[ROOT_TOOLS]) > 0;
}

static uint64_t
find_tool(const struct look *l, const char name[POLICY_NAME_MAX + 1])
{
	size_t low = 0, at;
	size_t high =
	    at_most(latch_load(&l->root[ROOT_TOOLS]), POLICY_TOOLS_MAX);
	uint64_t tool[TOOL_WORDS];
	int order;

	while (low < high) {
		at = low + (high - low) / 2;
		latch_copy_out(tool,
		    half_words(l->header, l->seq, TOOLS_AT + at * TOOL_WORDS),
		    TOOL_WORDS);
		order = memcmp(name, &tool[TOOL_NAME], POLICY_NAME_MAX + 1);
		if (order == 0)
			return tool[TOOL_UNTIL];
		if (order < 0)
			high = at;
		else
			low = at + 1;
	}
	return 0;
}

uint64_t
policy_tool_until(const struct policy *p, struct span tool, uint64_t now_ms)
{
	char name[POLICY_NAME_MAX + 1] = { 0 };
	struct look l;
	uint64_t until;

	if (tool.len == 0 || tool.len > POLICY_NAME_MAX)
		return 0;
	memcpy(name, tool.ptr, tool.len);
	for (int tries = 0; tries < TRIES; tries++) {
		look_begin(&l, p);
		until = find_tool(&l, name);
		if (look_held(&l))
			return until > now_ms ? until : 0;
	}
	return 0;
}

uint64_t
policy_rules_version(const struct policy *p)
{
	struct look l;

	/* a torn one is only another reason to look at the rules */
	look_begin(&l, p);
	return latch_load(&l.root[ROOT_RULES_VERSION]);
}

/* Find the rules in the words; what makes no sense ends them. */
static void
split_rules(struct policy_rules *out, size_t nwords)
{
	size_t at = 0, len, field;

	out->n = 0;
	while (at < nwords && out->n < POLICY_RULES_MAX) {
		field = out->words[at] & 0xff;
		len = out->words[at] >> 8;
		at++;
		if (field >= POLICY_FIELDS || len == 0 ||
		    len > POLICY_RULE_MAX || (len + 7) / 8 > nwords - at)
			return;
		out->rule[out->n].field = (enum policy_field)field;
		out->rule[out->n++].pattern =
		    (struct span){ (const char *)&out->words[at], len };
		at += (len + 7) / 8;
	}
}

bool
policy_rules_read(const struct policy *p, struct policy_rules *out)
{
	struct look l;
	size_t nwords;

	for (int tries = 0; tries < TRIES; tries++) {
		look_begin(&l, p);
		nwords = at_most(
		    latch_load(&l.root[ROOT_RULES]), POLICY_RULES_BYTES / 8);
		latch_copy_out(
		    out->words, half_words(l.header, l.seq, RULES_AT), nwords);
		out->version = latch_load(&l.root[ROOT_RULES_VERSION]);
		if (!look_held(&l))
			continue;
		split_rules(out, nwords);
		return true;
	}
	return false;
}
