/* Sockets come non-blocking, close-on-exec and bound to what was asked for. */
#include "lib/sock.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "t/tap.h"

static bool without_ipv6;

/* Stands in for libc's: a kernel that was booted without IPv6. */
int
socket(int domain, int type, int protocol)
{
	if (without_ipv6 && domain == AF_INET6) {
		errno = EAFNOSUPPORT;
		return -1;
	}
	return (int)syscall(SYS_socket, domain, type, protocol);
}

static struct addr
ip_addr(const char *literal, uint16_t port)
{
	struct addr a;
	struct ip ip;

	ip_parse(&ip, span_str(literal));
	addr_set(&a, &ip, port);
	return a;
}

/* Where a socket is bound. */
static struct addr
bound_to(int fd)
{
	struct addr a = { .len = sizeof(a.u) };

	getsockname(fd, &a.u.sa, &a.len);
	return a;
}

static int
option(int fd, int level, int name)
{
	int value = -1;
	socklen_t len = sizeof(value);

	getsockopt(fd, level, name, &value, &len);
	return value;
}

static bool
is_ours(int fd)
{
	return (fcntl(fd, F_GETFL) & O_NONBLOCK) &&
	       (fcntl(fd, F_GETFD) & FD_CLOEXEC);
}

static void
wait_for(int fd, short events)
{
	struct pollfd p = { fd, events, 0 };

	if (poll(&p, 1, 10000) != 1)
		diag("nothing happened for ten seconds");
}

/* Connect, accept, and see who came. */
static void
meet(int listener, const struct addr *to, const struct addr *from,
    const char *peer_ip)
{
	int client = sock_connect(to, from), server;
	struct addr peer, local;
	char out[INET6_ADDRSTRLEN];
	struct ip ip;

	if (!ok(client != -1, "connect: %d", client == -1 ? errno : 0))
		return;
	ok(is_ours(client), "the client is non-blocking, close-on-exec");
	wait_for(listener, POLLIN);
	server = sock_accept(listener, &peer);
	if (!ok(server != -1 && is_ours(server), "accept, and so is its end"))
		return;
	wait_for(client, POLLOUT);
	is_int(sock_error(client), 0, "the connect went well");
	is_int(sock_nodelay(client), 0, "nodelay");
	is_int(sock_unsent_max(client, 65536), 0, "unsent bytes bounded");
	is_int(option(client, IPPROTO_TCP, TCP_NODELAY), 1, "is set");
	ok(addr_ip(&peer, &ip), "the peer has an IP");
	is_str(ip_format(&ip, out), peer_ip, "the right one");
	local = bound_to(client);
	is_int(addr_port(&peer), addr_port(&local), "and the right port");
	close(server);
	close(client);
}

static void
tcp(void)
{
	struct addr a = ip_addr("127.0.0.1", 0), to, from;
	int fd = sock_listen(&a, 16, false, 0), again;
	struct addr peer;

	ok(fd != -1 && is_ours(fd), "listen on 127.0.0.1");
	to = bound_to(fd);
	errno = 0;
	ok(sock_accept(fd, &peer) == -1 && errno == EAGAIN, "nobody there yet");
	meet(fd, &to, NULL, "127.0.0.1");
	from = ip_addr("127.0.0.2", 0);
	meet(fd, &to, &from, "127.0.0.2");

	errno = 0;
	again = sock_listen(&to, 16, true, 0);
	ok(again == -1 && errno == EADDRINUSE, "the port is taken");
	close(fd);
	fd = sock_listen(&to, 16, false, 0);
	ok(fd != -1, "free again at once, old connections or not");
	close(fd);

	fd = sock_listen(&a, 16, true, 0);
	to = bound_to(fd);
	again = sock_listen(&to, 16, true, 0);
	ok(fd != -1 && again != -1, "reuseport: two on one port");
	close(fd);
	close(again);
}

/* At a port that is ours, and so nobody else's. */
static void
refused(void)
{
	struct addr to = ip_addr("127.0.0.1", 0);
	int held = sock_bind_tcp(&to, true), fd;

	ok(held != -1 && is_ours(held), "a port");
	to = bound_to(held);
	fd = sock_connect(&to, NULL);
	if (fd != -1)
		wait_for(fd, POLLOUT);
	is_int(fd == -1 ? errno : sock_error(fd), ECONNREFUSED,
	    "nobody listens: refused");
	if (fd != -1)
		close(fd);
	is_int(listen(held, 16), 0, "until it listens");
	meet(held, &to, NULL, "127.0.0.1");
	close(held);
}

