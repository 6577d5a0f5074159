/* Builds a generation of the policy in private, and publishes it. */
#include "shm/policy_write.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>

#include "shm/policy_layout.h"
#include "shm/segment.h"

/* A node while the trees are built; places are counted from 1, 0 is none. */
struct node {
	struct radix_key network;
	uint64_t until_ms;
	uint32_t child[2];
	uint8_t bits;
};

struct policy_writer {
	int fd;			      /* borrowed */
	struct policy_header *header; /* the mapping */
	size_t bytes;
	uint64_t words[HALF_WORDS]; /* the generation being built */

	struct node nodes[NODES_MAX];
	uint32_t nnodes;
	uint32_t first[2]; /* of IPv4, of IPv6 */
};

size_t
policy_size(void)
{
	return POLICY_BYTES;
}

int
policy_format(int fd)
{
	struct policy_header *h;
	size_t bytes;

	h = segment_map(fd, true, &bytes);
	if (h == NULL)
		return -1;
	assert(bytes == POLICY_BYTES);
	h->magic = POLICY_MAGIC;
	h->abi = POLICY_ABI;
	segment_unmap(h, bytes);
	return 0;
}

struct policy_writer *
policy_writer_new(int fd)
{
	struct policy_writer *w = calloc(1, sizeof(*w)); /* most stays unused */

	if (w == NULL)
		return NULL;
	w->fd = fd;
	w->header = segment_map(fd, true, &w->bytes);
	if (w->header == NULL) {
		free(w);
		return NULL;
	}
	if (w->bytes != POLICY_BYTES || w->header->magic != POLICY_MAGIC ||
	    w->header->abi != POLICY_ABI) {
		policy_writer_free(w);
		errno = EPROTO;
		return NULL;
	}
	return w;
}

void
policy_writer_free(struct policy_writer *w)
{
	segment_unmap(w->header, w->bytes);
	free(w);
}

/* Its place.  There is always room: two nodes for each ban. */
static uint32_t
add_node(struct policy_writer *w, struct radix_key network, unsigned bits,
    uint64_t until_ms)
{
	assert(w->nnodes < NODES_MAX);
	w->nodes[w->nnodes] = (struct node){
		.network = network, .bits = (uint8_t)bits, .until_ms = until_ms
	};
	return ++w->nnodes;
}

static uint64_t
first_bits(uint64_t word, unsigned bits)
{
	if (bits == 0)
		return 0;
	return bits < 64 ? word & ~(UINT64_MAX >> bits) : word;
}

static struct radix_key
prefix(struct radix_key key, unsigned bits)
{
	return (struct radix_key){ first_bits(key.high, bits),
		bits < 64 ? 0 : first_bits(key.low, bits - 64) };
}

/* Enter a network below *place. */
static void
add_ban(struct policy_writer *w, uint32_t *place, const struct policy_ban *ban)
{
	struct radix_key network = radix_key(&ban->network.ip);
	unsigned bits = ban->network.bits, common;
	uint32_t old, branch;
	struct node *n;

	for (;;) {
		if (*place == 0) {
			*place = add_node(w, network, bits, ban->until_ms);
			return;
		}
		n = &w->nodes[*place - 1];
		common = radix_common(network, n->network);
		if (common > bits)
			common = bits;
		if (common < n->bits)
			break;
		if (n->bits == bits) {
			n->until_ms = ban->until_ms;
			return;
		}
		place = &n->child[radix_bit(network, n->bits)];
	}
	/* the old node does not contain it: it goes between, or beside */
	old = *place;
	branch = add_node(w, prefix(network, common), common,
	    common == bits ? ban->until_ms : 0);
	*place = branch;
	n = &w->nodes[branch - 1];
	n->child[radix_bit(w->nodes[old - 1].network, common)] = old;
	if (common < bits)
		n->child[radix_bit(network, common)] =
		    add_node(w, network, bits, ban->until_ms);
}

static void
build_trees(struct policy_writer *w, const struct policy_content *content)
{
	uint64_t *out = w->words + NODES_AT;
	const struct node *n;

	w->nnodes = w->first[0] = w->first[1] = 0;
	for (size_t i = 0; i < content->nbans; i++)
		add_ban(w,
		    &w->first[content->bans[i].network.ip.family == AF_INET6],
		    &content->bans[i]);
	for (size_t i = 0; i < w->nnodes; i++, out += NODE_WORDS) {
		n = &w->nodes[i];
		out[NODE_HIGH] = n->network.high;
		out[NODE_LOW] = n->network.low;
		out[NODE_LINK] = link_make(n->bits, n->child);
		out[NODE_UNTIL] = n->until_ms;
	}
}

