/*
 * What one image of the master leaves to the next in the same process: numbers
 * of descriptors, and who the children are, as lines of text in a memfd.
 */
#ifndef MASTER_INHERIT_H
#define MASTER_INHERIT_H

#include <stdbool.h>
#include <stdio.h>

#include "master/master.h"

struct inherited {
	bool rollback; /* the other image could not go on */
	int state_fd;  /* owned; the text itself */
	int exe_fd;    /* owned; of the image before */
	int asker;     /* owned; a client of dynproxyctl; -1: none */
	int config_fd; /* owned; the effective configuration */
	int presence;  /* owned until it is taken */
	struct listeners *listeners; /* owned */
	/* owned until taken; from SEGMENT_COUNT on those that we do not know */
	struct segment_fds segments[SEGMENTS_MAX];
	struct child *children; /* owned; with pid, ctl.fd and places only */
	size_t nchildren;
};

/*
 * Write it, for the next image.  asker: -1, or a descriptor that goes along;
 * segments: what the next image begins with, so many at most.  A descriptor, or
 * -1 with errno.
 */
int inherit_write(const struct master *m, int asker,
    const struct segment_fds *segments, unsigned n);

/* Have all that it names survive exec(2), or not.  False: errno. */
bool inherit_keep_open(int state_fd, bool open);

/*
 * Read it, and fill in what m begins with: the configuration, too.  NULL: what
 * is wrong was told on err.
 */
struct inherited *inherit_read_take(struct master *m, int fd, FILE *err);

/* After supervise_init(): the children are ours.  -1 with errno. */
int inherit_children(struct master *m, const struct inherited *in);

void inherit_free(struct inherited *in);

#endif
