/* The route table's writer: a change is a blob written, then an entry moved. */
#include "shm/table_write.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "lib/siphash.h"
#include "shm/segment.h"
#include "shm/table_writer.h"

int
table_format(int fd)
{
	struct table_header *h;
	uint64_t root[ROOT_WORDS];
	size_t bytes;
	int ret = -1;

	h = segment_map(fd, true, &bytes);
	if (h == NULL)
		return -1;
	if (bytes < ARENA_CHUNK_BYTES || bytes > UINT32_MAX ||
	    bytes % TABLE_ROOM != 0) {
		errno = EINVAL;
		goto out;
	}
	if (fallocate(fd, 0, 0, ARENA_CHUNK_BYTES) == -1 ||
	    getentropy(root, 2 * sizeof(*root)) == -1)
		goto out;
	h->abi = TABLE_ABI;
	h->bytes = bytes;
	/* The memory is zeros: a directory of unused entries. */
	root[ROOT_PLACE] =
	    place_make(TABLE_LOG2_MIN, TABLE_ROOM / TABLE_UNIT, 0);
	root[ROOT_PLACE] |= root_sum(root);
	latch_publish(&h->root_seq, h->root_copies, root, ROOT_WORDS);
	h->magic = TABLE_MAGIC;
	ret = 0;
out:
	segment_unmap(h, bytes);
	return ret;
}

/* One writer: the master sees to it, this lock is for when it did not. */
static int
writer_lock(int fd)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };

	if (fcntl(fd, F_SETLK, &lock) == 0)
		return 0;
	if (errno == EACCES || errno == EAGAIN)
		errno = EBUSY;
	return -1;
}

static int
writer_open(struct table_writer *w, int fd,
    void (*found)(void *arg, const struct tool *tool), void *arg)
{
	w->fd = fd;
	w->h = segment_map(fd, true, &w->bytes);
	if (w->h == NULL)
		return -1;
	if (w->bytes < TABLE_ROOM || w->h->magic != TABLE_MAGIC ||
	    w->h->abi != TABLE_ABI || w->h->bytes != w->bytes) {
		errno = EPROTO;
		return -1;
	}
	if (writer_lock(fd) == -1 ||
	    arena_init(&w->arena, fd, w->h, w->bytes, TABLE_ROOM) == -1)
		return -1;
	w->arena.huge = true; /* nobody waits for this writer yet */
	w->epoch = word_read(&w->h->epoch) + 1;
	word_write(&w->h->epoch, w->epoch);
	if (!table_recover(w, found, arg)) {
		errno = EBADMSG;
		return -1;
	}
	return 0;
}

struct table_writer *
table_writer_new(
    int fd, void (*found)(void *arg, const struct tool *tool), void *arg)
{
	struct table_writer *w;
	int saved;

	w = calloc(1, sizeof(*w));
	if (w == NULL)
		return NULL;
	if (writer_open(w, fd, found, arg) == -1) {
		saved = errno;
		table_writer_free(w);
		errno = saved;
		return NULL;
	}
	return w;
}

void
table_writer_free(struct table_writer *w)
{
	struct flock unlock = { .l_type = F_UNLCK, .l_whence = SEEK_SET };

	if (w->h != NULL)
		segment_unmap(w->h, w->bytes);
	arena_release(&w->arena);
	fcntl(w->fd, F_SETLK, &unlock);
	free(w);
}

void
directory_at(
    struct directory *d, struct table_header *h, uint32_t unit, unsigned log2)
{
	d->unit = unit;
	d->log2 = log2;
	d->entries = (struct entry *)unit_words(h, unit);
	d->tags = (latch_word *)(d->entries + directory_size(d));
}

bool
entry_words(const struct entry *e, uint64_t words[ENTRY_WORDS])
{
	uint64_t seq = latch_begin(&e->seq);

	latch_copy_out(words, e->copies + (seq & 1) * ENTRY_WORDS, ENTRY_WORDS);
	return seq != 0;
}

