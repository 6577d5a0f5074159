/* Every socket that listens: bound by the master, held for as long as it lives. */
#ifndef MASTER_LISTENERS_H
#define MASTER_LISTENERS_H

#include <stddef.h>

struct master;

/*
 * Bind all that is configured.  -1: it was logged which one could not be, and
 * none is left open.
 */
int listeners_open(struct master *m);

/*
 * Let go of those for clients: the workers that drain close the last
 * descriptions, and nobody waits in a queue that is never served again.
 */
void listeners_close_http(struct master *m);

/* Close them and remove the paths of Unix sockets. */
void listeners_close(struct master *m);

/*
 * The socket of a listener by its place in conf->listeners.  Each worker slot
 * has one of its own for LISTEN_HTTP; the others have one, in slot 0.
 */
int listener_fd(const struct master *m, size_t at, unsigned slot);

#endif
