/*
 * What a configuration makes of the master: sockets, users, files,
 * certificates, and the texts that children get.  A reload makes another one,
 * and may come back.
 */
#ifndef MASTER_SETUP_H
#define MASTER_SETUP_H

#include <stdio.h>

#include "master/master.h"

struct setup {
	struct conf *conf;	     /* owned */
	struct listeners *listeners; /* owned */
	struct sandbox_user users[ROLE_COUNT];
	int config_fd[ROLE_COUNT];     /* owned */
	int site_fds[SITE_FILE_COUNT]; /* owned */
	struct certs *certs;	       /* owned */
};

/*
 * Read the configuration and settle what depends on how we were started.
 * NULL: it was refused, and the faults were reported to err.
 */
struct conf *setup_read(const struct master *m, FILE *err);

/*
 * Make all that m->conf, which is set, asks for.  m->certs: those there are,
 * to be kept where a new one is refused, which is a failure; NULL: none.
 *
 * from     sockets that are taken again; NULL: none
 * Returns  0, or -1: it was logged what could not be made; release the rest
 */
int setup_make(struct master *m, const struct listeners *from);

/* Take it out of the master, which then has none, and put it back. */
struct setup setup_take(struct master *m);
void setup_put(struct master *m, const struct setup *setup);

/* Release the master's; next: sockets whose paths stay; NULL: none. */
void setup_release(struct master *m, const struct listeners *next);

#endif
