/*
 * Log lines on their way from the workers to the logger: a ring of bytes for
 * each worker's slot.  Who puts a line never waits: a full ring drops and
 * counts it.
 *
 * Two segments, so that nobody can write what is somebody else's.  The rings
 * are the workers': a line's bytes are put, then one store of `head` makes
 * them part of the ring; a worker killed before it has put nothing.  The marks
 * are the logger's: how far each ring was taken; its successor goes on there.
 * To each side every byte of the other's segment is hostile.
 *
 * At any time one process at most has a slot, and one is the logger.
 */
#ifndef SHM_LOGRING_H
#define SHM_LOGRING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/span.h"

#define LOGRING_SLOTS_MAX 512
#define LOGRING_BYTES (1024 * 1024) /* of one ring: a power of two */
#define LOGRING_LINE_MAX (LOGRING_BYTES / 2) /* the longest has 401 KiB */

/* What segments for so many slots take; new ones are all zero. */
size_t logring_rings_size(unsigned slots);
size_t logring_marks_size(unsigned slots);

/* A worker's end.  The storage is the caller's. */
struct logring_writer {
	struct logring *ring;            /* of its slot, writable */
	const struct logring_mark *mark; /* the logger's, of the same slot */
	uint64_t head;                   /* bytes ever put */
	uint64_t taken;                  /* of these, when last looked at */
	void *rings, *marks;             /* the mappings */
	size_t rings_size, marks_size;
};

/* The descriptors stay the caller's.  -1 with errno: EINVAL, no such slot. */
int logring_writer_open(
    struct logring_writer *w, int rings_fd, int marks_fd, unsigned slot);
void logring_writer_close(struct logring_writer *w);

enum logring_put {
	LOGRING_PUT,
	LOGRING_HALF, /* put, and now half of it is waiting: wake the logger */
	LOGRING_FULL, /* dropped and counted */
};

/*
 * Put a line: printable ASCII, and a newline as its last byte; LOGRING_LINE_MAX
 * bytes at most.
 */
enum logring_put logring_put(struct logring_writer *w, struct span line);

/* The logger's end, or that of somebody who only wants to know the counts. */
struct logring_reader {
	const struct logring *rings; /* an array */
	struct logring_marks *marks;
	unsigned slots;
	size_t rings_size, marks_size;
};

/* As above.  may_take: marks_fd is writable. */
int logring_reader_open(
    struct logring_reader *r, int rings_fd, int marks_fd, bool may_take);
void logring_reader_close(struct logring_reader *r);

/*
 * Copy what is new in a ring: whole lines, oldest first, at most
 * LOGRING_BYTES; what is neither printable ASCII nor a newline has become '?'.
 * Returns bytes; asked again without logring_take(), the same and more.
 */
size_t logring_peek(struct logring_reader *r, unsigned slot, char *out);

/*
 * The same for who only watches, and takes nothing away: the lines since *at,
 * which moves on.  What was, or may have been, written over meanwhile is left
 * out.
 */
uint64_t logring_head(const struct logring_reader *r, unsigned slot);
size_t logring_follow(const struct logring_reader *r, unsigned slot,
    uint64_t *at, char *out);

/* The first n of these bytes are done with, and it was so many lines. */
void logring_take(
    struct logring_reader *r, unsigned slot, size_t n, uint64_t lines);

/*
 * What is about to be done with a ring's bytes: the logger may be killed while
 * it writes them.  Its successor compares with the file, and takes first what
 * was written already.
 */
struct logring_intent {
	unsigned slot;
	uint64_t inode; /* of the file */
	uint64_t size;  /* bytes in it before */
};
void logring_intend(
    struct logring_reader *r, const struct logring_intent *intent);

/* False: the last logger was not at work when it ended. */
bool logring_unfinished(
    const struct logring_reader *r, struct logring_intent *intent);

/* Lines of all rings since the segments were made. */
struct logring_counts {
	uint64_t written;
	uint64_t dropped; /* as the workers say */
	uint64_t told;	  /* of these, by logring_told() */
};
void logring_counts(
    const struct logring_reader *r, struct logring_counts *counts);

/* So many dropped lines have been told of, by this logger or one before. */
void logring_told(struct logring_reader *r, uint64_t dropped);

#endif
