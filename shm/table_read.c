/* The route table as a worker sees it: copied out, re-checked, bounded. */
#include "shm/table_read.h"

#include <errno.h>
#include <stdlib.h>

#include "lib/siphash.h"
#include "shm/segment.h"
#include "shm/table.h"

/* Private: the segment's own words may change under a reader's feet. */
struct table {
	const struct table_header *header; /* the mapping */
	size_t bytes;			   /* of the mapping */
};

/* The root, copied out and checked. */
struct root {
	uint64_t seq;
	uint64_t key[2];
	const struct entry *entries;
	const latch_word *tags;
	uint32_t mask;
};

struct table *
table_open(int fd)
{
	const struct table_header *h;
	struct table *t;
	size_t bytes;

	h = segment_map(fd, false, &bytes);
	if (h == NULL)
		return NULL;
	if (bytes < TABLE_ROOM || h->magic != TABLE_MAGIC ||
	    h->abi != TABLE_ABI || h->bytes != bytes) {
		segment_unmap((void *)h, bytes);
		errno = EPROTO;
		return NULL;
	}
	t = malloc(sizeof(*t));
	if (t == NULL) {
		segment_unmap((void *)h, bytes);
		return NULL;
	}
	*t = (struct table){ .header = h, .bytes = bytes };
	return t;
}

void
table_close(struct table *t)
{
	segment_unmap((void *)t->header, t->bytes);
	free(t);
}

/* False: eight new directories during one copy, or none that is valid. */
static bool
root_read(const struct table *t, struct root *root)
{
	const struct table_header *h = t->header;
	uint64_t words[ROOT_WORDS];

	for (int tries = 0; tries < LATCH_TRIES; tries++) {
		root->seq = latch_begin(&h->root_seq);
		latch_copy_out(words,
		    h->root_copies + (root->seq & 1) * ROOT_WORDS, ROOT_WORDS);
		if (!latch_held(&h->root_seq, root->seq))
			continue;
		if (!root_valid(words, t->bytes))
			return false;
		root->key[0] = words[ROOT_KEY0];
		root->key[1] = words[ROOT_KEY1];
		root->entries = (const struct entry *)unit_words(
		    h, place_unit(words[ROOT_PLACE]));
		root->mask = (1u << place_state(words[ROOT_PLACE])) - 1;
		root->tags =
		    (const latch_word *)(root->entries + root->mask + 1);
		return true;
	}
	return false;
}

/* What an entry's words and blob, copied out as a whole, say about a key. */
static enum lookup
entry_judge(const uint64_t words[ENTRY_WORDS], const struct table_copy *copy,
    size_t len, struct span key, struct tool *tool)
{
	unsigned state = place_state(words[ENTRY_PLACE]);

	if ((uint32_t)words[ENTRY_PLACE] !=
	    entry_sum(words, copy->words, (len + 7) / 8))
		return LOOKUP_DAMAGED;
	tool->version = words[ENTRY_VERSION];
	if (state == ENTRY_DELETED)
		return LOOKUP_ABSENT;
	if (state == ENTRY_QUARANTINED) {
		tool->key = key;
		tool->state = TOOL_QUARANTINED;
		tool->canonical = false;
		tool->counter_slot = 0;
		tool->nroutes = 0;
		return LOOKUP_FOUND;
	}
	if (state != ENTRY_LIVE || !route_decode(copy->words, len, tool))
		return LOOKUP_DAMAGED;
	return span_eq(tool->key, key) ? LOOKUP_FOUND : LOOKUP_ABSENT;
}

/* Copy an entry and its blob out.  ABSENT: it is another key's. */
static enum lookup
entry_read(const struct table *t, const struct entry *e, uint64_t hash,
    struct span key, struct table_copy *copy, struct tool *tool)
{
	uint64_t seq, words[ENTRY_WORDS];
	size_t len;

	for (int tries = 0; tries < LATCH_TRIES; tries++) {
		seq = latch_begin(&e->seq);
		latch_copy_out(
		    words, e->copies + (seq & 1) * ENTRY_WORDS, ENTRY_WORDS);
		len = 0;
		if (place_state(words[ENTRY_PLACE]) == ENTRY_LIVE)
			len = blob_copy_out(copy->words, t->header, t->bytes,
			    words[ENTRY_PLACE]);
		if (latch_held(&e->seq, seq)) {
			if (words[ENTRY_HASH] != hash)
				return LOOKUP_ABSENT;
			return entry_judge(words, copy, len, key, tool);
		}
		copy->retries++;
	}
	return LOOKUP_BUSY;
}

/* Try the entries that a key may be in; an unused one ends the search. */
static enum lookup
directory_search(const struct table *t, const struct root *root,
    struct span key, struct table_copy *copy, struct tool *tool)
{
	uint64_t hash = siphash(root->key, key.ptr, key.len), seq;
	uint32_t at = probe_at(hash, 0, root->mask);
	uint8_t tag;
	const struct entry *e;
	enum lookup found;

	/* on its way while the tags are looked at */
	__builtin_prefetch(&root->entries[at]);
	for (uint32_t i = 0; i < probe_count(root->mask); i++) {
		at = probe_at(hash, i, root->mask);
		tag = tag_read(root->tags, at);
		if (tag == 0)
			return LOOKUP_ABSENT;
		if (tag != tag_of(hash))
			continue;
		e = &root->entries[at];
		seq = latch_begin(&e->seq);
		if (seq == 0)
			return LOOKUP_ABSENT;
		if (latch_load(
			&e->copies[(seq & 1) * ENTRY_WORDS + ENTRY_HASH]) !=
		    hash)
			continue;
		found = entry_read(t, e, hash, key, copy, tool);
		if (found != LOOKUP_ABSENT)
			return found;
	}
	return LOOKUP_ABSENT;
}

enum lookup
table_read(const struct table *t, struct span key, struct table_copy *copy,
    struct tool *tool)
{
	/* Before the search: what the first load brings comes before it. */
	bool ready = table_ready(t);
	struct root root;
	enum lookup found;

	copy->retries = 0;
	for (int tries = 0; tries < ROOT_TRIES; tries++) {
		if (!root_read(t, &root))
			return LOOKUP_DAMAGED;
		found = directory_search(t, &root, key, copy, tool);
		if (latch_held(&t->header->root_seq, root.seq))
			return found == LOOKUP_ABSENT && !ready
				   ? LOOKUP_NOT_READY
				   : found;
		copy->retries++;
	}
	return LOOKUP_BUSY;
}

bool
table_ready(const struct table *t)
{
	return word_read(&t->header->ready) != 0;
}
