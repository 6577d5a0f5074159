/*
 * Descriptors that systemd hands over when it starts us: sockets of .socket
 * units, and what a master before us, which was killed, left in its fd store
 * (sd_notify(3), FDSTORE): sockets, shared memory, a pipe.
 */
#ifndef MASTER_FDSTORE_H
#define MASTER_FDSTORE_H

#include "master/master.h"

/*
 * Take them (sd_listen_fds(3)): what a master before us left goes into m, and
 * the sockets, to be taken instead of binding, are returned; NULL: there are
 * none.  The caller's to listeners_free().  m->conf is set.
 */
struct listeners *fdstore_take(struct master *m);

/* Have all of it kept; what is kept already stays so. */
void fdstore_keep(struct master *m);

/* Have nothing kept any more, or nothing of that name. */
void fdstore_drop(void);
void fdstore_remove(const char *name);

#endif
