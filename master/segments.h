/* The shared memory: made once, handed to each role as far as it may go. */
#ifndef MASTER_SEGMENTS_H
#define MASTER_SEGMENTS_H

#include <stdio.h>

#include "master/master.h"

/*
 * Those that there are already are kept where they fit.  -1: it was logged what
 * could not be made.
 */
int segments_make(struct master *m);

/*
 * Do those of the image before fit this program?  The table may be another one,
 * and what it did not have is made.  False: err was told which does not.
 */
bool segments_check(const struct master *m, FILE *err);

/* Close those of before, so many by their numbers, that are not in use. */
void segments_drop(
    const struct master *m, const struct segment_fds *before, unsigned n);
void segments_release(struct master *m);

/* "dynproxy-table" */
const char *segment_name(enum ctl_segment which);

/*
 * The writable descriptor of one, made by a master before us: it is ours.  -1:
 * there is none of that name, and it is still the caller's.
 */
int segment_take(struct master *m, const char *name, int fd);

/* What a role gets of it: a descriptor that stays ours, or -1: nothing. */
int segment_fd(const struct master *m, enum ctl_segment which, enum role role);

/* A worker is dead: what it had under way, too. */
void segments_forget_worker(const struct master *m, unsigned ring);

#endif
