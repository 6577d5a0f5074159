/* The writer's private map of the segment: a bit for each unit. */
#include "shm/arena.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <linux/mman.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "shm/segment.h"

/* Free units are searched for when there is one in so many. */
#define SEARCH_WORTH 16

#define HUGE_CHUNKS (SEGMENT_HUGE / ARENA_CHUNK_BYTES)

static bool
bit_get(const uint64_t *map, uint32_t at)
{
	return map[at / 64] >> at % 64 & 1;
}

/* The first bit of that value at or after `at`; end if there is none. */
static uint32_t
bit_next(const uint64_t *map, uint32_t at, uint32_t end, bool value)
{
	uint64_t flip = value ? 0 : UINT64_MAX, word;

	while (at < end) {
		word = (map[at / 64] ^ flip) >> at % 64;
		if (word != 0) {
			at += (uint32_t)__builtin_ctzll(word);
			return at < end ? at : end;
		}
		at += 64 - at % 64;
	}
	return end;
}

static void
bits_set(uint64_t *map, uint32_t at, uint32_t n, bool value)
{
	uint32_t span;
	uint64_t mask;

	for (; n > 0; at += span, n -= span) {
		span = 64 - at % 64 < n ? 64 - at % 64 : n;
		mask = UINT64_MAX >> (64 - span) << at % 64;
		if (value)
			map[at / 64] |= mask;
		else
			map[at / 64] &= ~mask;
	}
}

static size_t
words_for(uint32_t bits)
{
	return ((size_t)bits + 63) / 64;
}

int
arena_init(struct arena *a, int fd, void *base, size_t bytes, size_t room)
{
	*a = (struct arena){
		.fd = fd,
		.base = base,
		.units = (uint32_t)(bytes / 64),
	};
	a->taken = calloc(words_for(a->units), sizeof(*a->taken));
	a->backed =
	    calloc(words_for(a->units / ARENA_CHUNK + 1), sizeof(*a->backed));
	if (a->taken == NULL || a->backed == NULL) {
		arena_release(a);
		return -1;
	}
	a->top = a->hint = (uint32_t)(room / 64);
	bits_set(a->taken, 0, a->top, true);
	bits_set(a->backed, 0, 1, true); /* where the header is */
	return 0;
}

void
arena_release(struct arena *a)
{
	free(a->taken);
	free(a->backed);
	*a = (struct arena){ .fd = -1 };
}

/* n free units in a row between at and end; end if there are none. */
static uint32_t
run_find(const struct arena *a, uint32_t at, uint32_t end, uint32_t n)
{
	uint32_t stop;

	for (;; at = stop) {
		at = bit_next(a->taken, at, end, false);
		if (end - at < n)
			return end;
		stop = bit_next(a->taken, at, at + n, true);
		if (stop == at + n)
			return at;
	}
}

/* Below top, beginning where the last search ended; top if there are none. */
static uint32_t
run_find_below(const struct arena *a, uint32_t n)
{
	uint32_t at;

	if (a->nfree < n)
		return a->top;
	at = run_find(a, a->hint, a->top, n);
	if (at == a->top) {
		at = run_find(a, 0, a->hint, n);
		if (at == a->hint)
			at = a->top;
	}
	return at;
}

uint32_t
arena_take(struct arena *a, uint32_t n)
{
	uint32_t at = a->top;
	bool room = a->units - a->top >= n;

	if (!room || a->nfree > a->top / SEARCH_WORTH)
		at = run_find_below(a, n);
	if (at == a->top) {
		if (!room) {
			errno = ENOSPC;
			return 0;
		}
		a->top += n;
		a->nfree += n;
	}
	bits_set(a->taken, at, n, true);
	a->nfree -= n;
	a->hint = at + n;
	return at;
}

