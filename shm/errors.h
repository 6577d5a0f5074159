/*
 * The last errors that each worker has seen of tools, for their maintainers,
 * and, in a segment of their own, the last requests for names that nobody has:
 * a ring a worker, which it writes over and over.  Readers take what is in it
 * for untrusted bytes, and leave out what is written meanwhile.
 */
#ifndef SHM_ERRORS_H
#define SHM_ERRORS_H

#include <stddef.h>
#include <stdint.h>

#include "lib/span.h"

#define ERRORS_KEPT 1024 /* by a worker */

struct error_note {
	uint64_t at_ms; /* CLOCK_REALTIME */
	uint64_t took_ms;
	uint32_t slot;	 /* of the tool's counters */
	uint16_t status; /* 0: none was sent */
	uint16_t reason; /* enum reason; 0: its backend answered so */
	char backend[56];
	char request[176]; /* its first line, or that name; cut to this */
};

struct errors_writer {
	struct errors *ring; /* ours, in the mapping */
	void *mapping;
	size_t bytes;
};

/* Bytes of the segment for so many workers; all zero is how it begins. */
size_t errors_size(unsigned workers);

/* The descriptor stays the caller's.  -1 with errno: EPROTO, no such place. */
int errors_writer_open(struct errors_writer *w, int fd, unsigned worker);
void errors_writer_close(struct errors_writer *w);
void errors_put(struct errors_writer *w, const struct error_note *note);

struct errors_reader {
	const struct errors *rings; /* the mapping */
	size_t n, bytes;
};
int errors_reader_open(struct errors_reader *r, int fd);
void errors_reader_close(struct errors_reader *r);

/*
 * The latest errors of a slot, the newest first, at most max.  Texts are
 * printable ASCII, NUL-terminated.  Returns how many.
 */
size_t errors_read(const struct errors_reader *r, uint32_t slot,
    struct error_note *out, size_t max);

#endif
