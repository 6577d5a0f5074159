/* Shared memory segments: made by the master, handed on as descriptors. */
#ifndef SHM_SEGMENT_H
#define SHM_SEGMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bytes of a huge page, of x86 and, with pages of 4 KiB, of ARM. */
#define SEGMENT_HUGE ((size_t)2 * 1024 * 1024)

/*
 * Make a memfd of that size: sparse, close-on-exec, sealed against shrinking
 * and growing.  -1 with errno; the caller's to close.
 */
int segment_create(const char *name, size_t size);

/* The name that it was made with, of printable ASCII.  False: it is none. */
#define SEGMENT_NAME_SIZE 64
bool segment_made_as(int fd, char name[SEGMENT_NAME_SIZE]);

/* A second description of the same memory that cannot write.  -1, errno. */
int segment_reopen_readonly(int fd);

/*
 * Map all of a segment whose size is sealed.  NULL with errno.
 * size   set; bytes
 */
void *segment_map(int fd, bool writable, size_t *size);

/* A segment's first words: what it is, and what two builds must agree on. */
struct segment_kind {
	uint64_t magic, abi;
};

/* The same, of a segment that begins so; also NULL with EPROTO. */
void *segment_map_kind(int fd, bool writable, const struct segment_kind *kind,
    size_t at_least, size_t *size);
void segment_unmap(void *base, size_t size);

/*
 * What was copied out is somebody else's: make it printable ASCII that is
 * NUL-terminated.
 */
void segment_text(char *text, size_t size);

#endif
