/* Rings of errors: one store of `head` makes a note part of its ring. */
#include "shm/errors.h"

#include <bsd/stdlib.h>
#include <errno.h>
#include <string.h>

#include "shm/latch.h"
#include "shm/segment.h"

#define WORDS (sizeof(struct error_note) / sizeof(uint64_t))

_Static_assert(sizeof(struct error_note) % sizeof(uint64_t) == 0, "words");

struct errors {
	latch_word head; /* notes ever put */
	latch_word notes[ERRORS_KEPT][WORDS];
};

size_t
errors_size(unsigned workers)
{
	return workers * sizeof(struct errors);
}

int
errors_writer_open(struct errors_writer *w, int fd, unsigned worker)
{
	w->mapping = segment_map(fd, true, &w->bytes);
	if (w->mapping == NULL)
		return -1;
	if (worker >= w->bytes / sizeof(struct errors)) {
		segment_unmap(w->mapping, w->bytes);
		errno = EPROTO;
		return -1;
	}
	w->ring = (struct errors *)w->mapping + worker;
	return 0;
}

void
errors_writer_close(struct errors_writer *w)
{
	segment_unmap(w->mapping, w->bytes);
}

void
errors_put(struct errors_writer *w, const struct error_note *note)
{
	uint64_t head = latch_load(&w->ring->head);

	latch_copy_in(
	    w->ring->notes[head % ERRORS_KEPT], (const uint64_t *)note, WORDS);
	word_write(&w->ring->head, head + 1);
}

int
errors_reader_open(struct errors_reader *r, int fd)
{
	r->rings = segment_map(fd, false, &r->bytes);
	if (r->rings == NULL)
		return -1;
	r->n = r->bytes / sizeof(struct errors);
	return 0;
}

void
errors_reader_close(struct errors_reader *r)
{
	segment_unmap((void *)r->rings, r->bytes);
}

/* False: it is being written over. */
static bool
read_note(const struct errors *ring, uint64_t at, struct error_note *out)
{
	latch_copy_out((uint64_t *)out, ring->notes[at % ERRORS_KEPT], WORDS);
	atomic_thread_fence(memory_order_acquire);
	segment_text(out->backend, sizeof(out->backend));
	segment_text(out->request, sizeof(out->request));
	return latch_load(&ring->head) < at + ERRORS_KEPT;
}

static int
newest_first(const void *a, const void *b)
{
	const struct error_note *x = a, *y = b;

	return (x->at_ms < y->at_ms) - (x->at_ms > y->at_ms);
}

size_t
errors_read(const struct errors_reader *r, uint32_t slot,
    struct error_note *out, size_t max)
{
	struct error_note *all, note;
	size_t n = 0, room = r->n * max;

	all = reallocarray(NULL, room, sizeof(*all));
	if (all == NULL)
		return 0;
	for (size_t i = 0; i < r->n; i++) {
		uint64_t head = word_read(&r->rings[i].head);
		size_t of_ring = 0;

		for (uint64_t back = 1;
		     back <= ERRORS_KEPT && back <= head && of_ring < max;
		     back++)
			if (read_note(&r->rings[i], head - back, &note) &&
			    note.slot == slot) {
				all[n++] = note;
				of_ring++;
			}
	}
	qsort(all, n, sizeof(*all), newest_first);
	if (n > max)
		n = max;
	memcpy(out, all, n * sizeof(*all));
	free(all);
	return n;
}