static void
wildcard(void)
{
	struct addr a = ip_addr("::", 0), to;
	int fd = sock_listen(&a, 16, false, 0);

	ok(fd != -1, "listen on *");
	is_int(option(fd, IPPROTO_IPV6, IPV6_V6ONLY), 0, "for IPv4 as well");
	to = bound_to(fd);
	to = ip_addr("127.0.0.1", addr_port(&to));
	meet(fd, &to, NULL, "127.0.0.1");
	close(fd);

	a = ip_addr("::1", 0);
	fd = sock_listen(&a, 16, false, 0);
	ok(fd != -1, "listen on ::1");
	is_int(option(fd, IPPROTO_IPV6, IPV6_V6ONLY), 1, "for IPv6 only");
	to = bound_to(fd);
	meet(fd, &to, NULL, "::1");
	close(fd);

	without_ipv6 = true;
	a = ip_addr("::", 0);
	fd = sock_listen(&a, 16, false, 0);
	ok(fd != -1, "listen on * where there is no IPv6");
	to = bound_to(fd);
	is_int(to.u.sa.sa_family, AF_INET, "then it is IPv4");
	close(fd);
	a = ip_addr("::1", 0);
	errno = 0;
	ok(sock_listen(&a, 16, false, 0) == -1 && errno == EAFNOSUPPORT,
	    "but ::1 is not to be had there");
	without_ipv6 = false;
}

static char path[64];

static struct addr
path_addr(void)
{
	struct addr a;

	addr_parse(&a, path);
	return a;
}

static mode_t
mode_of_path(void)
{
	struct stat st = { 0 };

	lstat(path, &st);
	return st.st_mode;
}

static void
unix_socket(void)
{
	struct addr a = path_addr(), peer;
	int fd = sock_listen(&a, 16, false, 0640), client, server;
	char out[ADDR_TEXT_MAX];
	uid_t uid = (uid_t)-1;

	ok(fd != -1 && is_ours(fd), "listen on a path");
	is_int(mode_of_path(), S_IFSOCK | 0640, "its mode");
	client = sock_connect(&a, NULL);
	server = sock_accept(fd, &peer);
	ok(client != -1 && server != -1, "connect, accept");
	is_str(addr_format(&peer, out), "unnamed", "the peer has no path");
	is_int(sock_peer_uid(server, &uid), 0, "but a user");
	is_int(uid, geteuid(), "who is us");
	close(client);
	close(server);

	errno = 0;
	ok(sock_listen(&a, 16, false, 0600) == -1 && errno == EADDRINUSE,
	    "a socket with a listener is left alone");
	is_int(mode_of_path(), S_IFSOCK | 0640, "mode and all");
	close(fd);
	fd = sock_listen(&a, 16, false, 0600);
	ok(fd != -1, "a stale one is replaced");
	is_int(mode_of_path(), S_IFSOCK | 0600, "with the new mode");
	close(fd);

	fd = sock_listen_packets(&a, 16, 0600);
	ok(fd != -1 && is_ours(fd), "listen for packets");
	is_int(option(fd, SOL_SOCKET, SO_TYPE), SOCK_SEQPACKET, "its type");
	errno = 0;
	ok(sock_listen(&a, 16, false, 0600) == -1 && errno == EADDRINUSE,
	    "a listener of the other type is left alone, too");
	close(fd);
	unlink(path);
}

static void
no_socket(void)
{
	struct addr a = path_addr();

	close(open(path, O_CREAT | O_WRONLY, 0600));
	errno = 0;
	ok(sock_listen(&a, 16, false, 0600) == -1 && errno == EADDRINUSE,
	    "a file in the way is refused");
	ok(S_ISREG(mode_of_path()), "and not removed");
	unlink(path);

	if (symlink("/nonexistent", path) == -1)
		diag("symlink: %m");
	ok(sock_listen(&a, 16, false, 0600) == -1 && errno == EADDRINUSE,
	    "so is a symbolic link");
	ok(S_ISLNK(mode_of_path()), "and not removed");
	unlink(path);

	errno = 0;
	ok(sock_connect(&a, NULL) == -1 && errno == ENOENT, "nothing there");
}

int
main(void)
{
	char dir[] = "/tmp/sock.XXXXXX";

	if (mkdtemp(dir) == NULL)
		diag("mkdtemp: %m");
	snprintf(path, sizeof(path), "%s/s", dir);
	tcp();
	refused();
	wildcard();
	unix_socket();
	no_socket();
	rmdir(dir);
	return done();
}
