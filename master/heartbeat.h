/* Processes that do not answer are replaced (3-processes.md). */
#ifndef MASTER_HEARTBEAT_H
#define MASTER_HEARTBEAT_H

struct master;

/* Ask twice a second from now on; supervise.c takes the answers. */
void heartbeat_start(struct master *m);

#endif
