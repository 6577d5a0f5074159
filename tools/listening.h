/* Where a server listens, as the kernel knows it. */
#ifndef TOOLS_LISTENING_H
#define TOOLS_LISTENING_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "lib/addr.h"

/*
 * A TCP port on which a process, or one that it has started, listens for
 * connections to this address.  False: there is none.
 *
 * loopback   set when it listens, but on a loopback address only
 */
bool listening_port(pid_t pid, uint16_t *port, bool *loopback);

/*
 * What becomes of a connection there: 0: it was accepted; else an errno.  Waits
 * no longer than a second.
 */
int listening_try(const struct addr *a);

/* Does somebody accept connections there?  As above. */
bool listening_answers(const struct ip *ip, uint16_t port);

#endif
