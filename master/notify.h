/* What systemd is told. */
#ifndef MASTER_NOTIFY_H
#define MASTER_NOTIFY_H

#include <stdbool.h>
#include <stddef.h>

#include "master/master.h"

#define NOTIFY_FDS_MAX 253 /* SCM_MAX_FD of the kernel */

/*
 * A datagram of assignments for who started us, with descriptors, which stay
 * the caller's; NOTIFY_FDS_MAX at
 * most.  False: it did not take it, or there is nobody.
 */
bool notify_send(const char *text, const int *fds, size_t n);

/*
 * Tell who started us (sd_notify(3)); nothing when that is nobody who wants to
 * know.
 */
void notify_ready(struct master *m);
void notify_reloading(struct master *m);
void notify_stopping(struct master *m);

/* Feed its watchdog, if there is one, from now on. */
void notify_watch(struct master *m);

#endif