const struct tool *
entry_tool(struct table_writer *w, const uint64_t words[ENTRY_WORDS])
{
	size_t len;

	len = blob_copy_out(w->copy, w->h, w->bytes, words[ENTRY_PLACE]);
	if (len == 0 ||
	    (uint32_t)words[ENTRY_PLACE] !=
		entry_sum(words, w->copy, (len + 7) / 8) ||
	    !route_decode(w->copy, len, &w->tool))
		return NULL;
	w->tool.version = words[ENTRY_VERSION];
	return &w->tool;
}

void
entry_publish(struct directory *d, const struct place *place, uint64_t hash,
    uint64_t version, unsigned state, uint32_t unit, const uint64_t *blob,
    size_t n)
{
	uint64_t words[ENTRY_WORDS];
	bool was_used = latch_begin(&place->entry->seq) != 0;
	bool was_live =
	    was_used && place_state(place->words[ENTRY_PLACE]) == ENTRY_LIVE;

	words[ENTRY_HASH] = hash;
	words[ENTRY_VERSION] = version;
	words[ENTRY_PLACE] = place_make(state, unit, 0);
	words[ENTRY_PLACE] |= entry_sum(words, blob, n);
	tag_write(d->tags, (uint32_t)(place->entry - d->entries), tag_of(hash));
	latch_publish(
	    &place->entry->seq, place->entry->copies, words, ENTRY_WORDS);
	d->used += !was_used;
	d->live += (size_t)(state == ENTRY_LIVE) - (size_t)was_live;
}

uint64_t
directory_hash(const struct directory *d, struct span key)
{
	return siphash(d->key, key.ptr, key.len);
}

/* Is a used entry with this hash the key's?  A damaged one may be: it is. */
static bool
entry_is(
    struct table_writer *w, const uint64_t words[ENTRY_WORDS], struct span key)
{
	const struct tool *tool;

	if (place_state(words[ENTRY_PLACE]) != ENTRY_LIVE)
		return true;
	tool = entry_tool(w, words);
	return tool == NULL || span_eq(tool->key, key);
}

struct place
directory_find(struct table_writer *w, const struct directory *d, uint64_t hash,
    struct span key)
{
	uint32_t mask = directory_size(d) - 1;
	struct place at, reuse = { .entry = NULL };

	for (uint32_t i = 0; i < probe_count(mask); i++) {
		at = (struct place){
			.entry = &d->entries[probe_at(hash, i, mask)],
		};
		if (!entry_words(at.entry, at.words))
			return reuse.entry != NULL ? reuse : at;
		at.mine =
		    at.words[ENTRY_HASH] == hash && entry_is(w, at.words, key);
		if (at.mine)
			return at;
		/* Nobody needs a deleted entry but the search beyond it. */
		if (reuse.entry == NULL &&
		    place_state(at.words[ENTRY_PLACE]) == ENTRY_DELETED)
			reuse = at;
	}
	return reuse;
}

/* May this version replace what is there?  -1 with errno. */
static int
change_allowed(
    const struct table_writer *w, const struct place *at, uint64_t version)
{
	if (word_read(&w->h->epoch) != w->epoch) {
		errno = EBUSY;
		return -1;
	}
	if (at->mine && at->words[ENTRY_VERSION] > version) {
		errno = ESTALE;
		return -1;
	}
	return 0;
}

/* Publish in both directories while the table grows; the hidden one first:
 * the root may move to it at any time, and nothing may be older there. */
static void
publish_everywhere(struct table_writer *w, const struct place *at,
    struct span key, uint64_t version, unsigned state, uint32_t unit, size_t n)
{
	struct place hidden;
	uint64_t hash;

	if (w->phase == GROW_MOVE) {
		hash = directory_hash(&w->next, key);
		hidden = directory_find(w, &w->next, hash, key);
		if (hidden.entry == NULL)
			grow_abandon(w);
		else if (state != ENTRY_DELETED || hidden.mine)
			entry_publish(&w->next, &hidden, hash, version, state,
			    unit, w->blob, n);
	}
	entry_publish(&w->now, at, directory_hash(&w->now, key), version, state,
	    unit, w->blob, n);
	word_write(&w->h->changes, word_read(&w->h->changes) + 1);
}