static bool
build_tools(struct policy_writer *w, const struct policy_content *content)
{
	uint64_t *out = w->words + TOOLS_AT;
	size_t len;

	for (size_t i = 0; i < content->ntools; i++, out += TOOL_WORDS) {
		len = strlen(content->tools[i].name);
		if (len > POLICY_NAME_MAX)
			return false;
		out[TOOL_UNTIL] = content->tools[i].until_ms;
		memset(&out[TOOL_NAME], 0, TOOL_NAME_WORDS * 8);
		memcpy(&out[TOOL_NAME], content->tools[i].name, len);
	}
	return true;
}

/* False: over a bound. */
static bool
build_rules(struct policy_writer *w, const struct policy_content *content,
    size_t *nwords)
{
	uint64_t *out = w->words + RULES_AT;
	size_t at = 0, len, need;

	for (size_t i = 0; i < content->nrules; i++) {
		len = content->rules[i].pattern.len;
		need = 1 + (len + 7) / 8;
		if (len == 0 || len > POLICY_RULE_MAX ||
		    need > POLICY_RULES_BYTES / 8 - at)
			return false;
		out[at + need - 1] = 0; /* behind the last byte */
		out[at] = content->rules[i].field | (uint64_t)len << 8;
		memcpy(&out[at + 1], content->rules[i].pattern.ptr, len);
		at += need;
	}
	*nwords = at;
	return true;
}

/* Have the kernel reserve memory: then no store can fail. */
static int
back(const struct policy_writer *w, uint64_t seq, size_t at, size_t nwords)
{
	const char *from = (const char *)half_words(w->header, seq, at);

	if (nwords == 0)
		return 0;
	return fallocate(
	    w->fd, 0, from - (const char *)w->header, (off_t)(nwords * 8));
}

/* Copy a part of the generation into the half that nobody is led to. */
static int
write_part(struct policy_writer *w, uint64_t seq, size_t at, size_t nwords)
{
	if (back(w, seq, at, nwords) == -1)
		return -1;
	latch_copy_in(half_words(w->header, seq, at), w->words + at, nwords);
	return 0;
}

/* Are the rules, word by word, those of the generation published last? */
static bool
same_rules(const struct policy_writer *w, uint64_t seq,
    const uint64_t root[POLICY_ROOT_WORDS], size_t nwords)
{
	const latch_word *now = half_words(w->header, seq, RULES_AT);

	if (root[ROOT_RULES] != nwords)
		return false;
	for (size_t i = 0; i < nwords; i++)
		if (latch_load(&now[i]) != w->words[RULES_AT + i])
			return false;
	return true;
}

int
policy_put(struct policy_writer *w, const struct policy_content *content)
{
	struct policy_header *h = w->header;
	uint64_t seq = latch_begin(&h->root_seq);
	uint64_t root[POLICY_ROOT_WORDS];
	size_t nrules;

	if (content->nbans > POLICY_BANS_MAX ||
	    content->ntools > POLICY_TOOLS_MAX ||
	    content->nrules > POLICY_RULES_MAX || !build_tools(w, content) ||
	    !build_rules(w, content, &nrules)) {
		errno = ENOSPC;
		return -1;
	}
	build_trees(w, content);
	if (write_part(w, seq + 1, NODES_AT, w->nnodes * NODE_WORDS) == -1 ||
	    write_part(w, seq + 1, TOOLS_AT, content->ntools * TOOL_WORDS) ==
		-1 ||
	    write_part(w, seq + 1, RULES_AT, nrules) == -1)
		return -1;

	latch_copy_out(root, h->root_copies + (seq & 1) * POLICY_ROOT_WORDS,
	    POLICY_ROOT_WORDS);
	if (!same_rules(w, seq, root, nrules))
		root[ROOT_RULES_VERSION]++;
	root[ROOT_SITE_UNTIL] = content->site_until_ms;
	root[ROOT_STANDBY] = content->standby;
	root[ROOT_TREES] = w->first[0] | (uint64_t)w->first[1] << 32;
	root[ROOT_NODES] = w->nnodes;
	root[ROOT_TOOLS] = content->ntools;
	root[ROOT_RULES] = nrules;
	latch_publish(&h->root_seq, h->root_copies, root, POLICY_ROOT_WORDS);
	return 0;
}
