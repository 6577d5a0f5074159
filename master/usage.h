/* What the processes use, for the registrar to tell: shm/node.h. */
#ifndef MASTER_USAGE_H
#define MASTER_USAGE_H

struct master;

/* Look now and then from now on, and publish it. */
void usage_start(struct master *m);

#endif
