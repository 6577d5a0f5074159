/* Takes new clients from the listeners, as many as there is room for. */
#ifndef WORKER_ACCEPT_H
#define WORKER_ACCEPT_H

#include <stdbool.h>

struct worker;

/* Begin to accept on all listeners of this slot.  -1 with errno. */
int accept_start(struct worker *w);

/*
 * For ever: the worker drains.  Who waits in its queues is still served; the
 * sockets are closed, so that whoever comes later is refused and does not wait.
 */
void accept_stop(struct worker *w);

/* There may be more room, or less. */
void accept_look_again(struct worker *w);

void accept_release(struct worker *w);

#endif
