/*
 * How the policy lies in its segment.  Nothing outside shm/ includes this.
 *
 *   page 0    the header and the root latch
 *   half 0    a generation: nodes, tools, rules, each at its fixed place
 *   half 1    the next one
 *
 * The root's counter names, with its low bit, both the valid copy of the root
 * and the half that it speaks of (latch.h): a generation is written into the
 * half that nobody is led to, then counted.  Who was still reading there, two
 * generations late, sees it by the counter.
 *
 * Bans are two radix trees over the bits of addresses, IPv4 and IPv6, without
 * the nodes that have one child: a search takes a step for each network that
 * contains the address, and one for each branch, at most 129.
 */
#ifndef SHM_POLICY_LAYOUT_H
#define SHM_POLICY_LAYOUT_H

#include <stdalign.h>

#include "shm/latch.h"
#include "shm/policy.h"

#define POLICY_MAGIC UINT64_C(0x316c6f70706e7964) /* "dynppol1" */
#define POLICY_BYTES (16 * 1024 * 1024)
#define POLICY_ROOM 4096 /* bytes before the halves */

/* A node of a tree. */
enum {
	NODE_HIGH, /* the network, in host byte order; IPv4 in the upper half */
	NODE_LOW,
	NODE_LINK,  /* bits 7..0 prefix length, 39..16 and 63..40 children */
	NODE_UNTIL, /* of the ban; 0: only a branch */
	NODE_WORDS
};

/* A tool in maintenance; they are sorted by name. */
#define TOOL_NAME_WORDS ((POLICY_NAME_MAX + 1) / 8)
enum {
	TOOL_UNTIL,
	TOOL_NAME, /* padded with NULs */
	TOOL_WORDS = TOOL_NAME + TOOL_NAME_WORDS
};

/* Of a rule: a word, its field and the length of its pattern; the pattern. */

/* Where they are in a half, in words. */
#define NODES_MAX (2 * POLICY_BANS_MAX)
#define NODES_AT 0
#define TOOLS_AT (NODES_AT + NODES_MAX * NODE_WORDS)
#define RULES_AT (TOOLS_AT + POLICY_TOOLS_MAX * TOOL_WORDS)
#define HALF_WORDS (RULES_AT + POLICY_RULES_BYTES / 8)

_Static_assert(POLICY_ROOM + 2 * HALF_WORDS * 8 <= POLICY_BYTES,
    "both halves fit");
_Static_assert(NODES_MAX < 1 << 24, "a child fits in a link");

/* The latched words of the root. */
enum {
	ROOT_SITE_UNTIL,
	ROOT_STANDBY, /* 1, or 0 */
	ROOT_TREES, /* the first node of IPv4, of IPv6 in the upper half */
	ROOT_NODES, /* how many */
	ROOT_TOOLS, /* how many */
	ROOT_RULES, /* words */
	ROOT_RULES_VERSION,
	POLICY_ROOT_WORDS
};

struct policy_header {
	/* constant after policy_format() */
	uint64_t magic;
	uint64_t abi;

	alignas(64) latch_word root_seq;
	latch_word root_copies[2 * POLICY_ROOT_WORDS];
};

_Static_assert(sizeof(struct policy_header) <= POLICY_ROOM, "header's page");

/* Raise it for a change that these numbers do not show. */
#define POLICY_MEANING 1
#define POLICY_ABI                                                             \
	((uint64_t)POLICY_MEANING << 56 | (uint64_t)NODE_WORDS << 48 |         \
	    (uint64_t)TOOL_WORDS << 40 | (uint64_t)POLICY_ROOT_WORDS << 32 |   \
	    HALF_WORDS)

static inline latch_word *
half_words(const struct policy_header *h, uint64_t seq, size_t at)
{
	return (latch_word *)((uintptr_t)h + POLICY_ROOM) +
	       (seq & 1) * HALF_WORDS + at;
}

/* An address, or a network, as nodes hold it. */
struct radix_key {
	uint64_t high, low;
};

static inline struct radix_key
radix_key(const struct ip *ip)
{
	struct radix_key key = { 0, 0 };

	for (unsigned i = 0; i < 8; i++) {
		key.high = key.high << 8 | ip->bytes[i];
		key.low = key.low << 8 | ip->bytes[i + 8];
	}
	return key;
}

/* Bit n of a key, from the left; n is less than 128. */
static inline unsigned
radix_bit(struct radix_key key, unsigned n)
{
	return (n < 64 ? key.high >> (63 - n) : key.low >> (127 - n)) & 1;
}

/* How many bits the keys have in common, from the left. */
static inline unsigned
radix_common(struct radix_key a, struct radix_key b)
{
	if (a.high != b.high)
		return (unsigned)__builtin_clzll(a.high ^ b.high);
	if (a.low != b.low)
		return 64 + (unsigned)__builtin_clzll(a.low ^ b.low);
	return 128;
}

static inline uint64_t
link_make(unsigned bits, const uint32_t child[2])
{
	return bits | (uint64_t)child[0] << 16 | (uint64_t)child[1] << 40;
}

static inline unsigned
link_bits(uint64_t link)
{
	return link & 0xff;
}

/* 0: none; else one more than its place. */
static inline uint32_t
link_child(uint64_t link, unsigned which)
{
	return link >> (which ? 40 : 16) & 0xffffff;
}

#endif
