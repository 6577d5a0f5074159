/* The site's own files, which workers cannot open: handed to them sealed. */
#ifndef MASTER_SITE_H
#define MASTER_SITE_H

#include "master/master.h"

/* Read those that are configured, into m->site_fds.  -1: it was logged why. */
int site_load(struct master *m);
void site_release(struct master *m);

/* Do two of them say the same?  -1: there is none. */
bool site_file_same(int a, int b);

/*
 * As much of a file as size allows: less than that is all of it.  -1 with
 * errno.
 */
ssize_t site_read(const char *path, char *out, size_t size);

#endif
