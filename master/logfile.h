/*
 * A log file that the logger appends to: it may be renamed under its feet, its
 * disk may be full, and it leaves some room there for others.
 */
#ifndef MASTER_LOGFILE_H
#define MASTER_LOGFILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct logfile {
	const char *name;   /* borrowed; for messages */
	const char *path;   /* borrowed; the same inside of the sandbox */
	uint64_t space_min; /* bytes that stay free on its disk */
	int fd;             /* -1: it could not be opened */
	uint64_t inode, size; /* set by logfile_ready() */
	int told;           /* the errno that was logged last; 0: all is well */
};

void logfile_init(
    struct logfile *f, const char *name, const char *path, uint64_t space_min);
void logfile_close(struct logfile *f);

/* Open the file that has the path by now.  False: the one before stays. */
bool logfile_reopen(struct logfile *f);

/*
 * Is there a file, with room?  Opens it if need be.  False: not now; the event
 * log was told, once.
 */
bool logfile_ready(struct logfile *f);

/*
 * Append lines.  Returns how many bytes are in the file for good: whole lines,
 * all of them unless something is wrong with it, which was logged.
 */
size_t logfile_append(struct logfile *f, const char *lines, size_t n);

#endif
