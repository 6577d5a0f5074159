/*
 * What the registrar needs of the kernel: to be asked, to ask identd and
 * Redis, and SQLite's files.  Which files: its sandbox knows (lib/sandbox.h).
 */
#include "registrar/confine.h"

#include <fcntl.h>
#include <sys/socket.h>

#include "lib/array.h"

#define FAMILY(family) CALL("socket", IS(0, family))

static const struct syscall_rule rules[] = {
	CALL("accept4"),
	CALL("bind"), /* the end of a question to identd; a netlink socket */
	CALL("connect"),
	CALL("eventfd2"),
	CALL("getpeername"),
	CALL("getsockname"),
	CALL("getsockopt"),
	CALL("setsockopt"),
	CALL("shutdown"),
	FAMILY(AF_INET),
	FAMILY(AF_INET6),
	FAMILY(AF_NETLINK), /* which addresses are ours */

	/* SQLite */
	CALL("access"),
	CALL("clock_nanosleep"),
	CALL("faccessat"),
	CALL("faccessat2"),
	CALL("fallocate"),
	CALL("fchmod"),
	CALL("fchown"),
	CALL("fcntl", IS(1, F_GETLK)),
	CALL("fcntl", IS(1, F_SETLK)),
	CALL("fcntl", IS(1, F_SETLKW)),
	CALL("fdatasync"),
	CALL("fstatfs"),
	CALL("fsync"),
	CALL("ftruncate"),
	CALL("getcwd"),
	CALL("geteuid"),
	CALL("getuid"),
	CALL("lstat"),
	CALL("nanosleep"),
	CALL("newfstatat"),
	CALL("open"),
	CALL("openat"),
	CALL("pwrite64"),
	CALL("readlink"),
	CALL("readlinkat"),
	CALL("rename"),
	CALL("renameat"),
	CALL("stat"),
	CALL("unlink"),
	CALL("unlinkat"),
};

#define FILES_MAX 8192 /* descriptors; 7-security.md 7.6 */

int
confine_registrar(const struct boot *boot)
{
	return boot_enter_sandbox(
	    boot, (struct sandbox){ .directory = boot->conf->state_directory,
		      .files = FILES_MAX,
		      .umask = 077 });
}

int
confine_registrar_calls(const struct conf *conf)
{
	return boot_allow_calls(conf, rules, nitems(rules));
}
