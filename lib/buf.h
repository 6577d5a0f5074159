/* A byte queue that grows as needed, but never beyond its bound. */
#ifndef LIB_BUF_H
#define LIB_BUF_H

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "lib/span.h"

/* Bytes go in at the tail and leave at the head. */
struct buf {
	char *data;  /* owned; NULL while nothing was ever put in */
	size_t head; /* first byte not yet consumed */
	size_t tail; /* first free byte */
	size_t size; /* allocated */
	size_t max;  /* never allocates more; set by buf_init() */
};

void buf_init(struct buf *b, size_t max);

/* Free the memory; the buffer is empty and can be used again. */
void buf_release(struct buf *b);

static inline size_t
buf_len(const struct buf *b)
{
	return b->tail - b->head;
}

/* The bytes not yet consumed; valid until the next call that may grow b. */
static inline struct span
buf_span(const struct buf *b)
{
	return (struct span){ b->data + b->head, b->tail - b->head };
}

/*
 * Make room for n more bytes at the tail (b->data + b->tail), moving what is
 * there to the front or growing.  False, b unchanged: over max, or no memory.
 */
bool buf_make_room(struct buf *b, size_t n); /* where there is none */

static inline bool
buf_reserve(struct buf *b, size_t n)
{
	return n <= b->size - b->tail || buf_make_room(b, n);
}

/* Append; all or nothing.  False: over max, or no memory. */
bool buf_append(struct buf *b, const void *bytes, size_t n);
bool buf_append_span(struct buf *b, struct span s);
bool buf_printf(struct buf *b, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* Drop n bytes from the head; n is at most buf_len(b). */
static inline void
buf_consume(struct buf *b, size_t n)
{
	assert(n <= buf_len(b));
	b->head += n;
	if (b->head == b->tail)
		b->head = b->tail = 0;
}

/*
 * One recv(2) of at most `want` bytes into the tail.  As recv(2): 0 at the
 * peer's end, -1 with errno; ENOBUFS when the bound is reached.
 */
ssize_t buf_recv(struct buf *b, int fd, size_t want);

/* One send(2) from the head, which consumes what was taken.  As send(2). */
ssize_t buf_send(struct buf *b, int fd);

#endif
