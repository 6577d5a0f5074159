/* The system calls of a worker. */
#ifndef WORKER_CONFINE_H
#define WORKER_CONFINE_H

#include "conf/boot.h"

/* Nothing but to serve, from now on.  -1 after saying why. */
int confine_worker(const struct conf *conf);

#endif
