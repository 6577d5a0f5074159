/* What the registrar may tell of the master's: shm/node.h. */
#ifndef MASTER_FACTS_H
#define MASTER_FACTS_H

struct master;

/* Publish it; after each change of a process or a certificate. */
void facts_publish(struct master *m);

#endif
