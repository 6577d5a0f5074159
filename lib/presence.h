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
	PRESENCE_WORKERS,
};

/* A description of one's own of that file.  -1 with errno. */
int presence_open(const char *directory);

/*
 * Be there as long as the description is open.  shared: so may others be.  -1
 * with errno; EAGAIN: somebody else is.
 */
int presence_claim(int fd, enum presence who, bool shared);

/* Is another description there? */
bool presence_of(int fd, enum presence who);

#endif
