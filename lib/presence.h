/*
 * Who is there of an instance: locks on a file of its state directory, which
 * the kernel releases when their holder ends, however that happens.
 */
#ifndef LIB_PRESENCE_H
#define LIB_PRESENCE_H

#include <stdbool.h>

enum presence {
	PRESENCE_MASTER,
	PRESENCE_SERVING, /* a master whose workers are ready */
	PRESENCE_REGISTRAR,
	PRESENCE_DRAINING, /* a master that ends, when its workers are done */
	PRESENCE_ENDING,   /* a master that ends now */
	PRESENCE_WORKERS = 16, /* and those behind it: see master/beside.c */
};

/* A description of one's own of that file.  -1 with errno. */
int presence_open(const char *directory);

/*
 * Be there as long as the description is open.  -1 with errno; EAGAIN: somebody
 * else is.
 */
int presence_claim(int fd, enum presence who);

/* Is another description there? */
bool presence_of(int fd, enum presence who);

/* Or one of n, from that one on? */
bool presence_of_any(int fd, enum presence first, unsigned n);

#endif
