/* What the parts of the writer share: publishing, growing, recovering. */
#ifndef SHM_TABLE_WRITER_H
#define SHM_TABLE_WRITER_H

#include "lib/span.h"
#include "shm/arena.h"
#include "shm/table.h"
#include "shm/table_write.h"

struct directory {
	struct entry *entries; /* in the segment; NULL: there is none */
	latch_word *tags;      /* behind them */
	uint32_t unit;	       /* where that is */
	unsigned log2;	       /* of the number of entries */
	uint64_t key[2];       /* of its hashes */
	size_t live;	       /* names */
	size_t used;	       /* entries ever used: live, deleted, damaged */
};

enum grow_phase {
	GROW_NONE,
	GROW_CLEAR,   /* back and zero `next`; nobody uses it yet */
	GROW_MOVE,    /* copy entries from `now`; changes go to both */
	GROW_RELEASE, /* give the `old` one back */
};

struct table_writer {
	int fd;			/* borrowed; carries the lock */
	struct table_header *h; /* the mapping; owned */
	size_t bytes;		/* of the mapping */
	uint64_t epoch; /* ours; another in the header: we are deposed */
	struct arena arena;
	struct directory now;  /* what the root shows */
	struct directory next; /* from GROW_CLEAR to the end of GROW_MOVE */
	struct directory old;  /* in GROW_RELEASE */
	enum grow_phase phase;
	uint32_t cursor; /* how far the phase is */
	size_t expected; /* names that may come; see table_expect() */
	size_t damaged;	 /* entries that recovery quarantined */

	uint64_t blob[ROUTE_BLOB_MAX / 8]; /* being put */
	uint64_t copy[ROUTE_BLOB_MAX / 8]; /* read back; tool points into it */
	struct tool tool;
};

/* An entry where a key is, or may be put. */
struct place {
	struct entry *entry; /* NULL: none is free in reach */
	bool mine;	     /* it is this key's already, whatever its state */
	uint64_t words[ENTRY_WORDS]; /* as it is; zeros: never used */
};

static inline uint32_t
directory_size(const struct directory *d)
{
	return UINT32_C(1) << d->log2;
}

/* One of that many entries is, or shall be, at a unit. */
void directory_at(struct directory *d, struct table_header *h, uint32_t unit,
    unsigned log2);

/* The valid words of an entry; false: never used. */
bool entry_words(const struct entry *e, uint64_t words[ENTRY_WORDS]);

/*
 * Read an entry's tool back into w->tool.
 * words   as the entry shows them; it is live
 * Returns NULL when entry and blob do not fit together.
 */
const struct tool *entry_tool(
    struct table_writer *w, const uint64_t words[ENTRY_WORDS]);

/* Bytes of the blob in w->copy. */
static inline size_t
copy_len(const struct table_writer *w)
{
	return ((const struct route_head *)w->copy)->len;
}

/* Point an entry of d at a blob (its words: blob, n), or at none. */
void entry_publish(struct directory *d, const struct place *place,
    uint64_t hash, uint64_t version, unsigned state, uint32_t unit,
    const uint64_t *blob, size_t n);

uint64_t directory_hash(const struct directory *d, struct span key);
struct place directory_find(struct table_writer *w, const struct directory *d,
    uint64_t hash, struct span key);

/* Start to grow; nothing when that is under way or there is no room. */
void grow_begin(struct table_writer *w);

/* Give up growing: no memory.  The table stays as it is. */
void grow_abandon(struct table_writer *w);

/* Is it time to?  Seven entries of ten have been used. */
bool grow_wanted(const struct directory *d);

/*
 * Find all that a predecessor left, and what is free; found(), where it is not
 * NULL, is called for every name.  False: the root leads
 * nowhere, this table is lost.
 */
bool table_recover(struct table_writer *w,
    void (*found)(void *arg, const struct tool *tool), void *arg);

#endif
