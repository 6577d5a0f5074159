/*
 * The directory grows while it is used, in slices: a new one is filled where
 * nobody looks, changes meanwhile go to both, and one latch moves everybody.
 * A writer killed before that leaves free memory, after it a grown table.
 */
#include "shm/table_write.h"

#include <errno.h>
#include <unistd.h>

#include "shm/table_writer.h"

/* Of one slice: units zeroed, entries looked at, units given back. */
#define CLEAR_SLICE ARENA_CHUNK
#define RELEASE_SLICE (8 * ARENA_CHUNK)
/*
 * The most it grows by at once, however many names are expected: each name put
 * meanwhile clears CLEAR_SLICE, and there is room for three of ten more.
 */
#define LEAP_LOG2 6

#ifndef MOVE_SLICE /* a test makes it smaller */
#define MOVE_SLICE 64
#endif

bool
grow_wanted(const struct directory *d)
{
	return d->used * 10 > (size_t)directory_size(d) * 7;
}

static void
begin(struct table_writer *w, unsigned log2)
{
	struct directory *next = &w->next;
	uint32_t unit;

	*next = (struct directory){ .log2 = log2 };
	if (next->log2 > TABLE_LOG2_MAX ||
	    getentropy(next->key, sizeof(next->key)) == -1)
		return;
	unit = arena_take(&w->arena, directory_units(log2));
	if (unit == 0)
		return;
	directory_at(next, w->h, unit, log2);
	w->phase = GROW_CLEAR;
	w->cursor = 0;
}

void
grow_begin(struct table_writer *w)
{
	struct directory like = { .log2 = w->now.log2, .used = w->expected };

	if (w->phase != GROW_NONE)
		return;
	/* Few names: it is full of deleted ones, and a new one has none. */
	if (w->now.live * 20 > (size_t)directory_size(&w->now) * 7)
		like.log2++;
	while (grow_wanted(&like) && like.log2 < w->now.log2 + LEAP_LOG2)
		like.log2++;
	begin(w, like.log2);
}

void
table_expect(struct table_writer *w, size_t names)
{
	w->expected = names;
}

void
grow_abandon(struct table_writer *w)
{
	w->old = w->next;
	w->phase = GROW_RELEASE;
	w->cursor = 0;
}

/* The next part of a phase over `total` units or entries; moves the cursor. */
static uint32_t
slice_of(struct table_writer *w, uint32_t total, uint32_t slice, uint32_t *at)
{
	uint32_t n = total - w->cursor < slice ? total - w->cursor : slice;

	*at = w->cursor;
	w->cursor += n;
	return n;
}

static void
phase_end(struct table_writer *w, enum grow_phase next)
{
	w->phase = next;
	w->cursor = 0;
}

static void
clear_slice(struct table_writer *w)
{
	uint32_t size = directory_units(w->next.log2), at, n;

	n = slice_of(w, size, CLEAR_SLICE, &at);
	if (arena_back(&w->arena, w->next.unit + at, n) == -1) {
		grow_abandon(w);
		return;
	}
	latch_clear(unit_words(w->h, w->next.unit + at), n * TABLE_UNIT / 8);
	if (w->cursor == size)
		phase_end(w, GROW_MOVE);
}

/* Enter a name of `now` in `next`, unless a change has done so already. */
static bool
entry_move(struct table_writer *w, const uint64_t words[ENTRY_WORDS])
{
	const struct tool *tool = entry_tool(w, words);
	struct place at;
	uint64_t hash;

	if (tool == NULL)
		return true; /* damaged: it has no name to go by */
	hash = directory_hash(&w->next, tool->key);
	at = directory_find(w, &w->next, hash, tool->key);
	if (at.entry == NULL)
		return false;
	if (at.mine)
		return true;
	entry_tool(w, words); /* again: the search may have read another's */
	entry_publish(&w->next, &at, hash, words[ENTRY_VERSION], ENTRY_LIVE,
	    place_unit(words[ENTRY_PLACE]), w->copy, (copy_len(w) + 7) / 8);
	return true;
}

/* All names are in `next`: everybody shall look there. */
static void
root_move(struct table_writer *w)
{
	uint64_t root[ROOT_WORDS];

	root[ROOT_KEY0] = w->next.key[0];
	root[ROOT_KEY1] = w->next.key[1];
	root[ROOT_PLACE] = place_make(w->next.log2, w->next.unit, 0);
	root[ROOT_PLACE] |= root_sum(root);
	latch_publish(&w->h->root_seq, w->h->root_copies, root, ROOT_WORDS);
	w->old = w->now;
	w->now = w->next;
	phase_end(w, GROW_RELEASE);
}

static void
move_slice(struct table_writer *w)
{
	uint32_t size = directory_size(&w->now), at, n;
	uint64_t words[ENTRY_WORDS];

	n = slice_of(w, size, MOVE_SLICE, &at);
	for (uint32_t i = at; i < at + n; i++) {
		if (!entry_words(&w->now.entries[i], words) ||
		    place_state(words[ENTRY_PLACE]) != ENTRY_LIVE)
			continue;
		if (!entry_move(w, words)) {
			grow_abandon(w);
			return;
		}
	}
	if (w->cursor == size)
		root_move(w);
}

static void
release_slice(struct table_writer *w)
{
	uint32_t size = directory_units(w->old.log2), at, n;

	n = slice_of(w, size, RELEASE_SLICE, &at);
	arena_give(&w->arena, w->old.unit + at, n);
	arena_trim(&w->arena, w->old.unit + at, n);
	if (w->cursor == size)
		phase_end(w, GROW_NONE);
}

static void (*const phases[])(struct table_writer *w) = {
	[GROW_NONE] = NULL,
	[GROW_CLEAR] = clear_slice,
	[GROW_MOVE] = move_slice,
	[GROW_RELEASE] = release_slice,
};

bool
table_grow_step(struct table_writer *w)
{
	if (w->phase != GROW_NONE)
		phases[w->phase](w);
	return w->phase != GROW_NONE;
}

void
table_reserve(struct table_writer *w, size_t names)
{
	struct directory like = { .log2 = w->now.log2, .used = names };

	while (grow_wanted(&like))
		like.log2++;
	if (like.log2 == w->now.log2 || w->phase != GROW_NONE)
		return;
	begin(w, like.log2);
	while (table_grow_step(w))
		continue;
}
