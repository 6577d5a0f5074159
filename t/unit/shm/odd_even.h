/*
 * The classic odd/even seqlock in the place of shm/latch.h, to test the tests:
 * a writer that dies while its counter is odd stops every reader, and its
 * successor, counting on, lets them read what is half written.
 */
#ifndef SHM_LATCH_H
#define SHM_LATCH_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifndef LATCH_STORED
#define LATCH_STORED() ((void)0)
#endif

#define SPINS 1000 /* a real one has no bound */

typedef _Atomic uint64_t latch_word;

static inline uint64_t
latch_begin(const latch_word *seq)
{
	uint64_t begun = 0;

	for (int i = 0; i < SPINS; i++) {
		begun = atomic_load_explicit(seq, memory_order_acquire);
		if ((begun & 1) == 0)
			return begun;
	}
	return begun + 1; /* will not hold */
}

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

static inline void
word_write(latch_word *word, uint64_t value)
{
	atomic_store_explicit(word, value, memory_order_release);
	LATCH_STORED();
}

static inline uint64_t
word_read(const latch_word *word)
{
	return atomic_load_explicit(word, memory_order_acquire);
}

static inline void
latch_publish(latch_word *seq, latch_word *copies, const uint64_t *in, size_t n)
{
	word_write(seq, word_read(seq) + 1);
	latch_copy_in(copies, in, n);
	word_write(seq, word_read(seq) + 1);
}

#endif
