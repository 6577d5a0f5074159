/* systemd's side: what it is told, and the sockets that it hands over. */
#ifndef MASTER_NOTIFY_H
#define MASTER_NOTIFY_H

#include "master/master.h"

/*
 * Sockets of socket activation (sd_listen_fds(3)), to be taken instead of
 * binding.  NULL: there are none.  The caller's to listeners_free().
 */
struct listeners *notify_sockets(void);

/*
 * Tell who started us (sd_notify(3)); nothing when that is nobody who wants to
 * know.  With the first word the environment has been read, and the watchdog,
 * if there is one, is fed from then on.
 */
void notify_ready(struct master *m);
void notify_reloading(struct master *m);
void notify_stopping(struct master *m);

#endif
