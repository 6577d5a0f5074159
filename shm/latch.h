/*
 * The latch seqlock: the one place that touches words which a writer changes
 * while readers copy them.
 *
 * Two copies of the words, and a counter whose low bit names the valid one.
 * The writer fills the other, then counts, so there is no half-way: killed at
 * any instruction it leaves what was before or what comes after, and a reader
 * waits for nobody.  A reader starts over only when a change was completed
 * under its eyes.
 *
 * The order (Boehm 2012, "Can seqlocks get along with programming language
 * memory models?"): all words are relaxed atomics.  A writer's fence before
 * the words makes every earlier counter store visible before them; a reader's
 * fence after the words makes the counter, read again, at least as new as any
 * word it saw.  So memory that was given up by a counter store (the other
 * copy, a blob, a directory) may be written over at once.
 */
#ifndef SHM_LATCH_H
#define SHM_LATCH_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

_Static_assert(sizeof(_Atomic uint64_t) == 8, "a word is a word");
_Static_assert(ATOMIC_LLONG_LOCK_FREE == 2, "no hidden locks in memory");

/* The tests kill the writer after each store: t/unit/shm/kill_points.c. */
#ifndef LATCH_STORED
#define LATCH_STORED() ((void)0)
#endif

typedef _Atomic uint64_t latch_word;

/* TSan does not judge fences; that no plain access slips in, it does. */
#if defined(__SANITIZE_THREAD__) && !defined(__clang__)
#pragma GCC diagnostic ignored "-Wtsan"
#endif

/* The counter: 0 was never published; the low bit names the valid copy. */
static inline uint64_t
latch_begin(const latch_word *seq)
{
	return atomic_load_explicit(seq, memory_order_acquire);
}

/* Was all that was loaded since latch_begin() what seq stood for? */
static inline bool
latch_held(const latch_word *seq, uint64_t begun)
{
	atomic_thread_fence(memory_order_acquire);
	return atomic_load_explicit(seq, memory_order_relaxed) == begun;
}

static inline uint64_t
latch_load(const latch_word *word)
{
	return atomic_load_explicit(word, memory_order_relaxed);
}

static inline void
latch_copy_out(uint64_t *out, const latch_word *words, size_t n)
{
	for (size_t i = 0; i < n; i++)
		out[i] = latch_load(&words[i]);
}

/* Write words that no valid latch leads to: a spare copy, free memory. */
static inline void
latch_copy_in(latch_word *words, const uint64_t *in, size_t n)
{
	atomic_thread_fence(memory_order_release);
	for (size_t i = 0; i < n; i++) {
		atomic_store_explicit(&words[i], in[i], memory_order_relaxed);
		LATCH_STORED();
	}
}

static inline void
latch_clear(latch_word *words, size_t n)
{
	atomic_thread_fence(memory_order_release);
	for (size_t i = 0; i < n; i++) {
		atomic_store_explicit(&words[i], 0, memory_order_relaxed);
		LATCH_STORED();
	}
}

/* Change what the latch shows: one 8-byte store is the commit. */
static inline void
latch_publish(latch_word *seq, latch_word *copies, const uint64_t *in, size_t n)
{
	uint64_t next = atomic_load_explicit(seq, memory_order_relaxed) + 1;

	latch_copy_in(copies + (next & 1) * n, in, n);
	atomic_store_explicit(seq, next, memory_order_release);
	LATCH_STORED();
}

/* Words on their own, of which nothing else is a part. */
static inline uint64_t
word_read(const latch_word *word)
{
	return atomic_load_explicit(word, memory_order_acquire);
}

static inline void
word_write(latch_word *word, uint64_t value)
{
	atomic_store_explicit(word, value, memory_order_release);
	LATCH_STORED();
}

#endif
