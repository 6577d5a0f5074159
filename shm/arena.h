/*
 * The writer's private map of the segment: which units are taken.  Nothing of
 * it is stored: recovery claims what valid entries lead to, the rest is free.
 */
#ifndef SHM_ARENA_H
#define SHM_ARENA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What is backed with memory at once, and given back; units and bytes. */
#define ARENA_CHUNK       512
#define ARENA_CHUNK_BYTES (ARENA_CHUNK * 64)

struct arena {
	int fd;           /* borrowed */
	char *base;       /* borrowed; the segment, mapped to write */
	bool huge;        /* huge pages may be asked for: takes milliseconds */
	uint32_t units;   /* in the segment */
	uint32_t top;     /* from here on nothing was ever taken */
	uint32_t hint;    /* where the next search begins */
	uint32_t nfree;   /* below top */
	uint64_t *taken;  /* owned; a bit for each unit */
	uint64_t *backed; /* owned; a bit for each chunk the kernel has backed */
};

/* Of a segment of that many bytes; room is what its header takes. */
int arena_init(struct arena *a, int fd, void *base, size_t bytes, size_t room);
void arena_release(struct arena *a);

/*
 * Take n units in one piece; not yet backed.  Returns the first; 0 with
 * ENOSPC.
 */
uint32_t arena_take(struct arena *a, uint32_t n);

/* Recovery: these are in use, and were backed.  False: taken already. */
bool arena_claim(struct arena *a, uint32_t unit, uint32_t n);

void arena_give(struct arena *a, uint32_t unit, uint32_t n);

/*
 * Have the kernel reserve memory for these units, so that no store to them
 * can fail; in huge pages, where they are asked for and it has them.  Cheap
 * where that is done.  -1 with errno.
 */
int arena_back(struct arena *a, uint32_t unit, uint32_t n);

/* Hand the memory of chunks in this range in which nothing is taken back. */
void arena_trim(struct arena *a, uint32_t unit, uint32_t n);

/* Recovery: hand back all memory in which nothing was claimed. */
void arena_trim_all(struct arena *a);

#endif
