/*
 * The site's own files: what a client gets where a backend answers 404 to
 * /favicon.ico or /robots.txt.
 */
#ifndef WORKER_SITE_H
#define WORKER_SITE_H

#include "conf/boot.h"
#include "lib/span.h"

struct site_file {
	struct span type, content; /* content is a mapping; empty: none */
};

struct site {
	struct site_file files[SITE_FILE_COUNT];
};

/* Map what the master handed over.  -1 with errno. */
int site_open(struct site *site, const struct boot *boot);
void site_close(struct site *site);

/* What is in a file; empty: there is none. */
static inline struct span
site_content(const struct site *site, enum ctl_site_file which)
{
	return site->files[which].content;
}

/* The file that may take the place of a 404.  NULL: there is none. */
const struct site_file *site_find(const struct site *site, struct span path);

#endif
