/* Opens sockets. */
#include "lib/sock.h"
#include "lib/array.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SOCK_FLAGS (SOCK_NONBLOCK | SOCK_CLOEXEC)

static int
turn_on(int fd, int level, int option)
{
	int on = 1;

	return setsockopt(fd, level, option, &on, sizeof(on));
}

/* Close, and fail with the errno of before. */
static int
fail(int fd)
{
	int saved = errno;

	close(fd);
	errno = saved;
	return -1;
}

static bool
is_wildcard6(const struct addr *a)
{
	return a->u.sa.sa_family == AF_INET6 &&
	       IN6_IS_ADDR_UNSPECIFIED(&a->u.in6.sin6_addr);
}

static int
set_tcp(int fd, const struct addr *a, bool reuseport)
{
	int v6only = !is_wildcard6(a); /* "*" serves IPv4 as well */

	if (turn_on(fd, SOL_SOCKET, SO_REUSEADDR) == -1)
		return -1;
	if (reuseport && turn_on(fd, SOL_SOCKET, SO_REUSEPORT) == -1)
		return -1;
	if (a->u.sa.sa_family != AF_INET6)
		return 0;
	return setsockopt(
	    fd, IPPROTO_IPV6, IPV6_V6ONLY, &v6only, sizeof(v6only));
}

/*
 * Did a process that is gone leave this socket behind?  connect(2) refuses a
 * plain file too: that one is not ours to remove.
 */
static bool
is_stale(const struct addr *a)
{
	struct stat st;
	bool refused;
	int fd;

	if (lstat(a->u.un.sun_path, &st) == -1 || !S_ISSOCK(st.st_mode))
		return false;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_FLAGS, 0);
	if (fd == -1)
		return false;
	refused = connect(fd, &a->u.sa, a->len) == -1 && errno == ECONNREFUSED;
	close(fd);
	return refused;
}

/* Nobody can connect before listen(2): the mode is in time. */
static int
bind_path(int fd, const struct addr *a, mode_t mode)
{
	int rc = bind(fd, &a->u.sa, a->len);

	if (rc == -1 && errno == EADDRINUSE) {
		if (!is_stale(a)) {
			errno = EADDRINUSE;
			return -1;
		}
		if (unlink(a->u.un.sun_path) == -1)
			return -1;
		rc = bind(fd, &a->u.sa, a->len);
	}
	return rc == -1 ? -1 : chmod(a->u.un.sun_path, mode);
}

int
sock_bind_tcp(const struct addr *a, bool reuseport)
{
	int fd = socket(a->u.sa.sa_family, SOCK_STREAM | SOCK_FLAGS, 0);
	struct addr any4;

	if (fd == -1 && errno == EAFNOSUPPORT && is_wildcard6(a)) {
		/* a kernel without IPv6: "*" is all there is */
		addr_set(
		    &any4, &(struct ip){ .family = AF_INET }, addr_port(a));
		return sock_bind_tcp(&any4, reuseport);
	}
	if (fd == -1)
		return -1;
	if (set_tcp(fd, a, reuseport) == -1 || bind(fd, &a->u.sa, a->len) == -1)
		return fail(fd);
	return fd;
}

static int
listen_tcp(const struct addr *a, int backlog, bool reuseport)
{
	int fd = sock_bind_tcp(a, reuseport);

	if (fd != -1 && listen(fd, backlog) == -1)
		return fail(fd);
	return fd;
}

static int
listen_path(const struct addr *a, int backlog, int type, mode_t mode)
{
	int fd = socket(AF_UNIX, type | SOCK_FLAGS, 0);

	if (fd == -1)
		return -1;
	if (bind_path(fd, a, mode) == -1 || listen(fd, backlog) == -1)
		return fail(fd);
	return fd;
}

int
sock_listen(const struct addr *a, int backlog, bool reuseport, mode_t mode)
{
	if (a->u.sa.sa_family == AF_UNIX)
		return listen_path(a, backlog, SOCK_STREAM, mode);
	return listen_tcp(a, backlog, reuseport);
}

int
sock_listen_packets(const struct addr *path, int backlog, mode_t mode)
{
	return listen_path(path, backlog, SOCK_SEQPACKET, mode);
}

int
sock_connect(const struct addr *to, const struct addr *from)
{
	int fd = socket(to->u.sa.sa_family, SOCK_STREAM | SOCK_FLAGS, 0);

	if (fd == -1)
		return -1;
	if (from != NULL) {
		/* a port is chosen by connect(2): each serves many peers */
		if (from->u.sa.sa_family != AF_UNIX &&
		    turn_on(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT) == -1)
			return fail(fd);
		if (bind(fd, &from->u.sa, from->len) == -1)
			return fail(fd);
	}
	if (connect(fd, &to->u.sa, to->len) == -1 && errno != EINPROGRESS)
		return fail(fd);
	return fd;
}

int
sock_error(int fd)
{
	int error;
	socklen_t len = sizeof(error);

	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) == -1)
		return errno;
	return error;
}

bool
sock_is_with_itself(int fd)
{
	struct addr here = { .len = sizeof(here.u) }, there = here;

	return getsockname(fd, &here.u.sa, &here.len) == 0 &&
	       getpeername(fd, &there.u.sa, &there.len) == 0 &&
	       here.len == there.len &&
	       memcmp(&here.u, &there.u, here.len) == 0;
}

int
sock_accept(int fd, struct addr *peer)
{
	peer->len = sizeof(peer->u);
	return accept4(fd, &peer->u.sa, &peer->len, SOCK_FLAGS);
}

int
sock_nodelay(int fd)
{
	return turn_on(fd, IPPROTO_TCP, TCP_NODELAY);
}

int
sock_keepalive(int fd, int seconds)
{
	const struct {
		int level, name, value;
	} options[] = {
		{ SOL_SOCKET, SO_KEEPALIVE, 1 },
		{ IPPROTO_TCP, TCP_KEEPIDLE, seconds / 3 },
		{ IPPROTO_TCP, TCP_KEEPINTVL, seconds / 6 },
		{ IPPROTO_TCP, TCP_KEEPCNT, 4 },
		{ IPPROTO_TCP, TCP_USER_TIMEOUT, seconds * 1000 },
	};

	for (size_t i = 0; i < nitems(options); i++)
		if (setsockopt(fd, options[i].level, options[i].name,
			&options[i].value, sizeof(options[i].value)) == -1)
			return -1;
	return 0;
}

int
sock_unsent_max(int fd, int bytes)
{
	return setsockopt(
	    fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &bytes, sizeof(bytes));
}

void
sock_reset_on_close(int fd)
{
	struct linger reset = { .l_onoff = 1, .l_linger = 0 };

	setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
}

int
sock_peer_uid(int fd, uid_t *uid)
{
	struct ucred who;
	socklen_t len = sizeof(who);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &len) == -1)
		return -1;
	*uid = who.uid;
	return 0;
}

bool
sock_uid_commands(uid_t uid)
{
	return uid == 0 || uid == geteuid();
}
