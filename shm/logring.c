/* The rings between the workers and the logger. */
#include "shm/logring.h"

#include <errno.h>
#include <stdatomic.h>
#include <string.h>

#include "shm/latch.h"
#include "shm/segment.h"

#define CACHE_LINE 64
#define MASK (LOGRING_BYTES - 1)

struct logring {
	_Alignas(CACHE_LINE) latch_word head; /* bytes ever put */
	latch_word dropped;		      /* lines */
	_Alignas(CACHE_LINE) char bytes[LOGRING_BYTES];
};

struct logring_mark {
	_Alignas(CACHE_LINE) latch_word taken; /* bytes ever taken */
};

struct logring_marks {
	latch_word written; /* lines */
	/* the intent: its ring's number + 1, 0: none; the ring's mark then */
	latch_word at_work, inode, size, taken;
	latch_word told;	    /* lines that were dropped */
	struct logring_mark slot[]; /* as many as the segment has room for */
};

_Static_assert((LOGRING_BYTES & MASK) == 0, "a position is masked");

size_t
logring_rings_size(unsigned slots)
{
	return slots * sizeof(struct logring);
}

size_t
logring_marks_size(unsigned slots)
{
	return offsetof(struct logring_marks, slot) +
	       slots * sizeof(struct logring_mark);
}

/* How many slots there are in segments of these sizes. */
static unsigned
count_slots(size_t rings_size, size_t marks_size)
{
	unsigned slots = 0;

	while (slots < LOGRING_SLOTS_MAX &&
	       logring_rings_size(slots + 1) <= rings_size &&
	       logring_marks_size(slots + 1) <= marks_size)
		slots++;
	return slots;
}

int
logring_writer_open(
    struct logring_writer *w, int rings_fd, int marks_fd, unsigned slot)
{
	*w = (struct logring_writer){ .head = 0 };
	w->rings = segment_map(rings_fd, true, &w->rings_size);
	if (w->rings == NULL)
		return -1;
	w->marks = segment_map(marks_fd, false, &w->marks_size);
	if (w->marks == NULL) {
		segment_unmap(w->rings, w->rings_size);
		return -1;
	}
	if (slot >= count_slots(w->rings_size, w->marks_size)) {
		logring_writer_close(w);
		errno = EINVAL;
		return -1;
	}
	w->ring = (struct logring *)w->rings + slot;
	w->mark = &((const struct logring_marks *)w->marks)->slot[slot];
	w->head = word_read(&w->ring->head); /* the predecessor's last line */
	w->taken = word_read(&w->mark->taken);
	return 0;
}

void
logring_writer_close(struct logring_writer *w)
{
	segment_unmap(w->rings, w->rings_size);
	segment_unmap(w->marks, w->marks_size);
}

/* Bytes that wait, once these are put; the marks are the logger's word only. */
static uint64_t
fill_with(struct logring_writer *w, size_t n)
{
	uint64_t fill = w->head + n - w->taken;

	if (fill < LOGRING_BYTES / 2)
		return fill;
	w->taken = word_read(&w->mark->taken);
	return w->head + n - w->taken;
}

static void
copy_in(struct logring *ring, uint64_t at, struct span line)
{
	size_t to_end = LOGRING_BYTES - (at & MASK);
	size_t first = line.len < to_end ? line.len : to_end;

	memcpy(ring->bytes + (at & MASK), line.ptr, first);
	memcpy(ring->bytes, line.ptr + first, line.len - first);
}

enum logring_put
logring_put(struct logring_writer *w, struct span line)
{
	uint64_t fill = fill_with(w, line.len);

	if (fill > LOGRING_BYTES || line.len > LOGRING_LINE_MAX) {
		word_write(
		    &w->ring->dropped, latch_load(&w->ring->dropped) + 1);
		return LOGRING_FULL;
	}
	copy_in(w->ring, w->head, line);
	w->head += line.len;
	word_write(&w->ring->head, w->head);
	return fill >= LOGRING_BYTES / 2 && fill - line.len < LOGRING_BYTES / 2
		   ? LOGRING_HALF
		   : LOGRING_PUT;
}

int
logring_reader_open(
    struct logring_reader *r, int rings_fd, int marks_fd, bool may_take)
{
	r->rings = segment_map(rings_fd, false, &r->rings_size);
	if (r->rings == NULL)
		return -1;
	r->marks = segment_map(marks_fd, may_take, &r->marks_size);
	if (r->marks == NULL) {
		segment_unmap((void *)r->rings, r->rings_size);
		return -1;
	}
	r->slots = count_slots(r->rings_size, r->marks_size);
	return 0;
}

