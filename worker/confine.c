/*
 * What a worker needs of the kernel to serve: sockets that it accepts or
 * connects, and its memory.  No files, no processes, no signals for others.
 */
#include "worker/confine.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include "lib/array.h"

#define OPTION(level, name) CALL("setsockopt", IS(1, level), IS(2, name))
#define STREAM(family) CALL("socket", IS(0, family), BITS(1, 0xf, SOCK_STREAM))

static const struct syscall_rule rules[] = {
	CALL("accept4"),
	CALL("connect"),
	CALL("fcntl", IS(1, F_OFD_GETLK)),
	CALL("getpeername"),
	CALL("getsockname"),
	CALL("getsockopt"),
	CALL("shutdown"),
	CALL("pipe2"), /* splice(2) needs one */
	CALL("splice"),
	CALL("fcntl", IS(1, F_SETPIPE_SZ)),
	STREAM(AF_INET),
	STREAM(AF_INET6),
	OPTION(SOL_SOCKET, SO_KEEPALIVE),
	OPTION(SOL_SOCKET, SO_LINGER),
	OPTION(SOL_SOCKET, SO_RCVBUF),
	OPTION(SOL_SOCKET, SO_SNDBUF),
	OPTION(IPPROTO_TCP, TCP_CORK),
	OPTION(IPPROTO_TCP, TCP_KEEPCNT),
	OPTION(IPPROTO_TCP, TCP_KEEPIDLE),
	OPTION(IPPROTO_TCP, TCP_KEEPINTVL),
	OPTION(IPPROTO_TCP, TCP_NODELAY),
	OPTION(IPPROTO_TCP, TCP_NOTSENT_LOWAT),
	OPTION(IPPROTO_TCP, TCP_QUICKACK),
	OPTION(IPPROTO_TCP, TCP_USER_TIMEOUT),
};

#define FILES_MAX 65536 /* descriptors; 7-security.md 7.6 */

int
confine_worker(const struct boot *boot)
{
	return boot_enter_sandbox(
	    boot, (struct sandbox){
		      .no_children = true, .files = FILES_MAX, .umask = 077 });
}

int
confine_worker_calls(const struct conf *conf)
{
	return boot_allow_calls(conf, rules, nitems(rules));
}
