/*
 * How the route table lies in its segment, and the arithmetic that reader and
 * writer share.  Nothing outside shm/ includes this.
 *
 *   page 0    the header, the writer's words, the root latch
 *   the rest  units of 64 bytes: directories and blobs, in any order
 *
 * The root says where the directory is; an entry of the directory says where
 * the blob of its name is.  Behind the entries is a byte for each, the tag:
 * what is not there mostly is known from these, which the processor's cache
 * holds. A blob is never changed: a new one is written and the entry then
 * points at it.  Nothing but these words is needed to read or to recover the
 * table; what no valid entry leads to is free.
 */
#ifndef SHM_TABLE_H
#define SHM_TABLE_H

#include <stdalign.h>

#include "shm/latch.h"
#include "shm/route.h"

#define TABLE_MAGIC UINT64_C(0x31747278706e7964) /* "dynpxrt1" */
#define TABLE_UNIT 64				 /* bytes: a cache line */
#define TABLE_ROOM 4096				 /* bytes before the units */
#define TABLE_PROBES 64				 /* bound of a search */
#define TABLE_LOG2_MIN 4			 /* entries of a directory */
#define TABLE_LOG2_MAX 26

#define LATCH_TRIES 8 /* of one entry */
#define ROOT_TRIES 4  /* directories changed under the eyes of one lookup */

enum entry_state {
	ENTRY_DELETED, /* no blob; keeps hash and version, probing goes on */
	ENTRY_LIVE,
	ENTRY_QUARANTINED, /* was found damaged; no blob */
};

/* The latched words of an entry. */
enum {
	ENTRY_HASH,    /* SipHash of the key, keyed by the root */
	ENTRY_VERSION, /* as the registrar gave it */
	ENTRY_PLACE, /* bits 63..58 state, 57..32 first unit, 31..0 checksum */
	ENTRY_WORDS,
};

struct entry {
	alignas(TABLE_UNIT) latch_word seq; /* 0: never used, ends a probe */
	latch_word copies[2 * ENTRY_WORDS];
};

/* The latched words of the root. */
enum {
	ROOT_KEY0,
	ROOT_KEY1,
	ROOT_PLACE, /* bits 63..58 log2 of entries, 57..32 first unit, checksum
		     */
	ROOT_WORDS,
};

struct table_header {
	/* constant after table_format() */
	uint64_t magic;
	uint64_t abi;
	uint64_t bytes; /* of the whole segment */

	/* the writer's; each is a word on its own */
	alignas(TABLE_UNIT) latch_word epoch; /* writers so far */
	latch_word changes;		      /* published by all of them */
	latch_word ready;

	alignas(TABLE_UNIT) latch_word root_seq;
	latch_word root_copies[2 * ROOT_WORDS];
};

_Static_assert(sizeof(struct entry) == TABLE_UNIT, "an entry is a unit");
_Static_assert(sizeof(struct table_header) <= TABLE_ROOM, "header's page");
_Static_assert(ROUTE_BLOB_MAX % TABLE_UNIT == 0, "blobs are whole units");

/*
 * All that two builds must agree on to share a table (FNV-1a over numbers).
 * Raise TABLE_MEANING for a change that sizes do not show: hash, checksum,
 * probing, order of a blob's parts.  (t/dynproxyd-table has another one.)
 */
#ifndef TABLE_MEANING
#define TABLE_MEANING 3
#endif
#define ABI_MIX(h, n) (((h) ^ (uint64_t)(n)) * UINT64_C(0x100000001b3))
#define ABI_1                                                                  \
	ABI_MIX(ABI_MIX(ABI_MIX(ABI_MIX(UINT64_C(0xcbf29ce484222325),          \
				    TABLE_MEANING),                            \
			    __BYTE_ORDER__),                                   \
		    TABLE_ROOM),                                               \
	    TABLE_PROBES)
#define ABI_2                                                                  \
	ABI_MIX(ABI_MIX(ABI_MIX(ABI_MIX(ABI_1, sizeof(struct entry)),          \
			    offsetof(struct entry, copies)),                   \
		    ENTRY_WORDS),                                              \
	    ENTRY_QUARANTINED)
#define ABI_3                                                                  \
	ABI_MIX(ABI_MIX(ABI_MIX(ABI_MIX(ABI_2,                                 \
				    offsetof(struct table_header, epoch)),     \
			    offsetof(struct table_header, root_seq)),          \
		    offsetof(struct table_header, root_copies)),               \
	    ROOT_WORDS)
#define ABI_4                                                                  \
	ABI_MIX(ABI_MIX(ABI_MIX(ABI_MIX(ABI_3, sizeof(struct route_head)),     \
			    offsetof(struct route_head, nroutes)),             \
		    offsetof(struct route_head, state)),                       \
	    sizeof(struct route_record))
#define ABI_5                                                                  \
	ABI_MIX(ABI_MIX(ABI_MIX(ABI_MIX(ABI_4, sizeof(struct backend)),        \
			    offsetof(struct backend, scheme)),                 \
		    offsetof(struct backend, port)),                           \
	    offsetof(struct ip, family))
#define TABLE_ABI                                                              \
	ABI_MIX(ABI_MIX(ABI_MIX(ABI_MIX(ABI_5, ROUTE_ANY), TOOL_QUARANTINED),  \
		    BACKEND_HTTPS),                                            \
	    ROUTE_BLOB_MAX)

static inline unsigned
place_state(uint64_t place)
{
	return (unsigned)(place >> 58);
}

static inline uint32_t
place_unit(uint64_t place)
{
	return place >> 32 & 0x3ffffff;
}