void
logring_reader_close(struct logring_reader *r)
{
	segment_unmap((void *)r->rings, r->rings_size);
	segment_unmap(r->marks, r->marks_size);
}

static void
make_printable(char *bytes, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if ((bytes[i] < ' ' || bytes[i] > '~') && bytes[i] != '\n')
			bytes[i] = '?';
}

static void
copy_out(const struct logring *ring, uint64_t at, size_t n, char *out)
{
	size_t to_end = LOGRING_BYTES - (at & MASK);
	size_t first = n < to_end ? n : to_end;

	memcpy(out, ring->bytes + (at & MASK), first);
	memcpy(out + first, ring->bytes, n - first);
}

uint64_t
logring_head(const struct logring_reader *r, unsigned slot)
{
	return word_read(&r->rings[slot].head);
}

/*
 * May bytes from there on be written over when so many were put?  By those of
 * the next line, too, of which the head does not tell before all are there.
 */
static bool
is_overwritten(uint64_t from, uint64_t head)
{
	return head - from > LOGRING_BYTES - LOGRING_LINE_MAX;
}

size_t
logring_follow(
    const struct logring_reader *r, unsigned slot, uint64_t *at, char *out)
{
	uint64_t head = logring_head(r, slot), from = *at;
	size_t n = (size_t)(head - from);
	const char *end;

	*at = head;
	if (is_overwritten(from, head))
		return 0;
	copy_out(&r->rings[slot], from, n, out);
	atomic_thread_fence(memory_order_acquire);
	if (is_overwritten(from, logring_head(r, slot)))
		return 0;
	end = memrchr(out, '\n', n);
	n = end == NULL ? 0 : (size_t)(end + 1 - out);
	make_printable(out, n);
	return n;
}

size_t
logring_peek(struct logring_reader *r, unsigned slot, char *out)
{
	const struct logring *ring = &r->rings[slot];
	latch_word *mark = &r->marks->slot[slot].taken;
	uint64_t head = word_read(&ring->head);
	uint64_t taken = latch_load(mark);
	size_t n;
	const char *end;

	if (head - taken > LOGRING_BYTES) { /* no worker of ours counts so */
		word_write(mark, head);
		return 0;
	}
	n = (size_t)(head - taken);
	copy_out(ring, taken, n, out);
	end = memrchr(out, '\n', n);
	if (end == NULL) { /* nor puts what is no line */
		word_write(mark, head);
		return 0;
	}
	n = (size_t)(end + 1 - out);
	make_printable(out, n);
	return n;
}

void
logring_take(struct logring_reader *r, unsigned slot, size_t n, uint64_t lines)
{
	latch_word *mark = &r->marks->slot[slot].taken;

	word_write(mark, latch_load(mark) + n);
	word_write(&r->marks->written, latch_load(&r->marks->written) + lines);
}

void
logring_intend(struct logring_reader *r, const struct logring_intent *intent)
{
	struct logring_marks *m = r->marks;

	word_write(&m->at_work, 0);
	word_write(&m->inode, intent->inode);
	word_write(&m->size, intent->size);
	word_write(&m->taken, latch_load(&m->slot[intent->slot].taken));
	word_write(&m->at_work, intent->slot + 1);
}

bool
logring_unfinished(
    const struct logring_reader *r, struct logring_intent *intent)
{
	const struct logring_marks *m = r->marks;
	uint64_t at_work = word_read(&m->at_work);

	if (at_work == 0 || at_work > r->slots)
		return false;
	intent->slot = (unsigned)(at_work - 1);
	intent->inode = latch_load(&m->inode);
	intent->size = latch_load(&m->size);
	return latch_load(&m->slot[intent->slot].taken) ==
	       latch_load(&m->taken);
}

void
logring_counts(const struct logring_reader *r, struct logring_counts *counts)
{
	counts->written = latch_load(&r->marks->written);
	counts->told = latch_load(&r->marks->told);
	counts->dropped = 0;
	for (unsigned i = 0; i < r->slots; i++)
		counts->dropped += latch_load(&r->rings[i].dropped);
}

void
logring_told(struct logring_reader *r, uint64_t dropped)
{
	word_write(&r->marks->told, dropped);
}
