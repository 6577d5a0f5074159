/* The site's own files, which workers cannot open: handed to them sealed. */
#ifndef MASTER_SITE_H
#define MASTER_SITE_H

#include "master/master.h"

/* Read those that are configured, into m->site_fds.  -1: it was logged why. */
int site_load(struct master *m);
void site_release(struct master *m);

#endif