/* Give back the blob that an entry showed before it was changed. */
static void
blob_free(struct table_writer *w, const struct place *was)
{
	uint64_t place = was->words[ENTRY_PLACE];

	if (was->mine && place_state(place) == ENTRY_LIVE &&
	    entry_tool(w, was->words) != NULL)
		arena_give(&w->arena, place_unit(place), units_of(copy_len(w)));
}

/* Where a key goes, growing as far as that takes.  NULL entry: no room. */
static struct place
place_for(struct table_writer *w, struct span key)
{
	struct place at;
	int begun = 0;

	if (grow_wanted(&w->now))
		grow_begin(w);
	table_grow_step(w);
	for (;;) {
		at = directory_find(
		    w, &w->now, directory_hash(&w->now, key), key);
		if (at.entry != NULL)
			return at;
		/* The second: should one have been under way too long. */
		if (w->phase == GROW_NONE && begun++ < 2)
			grow_begin(w);
		if (w->phase == GROW_NONE)
			return at;
		table_grow_step(w);
	}
}

/* Write w->blob to free units, where no reader looks.  0 with errno. */
static uint32_t
blob_store(struct table_writer *w, size_t len)
{
	uint32_t n = units_of(len), unit = arena_take(&w->arena, n);

	if (unit == 0)
		return 0;
	if (arena_back(&w->arena, unit, n) == -1) {
		arena_give(&w->arena, unit, n);
		return 0;
	}
	latch_copy_in(unit_words(w->h, unit), w->blob, (len + 7) / 8);
	return unit;
}

int
table_put(struct table_writer *w, const struct tool *tool, uint64_t version)
{
	struct place at;
	uint32_t unit;
	size_t len, n;

	len = route_encode(tool, w->blob, sizeof(w->blob));
	if (len == 0) {
		errno = EINVAL;
		return -1;
	}
	n = (len + 7) / 8;
	memset((char *)w->blob + len, 0, n * 8 - len);
	at = place_for(w, tool->key);
	if (at.entry == NULL) {
		errno = ENOSPC;
		return -1;
	}
	if (change_allowed(w, &at, version) == -1)
		return -1;
	unit = blob_store(w, len);
	if (unit == 0)
		return -1;
	publish_everywhere(w, &at, tool->key, version, ENTRY_LIVE, unit, n);
	blob_free(w, &at);
	return 0;
}

int
table_delete(struct table_writer *w, struct span key, uint64_t version)
{
	struct place at;

	at = directory_find(w, &w->now, directory_hash(&w->now, key), key);
	if (change_allowed(w, &at, version) == -1)
		return -1;
	if (!at.mine || place_state(at.words[ENTRY_PLACE]) == ENTRY_DELETED)
		return 0;
	publish_everywhere(w, &at, key, version, ENTRY_DELETED, 0, 0);
	blob_free(w, &at);
	return 0;
}

void
table_set_ready(struct table_writer *w)
{
	w->arena.huge = false;
	word_write(&w->h->ready, 1);
}

bool
table_was_ready(const struct table_writer *w)
{
	return word_read(&w->h->ready) != 0;
}

size_t
table_count(const struct table_writer *w)
{
	return w->now.live;
}

size_t
table_entries(const struct table_writer *w)
{
	return directory_size(&w->now);
}

uint64_t
table_generation(const struct table_writer *w)
{
	/* A writer may have died between publishing and counting: its
	 * successor's epoch moves the sum. */
	return word_read(&w->h->changes) + word_read(&w->h->epoch);
}

size_t
table_damaged(const struct table_writer *w)
{
	return w->damaged;
}

bool
table_walk(struct table_writer *w, struct table_walk *walk, size_t entries,
    void (*found)(void *arg, const struct tool *tool), void *arg)
{
	uint64_t words[ENTRY_WORDS];
	const struct tool *tool;

	if (walk->directory != w->now.key[0])
		*walk = (struct table_walk){ .directory = w->now.key[0] };
	for (; entries > 0 && walk->at < directory_size(&w->now); entries--) {
		if (!entry_words(&w->now.entries[walk->at++], words) ||
		    place_state(words[ENTRY_PLACE]) != ENTRY_LIVE)
			continue;
		tool = entry_tool(w, words);
		if (tool != NULL)
			found(arg, tool);
	}
	return walk->at < directory_size(&w->now);
}
