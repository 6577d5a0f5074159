/* Sockets: the few system calls that always come together. */
#ifndef LIB_SOCK_H
#define LIB_SOCK_H

#include <stdbool.h>
#include <sys/types.h>

#include "lib/addr.h"

/*
 * A listening socket, non-blocking and close-on-exec; SO_REUSEPORT when
 * reuseport; "*" is served for IPv4 as well, any other IPv6 address is not.
 * A stale Unix socket nobody listens on is replaced; mode is the
 * path's.  -1 with errno; the caller's to close.
 */
int sock_listen(const struct addr *a, int backlog, bool reuseport, mode_t mode);

/* The same of TCP, which does not listen yet: nobody waits in its queue. */
int sock_bind_tcp(const struct addr *a, bool reuseport);

/* The same on a path, of type SOCK_SEQPACKET: for lib/ctlmsg.h. */
int sock_listen_packets(const struct addr *path, int backlog, mode_t mode);

/*
 * Begin to connect; non-blocking, close-on-exec.  from: the local address,
 * NULL for any.  -1 with errno (never EINPROGRESS); the caller's to close.
 */
int sock_connect(const struct addr *to, const struct addr *from);

/* What became of a connect: 0, or the errno. */
int sock_error(int fd);

/*
 * Is a socket connected to its own port?  The one that connect(2) chooses may
 * be the very one that it goes to, where nobody listens (RFC 9293 section 3.5:
 * both begin).
 */
bool sock_is_with_itself(int fd);

/* As accept4(2), non-blocking and close-on-exec; fills *peer. */
int sock_accept(int fd, struct addr *peer);

/* Send at once what is written, be it ever so little.  -1 with errno. */
int sock_nodelay(int fd);

/*
 * Find out within so many seconds, 6 at least, that a TCP peer is gone without
 * a word, or takes nothing any more: recv(2) then fails.
 */
int sock_keepalive(int fd, int seconds);

/*
 * Let the kernel hold so many bytes that it cannot send yet, and not all that
 * its buffer might grow to (megabytes).
 */
int sock_unsent_max(int fd, int bytes);

/* Have close(2) tell the peer that this was cut: a reset, not an end. */
void sock_reset_on_close(int fd);

/* Who is at the other end of a Unix socket.  -1 with errno. */
int sock_peer_uid(int fd, uid_t *uid);

/* May he command us: root, or the user that we are? */
bool sock_uid_commands(uid_t uid);

#endif