static inline uint64_t
place_make(unsigned state, uint32_t unit, uint32_t sum)
{
	return (uint64_t)state << 58 | (uint64_t)unit << 32 | sum;
}

static inline uint32_t
units_of(size_t bytes)
{
	return (uint32_t)((bytes + TABLE_UNIT - 1) / TABLE_UNIT);
}

/* Units in a segment; those of the header's page count as taken. */
static inline uint32_t
units_in(size_t bytes)
{
	return (uint32_t)(bytes / TABLE_UNIT);
}

/* n units from `unit` lie between the header's page and the end? */
static inline bool
units_inside(uint32_t unit, uint64_t n, size_t bytes)
{
	return unit >= TABLE_ROOM / TABLE_UNIT &&
	       unit + n <= bytes / TABLE_UNIT;
}

static inline latch_word *
unit_words(const void *base, uint32_t unit)
{
	return (latch_word *)((uintptr_t)base + (size_t)unit * TABLE_UNIT);
}

/* Entries that a key may be in. */
static inline uint32_t
probe_count(uint32_t mask)
{
	return mask < TABLE_PROBES ? mask + 1 : TABLE_PROBES;
}

/*
 * The i-th of them: pairs of neighbours (which a processor fetches together),
 * then ever farther away, so that no clusters form.  No two are the same.
 */
static inline uint32_t
probe_at(uint64_t hash, uint32_t i, uint32_t mask)
{
	uint32_t pair = i / 2;

	return (((uint32_t)(hash >> 1) + pair * (pair + 1) / 2) * 2 +
		   (((uint32_t)hash ^ i) & 1)) &
	       mask;
}

/*
 * A checksum that finds stray writes: each step is a bijection of the sum, so
 * one wrong word is never missed before the last step halves the bits.
 */
static inline uint64_t
sum_word(uint64_t sum, uint64_t word)
{
	sum = (sum ^ word) * UINT64_C(0x9e3779b97f4a7c15);
	return sum ^ sum >> 32;
}

static inline uint32_t
sum_words(uint64_t sum, const uint64_t *words, size_t n)
{
	for (size_t i = 0; i < n; i++)
		sum = sum_word(sum, words[i]);
	return (uint32_t)(sum * UINT64_C(0xd6e8feb86659fd93) >> 32);
}

/* An entry's: of its own words, without the sum, and of its blob. */
static inline uint32_t
entry_sum(const uint64_t entry[ENTRY_WORDS], const uint64_t *blob, size_t n)
{
	uint64_t sum =
	    sum_word(sum_word(1, entry[ENTRY_HASH]), entry[ENTRY_VERSION]);

	return sum_words(sum_word(sum, entry[ENTRY_PLACE] >> 32), blob, n);
}

static inline uint32_t
root_sum(const uint64_t root[ROOT_WORDS])
{
	uint64_t sum = sum_word(sum_word(2, root[ROOT_KEY0]), root[ROOT_KEY1]);

	return sum_words(sum_word(sum, root[ROOT_PLACE] >> 32), NULL, 0);
}

/*
 * A tag is written before its entry is first published with that hash, and is
 * another only when the entry is nobody's.  So an entry in use has the tag of
 * its hash; what has no tag is unused, and ends a search.  The other way round
 * nothing follows: a writer may have died in between.
 */
static inline uint8_t
tag_of(uint64_t hash)
{
	return (uint8_t)(hash >> 56 != 0 ? hash >> 56 : 1);
}

static inline uint8_t
tag_read(const latch_word *tags, uint32_t at)
{
	return (uint8_t)(word_read(&tags[at / 8]) >> at % 8 * 8);
}

static inline void
tag_write(latch_word *tags, uint32_t at, uint8_t tag)
{
	unsigned shift = at % 8 * 8;
	uint64_t others = word_read(&tags[at / 8]) & ~(UINT64_C(0xff) << shift);

	word_write(&tags[at / 8], others | (uint64_t)tag << shift);
}

/* Of a directory: its entries, and the tags behind them. */
static inline uint32_t
directory_units(unsigned log2)
{
	uint32_t size = UINT32_C(1) << log2;

	return size + units_of(size);
}

/* Is a root what a writer published, and its directory inside? */
static inline bool
root_valid(const uint64_t root[ROOT_WORDS], size_t bytes)
{
	unsigned log2 = place_state(root[ROOT_PLACE]);

	return log2 >= TABLE_LOG2_MIN && log2 <= TABLE_LOG2_MAX &&
	       units_inside(place_unit(root[ROOT_PLACE]), directory_units(log2),
		   bytes) &&
	       (uint32_t)root[ROOT_PLACE] == root_sum(root);
}

/*
 * Copy the blob out that an entry's place points at, racing its writer: what
 * comes out counts only if the entry's latch held.  Never loads outside the
 * segment, nor more than a blob's maximum.
 *
 * Returns its bytes; 0: this is no place for a blob.
 */
static inline size_t
blob_copy_out(uint64_t out[ROUTE_BLOB_MAX / 8], const void *base, size_t bytes,
    uint64_t place)
{
	uint32_t unit = place_unit(place);
	const latch_word *words;
	uint32_t len;

	if (!units_inside(unit, 1, bytes))
		return 0;
	words = unit_words(base, unit);
	out[0] = latch_load(words);
	len = ((const struct route_head *)out)->len;
	if (len < 8 || len > ROUTE_BLOB_MAX ||
	    !units_inside(unit, units_of(len), bytes))
		return 0;
	latch_copy_out(out + 1, words + 1, (len + 7) / 8 - 1);
	return len;
}

#endif
