/*
 * ACME challenges: files that somebody else puts into acme_directory, and who
 * signs certificates asks for a moment later.  Workers cannot open them; they
 * get all there are, at each change.
 */
#ifndef MASTER_CHALLENGES_H
#define MASTER_CHALLENGES_H

#include "master/master.h"

/* Read what is there.  -1 with errno: none, or as before. */
int challenges_read(struct master *m);
void challenges_release(struct master *m);

#endif