bool
arena_claim(struct arena *a, uint32_t unit, uint32_t n)
{
	assert(unit + n <= a->units);
	if (bit_next(a->taken, unit, unit + n, true) != unit + n)
		return false;
	bits_set(a->taken, unit, n, true);
	bits_set(a->backed, unit / ARENA_CHUNK,
	    (unit + n - 1) / ARENA_CHUNK - unit / ARENA_CHUNK + 1, true);
	if (unit + n > a->top) {
		a->nfree += unit + n - a->top;
		a->top = unit + n;
	}
	a->nfree -= n;
	return true;
}

void
arena_give(struct arena *a, uint32_t unit, uint32_t n)
{
	assert(bit_next(a->taken, unit, unit + n, false) == unit + n);
	bits_set(a->taken, unit, n, false);
	a->nfree += n;
}

/* fallocate(2) for the chunks from first up to end. */
static int
chunks_fallocate(struct arena *a, uint32_t first, uint32_t end, int mode)
{
	off_t from = (off_t)first * ARENA_CHUNK_BYTES;
	off_t to = (off_t)end * ARENA_CHUNK_BYTES;
	off_t last = (off_t)a->units * 64;

	return fallocate(a->fd, mode, from, (to < last ? to : last) - from);
}

/*
 * Where nothing of a huge page's place is backed yet, back all of it with one:
 * in a table of a million names that saves a lookup a tenth of its time.  Not
 * the first, so that small tables stay small.  False: the kernel has none.
 */
static bool
huge_back(struct arena *a, uint32_t chunk)
{
	uint32_t first = chunk - chunk % HUGE_CHUNKS;
	uint32_t end = first + HUGE_CHUNKS;

	if (!a->huge || first == 0 || end > a->units / ARENA_CHUNK ||
	    bit_next(a->backed, first, end, true) != end)
		return false;
	/* What there is not at all cannot become huge. */
	if (chunks_fallocate(a, first, first + 1, 0) == -1 ||
	    madvise(a->base + (size_t)first * ARENA_CHUNK_BYTES, SEGMENT_HUGE,
		MADV_COLLAPSE) == -1)
		return false;
	bits_set(a->backed, first, HUGE_CHUNKS, true);
	return true;
}

int
arena_back(struct arena *a, uint32_t unit, uint32_t n)
{
	uint32_t at = unit / ARENA_CHUNK;
	uint32_t end = (unit + n - 1) / ARENA_CHUNK + 1, stop;

	while ((at = bit_next(a->backed, at, end, false)) != end) {
		if (huge_back(a, at))
			continue;
		stop = bit_next(a->backed, at, end, true);
		if (chunks_fallocate(a, at, stop, 0) == -1)
			return -1;
		bits_set(a->backed, at, stop - at, true);
		at = stop;
	}
	return 0;
}

/* May the kernel have this chunk back? */
static bool
chunk_is_idle(const struct arena *a, uint32_t chunk)
{
	uint32_t at = chunk * ARENA_CHUNK, end = at + ARENA_CHUNK;

	if (end > a->units)
		end = a->units;
	return bit_get(a->backed, chunk) &&
	       bit_next(a->taken, at, end, true) == end;
}

/* A hole reads as zeros and costs nothing; it is backed again before use. */
static void
chunks_punch(struct arena *a, uint32_t first, uint32_t end)
{
	if (chunks_fallocate(
		a, first, end, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE) == 0)
		bits_set(a->backed, first, end - first, false);
}

void
arena_trim(struct arena *a, uint32_t unit, uint32_t n)
{
	uint32_t end = (unit + n - 1) / ARENA_CHUNK + 1;
	uint32_t at = unit / ARENA_CHUNK, stop;

	for (; at < end; at = stop + 1) {
		for (stop = at; stop < end && chunk_is_idle(a, stop); stop++)
			continue;
		if (stop > at)
			chunks_punch(a, at, stop);
	}
}

void
arena_trim_all(struct arena *a)
{
	uint32_t end = (a->units + ARENA_CHUNK - 1) / ARENA_CHUNK;
	uint32_t at = 0, stop;

	while ((at = bit_next(a->backed, at, end, false)) != end) {
		stop = bit_next(a->backed, at, end, true);
		chunks_punch(a, at, stop);
		at = stop;
	}
}
