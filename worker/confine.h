/* What a worker may do. */
#ifndef WORKER_CONFINE_H
#define WORKER_CONFINE_H

#include "conf/boot.h"

/*
 * Before anything is opened: user, files, limits.  And when all is open:
 * system calls.  -1 after saying why: do not go on.
 */
int confine_worker(const struct boot *boot);
int confine_worker_calls(const struct conf *conf);

#endif
