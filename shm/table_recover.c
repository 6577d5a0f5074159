/*
 * What a killed writer left: every entry is valid as it stands, so recovery
 * only reads, to learn what is free.  It writes to quarantine an entry that
 * something else than a writer has damaged.
 */
#include "shm/table_writer.h"

struct recovery {
	struct table_writer *w;
	void (*found)(void *arg, const struct tool *tool); /* NULL: nobody's */
	void *arg;
};

/* Take note of what a live entry leads to.  False: it is damaged. */
static bool
entry_claim(const struct recovery *r, const uint64_t words[ENTRY_WORDS])
{
	struct table_writer *w = r->w;

	if (entry_tool(w, words) == NULL ||
	    !arena_claim(&w->arena, place_unit(words[ENTRY_PLACE]),
		units_of(copy_len(w))))
		return false;
	if (r->found != NULL)
		r->found(r->arg, &w->tool);
	return true;
}

static bool
entry_valid(const struct recovery *r, const uint64_t words[ENTRY_WORDS])
{
	switch (place_state(words[ENTRY_PLACE])) {
	case ENTRY_LIVE:
		return entry_claim(r, words);
	case ENTRY_DELETED:
	case ENTRY_QUARANTINED:
		return (uint32_t)words[ENTRY_PLACE] ==
		       entry_sum(words, NULL, 0);
	default:
		return false;
	}
}

/* Something else than a writer may have damaged that, too. */
static void
tag_recover(struct directory *d, const struct entry *e, uint64_t hash)
{
	uint32_t at = (uint32_t)(e - d->entries);

	if (tag_read(d->tags, at) != tag_of(hash))
		tag_write(d->tags, at, tag_of(hash));
}

static void
entry_recover(const struct recovery *r, struct entry *e)
{
	struct table_writer *w = r->w;
	struct place at = { .entry = e };

	if (!entry_words(e, at.words))
		return;
	tag_recover(&w->now, e, at.words[ENTRY_HASH]);
	w->now.used++;
	w->now.live += place_state(at.words[ENTRY_PLACE]) == ENTRY_LIVE;
	if (!entry_valid(r, at.words)) {
		entry_publish(&w->now, &at, at.words[ENTRY_HASH],
		    at.words[ENTRY_VERSION], ENTRY_QUARANTINED, 0, NULL, 0);
		w->damaged++;
	} else if (place_state(at.words[ENTRY_PLACE]) == ENTRY_QUARANTINED) {
		w->damaged++;
	}
}

bool
table_recover(struct table_writer *w,
    void (*found)(void *arg, const struct tool *tool), void *arg)
{
	const struct recovery r = { w, found, arg };
	uint64_t root[ROOT_WORDS];
	struct directory *now = &w->now;

	latch_copy_out(root,
	    w->h->root_copies + (latch_begin(&w->h->root_seq) & 1) * ROOT_WORDS,
	    ROOT_WORDS);
	if (!root_valid(root, w->bytes))
		return false;
	directory_at(now, w->h, place_unit(root[ROOT_PLACE]),
	    place_state(root[ROOT_PLACE]));
	now->key[0] = root[ROOT_KEY0];
	now->key[1] = root[ROOT_KEY1];
	if (!arena_claim(&w->arena, now->unit, directory_units(now->log2)))
		return false;
	for (uint32_t i = 0; i < directory_size(now); i++)
		entry_recover(&r, &now->entries[i]);
	/* What a predecessor was filling, or had not yet given back. */
	arena_trim_all(&w->arena);
	return true;
}
