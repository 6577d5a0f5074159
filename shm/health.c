/* One word for a backend's failures, one for its first answer. */
#include "shm/health.h"

#include <bsd/stdlib.h>
#include <errno.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#include "lib/siphash.h"
#include "shm/segment.h"

#define WORDS 65536 /* a power of two; of each kind */

/*
 * A mark: whose it is, whether somebody is trying, failures in a row, and until
 * when.  Zero: none.
 * 36 bits of milliseconds are two years since the machine was started.
 */
#define UNTIL_BITS 36
#define FAILURES_BITS 3
#define FAILURES_MAX 6 /* the back-off grows no more */
#define TRYING (1ULL << (UNTIL_BITS + FAILURES_BITS))
#define TAG_SHIFT (UNTIL_BITS + FAILURES_BITS + 1)
#define UNTIL_MASK ((1ULL << UNTIL_BITS) - 1)
#define FAILURES_MASK ((1ULL << FAILURES_BITS) - 1)

#define HEALTH_MAGIC UINT64_C(0x31687479646f7270) /* "prodyth1" */
#define HEALTH_ABI ((uint64_t)WORDS << 16 | UNTIL_BITS << 8 | FAILURES_BITS)

struct health_shared {
	struct segment_kind kind;
	uint64_t key[2]; /* strangers cannot choose what falls together */
	_Atomic uint64_t marks[WORDS];
	_Atomic uint32_t answered[WORDS]; /* a tag; 0: nobody */
};

struct health {
	struct health_shared *shared;
	size_t size;
	uint64_t key[2]; /* copied: a worker cannot move others' words */
};

static const struct segment_kind kind = { HEALTH_MAGIC, HEALTH_ABI };

size_t
health_size(void)
{
	return sizeof(struct health_shared);
}

int
health_format(int fd)
{
	struct {
		struct segment_kind kind;
		uint64_t key[2];
	} begin = { .kind = kind };

	arc4random_buf(begin.key, sizeof(begin.key));
	return pwrite(fd, &begin, sizeof(begin), 0) == sizeof(begin) ? 0 : -1;
}

struct health *
health_open(int fd)
{
	struct health *h = calloc(1, sizeof(*h));

	if (h == NULL)
		return NULL;
	h->shared =
	    segment_map_kind(fd, true, &kind, sizeof(*h->shared), &h->size);
	if (h->shared != NULL) {
		memcpy(h->key, h->shared->key, sizeof(h->key));
		return h;
	}
	free(h);
	return NULL;
}

void
health_close(struct health *h)
{
	segment_unmap(h->shared, h->size);
	free(h);
}

static uint64_t
hash(const struct health *h, const struct backend *b, uint64_t tool)
{
	struct {
		struct backend backend;
		uint64_t tool;
	} of;

	memset(&of, 0, sizeof(of)); /* padding is hashed too */
	of.backend = *b;
	of.tool = tool;
	return siphash(h->key, &of, sizeof(of));
}

static _Atomic uint64_t *
mark_of(struct health *h, const struct backend *b, uint64_t *tag)
{
	uint64_t of = hash(h, b, 0);

	*tag = of >> TAG_SHIFT;
	return &h->shared->marks[of & (WORDS - 1)];
}

static uint64_t
backoff_ms(unsigned failures)
{
	uint64_t ms = (uint64_t)HEALTH_BACKOFF_MIN_MS << (failures - 1);

	return ms < HEALTH_BACKOFF_MAX_MS ? ms : HEALTH_BACKOFF_MAX_MS;
}

static uint64_t
pack(uint64_t tag, unsigned failures, uint64_t until_ms)
{
	return tag << TAG_SHIFT | (uint64_t)failures << UNTIL_BITS |
	       (until_ms & UNTIL_MASK);
}

static bool
is_of(uint64_t mark, uint64_t tag)
{
	return mark != 0 && mark >> TAG_SHIFT == tag;
}

static unsigned
failures_of(uint64_t mark)
{
	unsigned n = (unsigned)(mark >> UNTIL_BITS & FAILURES_MASK);

	return n == 0 ? 1 : n < FAILURES_MAX ? n : FAILURES_MAX;
}

/* How long it still counts: no mark is believed that is longer than ours. */
static uint64_t
left_ms(uint64_t mark, uint64_t now_ms)
{
	uint64_t left = ((mark & UNTIL_MASK) - now_ms) & UNTIL_MASK;

	return left <= HEALTH_BACKOFF_MAX_MS ? left : 0;
}

enum health_advice
health_ask(
    struct health *h, const struct backend *b, uint64_t now_ms, uint64_t try_ms)
{
	uint64_t tag, mark;
	_Atomic uint64_t *word = mark_of(h, b, &tag);

	mark = atomic_load_explicit(word, memory_order_relaxed);
	if (!is_of(mark, tag))
		return HEALTH_GOOD;
	if (left_ms(mark, now_ms) > 0)
		return HEALTH_AVOID;
	return atomic_compare_exchange_strong_explicit(word, &mark,
		   pack(tag, failures_of(mark), now_ms + try_ms) | TRYING,
		   memory_order_relaxed, memory_order_relaxed)
		   ? HEALTH_TRY
		   : HEALTH_AVOID;
}

/*
 * A hundred requests that fail together are one failure: while a mark lasts,
 * only the one counts that was told to try.
 */
void
health_failed(struct health *h, const struct backend *b, uint64_t now_ms)
{
	unsigned failures = 1;
	uint64_t tag, mark;
	_Atomic uint64_t *word = mark_of(h, b, &tag);

	mark = atomic_load_explicit(word, memory_order_relaxed);
	if (is_of(mark, tag)) {
		failures = failures_of(mark);
		if (!(mark & TRYING) && left_ms(mark, now_ms) > 0)
			return;
		if (failures < FAILURES_MAX)
			failures++;
	}
	/* somebody else was quicker: that is as good */
	atomic_compare_exchange_strong_explicit(word, &mark,
	    pack(tag, failures, now_ms + backoff_ms(failures)),
	    memory_order_relaxed, memory_order_relaxed);
}

void
health_reached(struct health *h, const struct backend *b)
{
	uint64_t tag, mark;
	_Atomic uint64_t *word = mark_of(h, b, &tag);

	mark = atomic_load_explicit(word, memory_order_relaxed);
	if (is_of(mark, tag)) /* hardly ever: the word stays where it is read */
		atomic_compare_exchange_strong_explicit(
		    word, &mark, 0, memory_order_relaxed, memory_order_relaxed);
}

uint64_t
health_hash(const struct health *h, struct span key)
{
	return siphash(h->key, key.ptr, key.len);
}

static uint32_t
tag_of(uint64_t of)
{
	uint32_t tag = (uint32_t)(of >> 32);

	return tag != 0 ? tag : 1;
}

bool
health_has_answered(
    const struct health *h, const struct backend *b, uint64_t tool)
{
	uint64_t of = hash(h, b, tool);

	return atomic_load_explicit(&h->shared->answered[of & (WORDS - 1)],
		   memory_order_relaxed) == tag_of(of);
}

void
health_answered(struct health *h, const struct backend *b, uint64_t tool)
{
	uint64_t of = hash(h, b, tool);
	_Atomic uint32_t *word = &h->shared->answered[of & (WORDS - 1)];

	if (atomic_load_explicit(word, memory_order_relaxed) != tag_of(of))
		atomic_store_explicit(word, tag_of(of), memory_order_relaxed);
}
