/*
 * What somebody who runs code in a worker, or in the registrar, would try: each
 * in a process of its own, confined by the very functions that confine that
 * role.  Prints "NAME: done", "NAME: errno ..." or "NAME: killed" a line.
 *
 *	attempts worker|registrar UID DIRECTORY KEY-FILE CONTROL-SOCKET
 *calls|open
 *
 * open     without the list of system calls: the other walls alone
 */
#include <bsd/stdlib.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "conf/boot.h"
#include "lib/addr.h"
#include "lib/array.h"
#include "lib/sock.h"
#include "registrar/confine.h"
#include "shm/segment.h"
#include "worker/confine.h"

static struct {
	const char *key, *control;
	pid_t other; /* a process of the same user */
	int table;   /* as a worker has it: it cannot write */
	char *base;
	size_t size;
} given;

static int
open_file(void)
{
	return open("/etc/passwd", O_RDONLY | O_CLOEXEC);
}

static int
open_key(void)
{
	return open(given.key, O_RDONLY | O_CLOEXEC);
}

static int
make_file(void)
{
	return open(
	    "made-by-attempts", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
}

static int
run_program(void)
{
	char *argv[] = { (char *)"true", NULL }, *envp[] = { NULL };

	return execve("/bin/true", argv, envp);
}

static int
start_process(void)
{
	pid_t pid = fork();

	if (pid == 0)
		_exit(0);
	return pid;
}

static int
trace(void)
{
	return (int)ptrace(PTRACE_ATTACH, given.other, NULL, NULL);
}

static int
read_memory(void)
{
	return (int)syscall(
	    SYS_process_vm_readv, given.other, NULL, 0, NULL, 0, 0);
}

static int
signal_other(void)
{
	return kill(given.other, SIGCONT);
}

static int
reach_control(void)
{
	struct addr to;

	return addr_parse(&to, given.control) ? sock_connect(&to, NULL) : -1;
}

static int
protect_table(void)
{
	return mprotect(given.base, given.size, PROT_READ | PROT_WRITE);
}

static int
map_table(void)
{
	return mmap(NULL, given.size, PROT_READ | PROT_WRITE, MAP_SHARED,
		   given.table, 0) == MAP_FAILED
		   ? -1
		   : 0;
}

static int
reopen_table(void)
{
	char path[32];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", given.table);
	return open(path, O_RDWR | O_CLOEXEC);
}

static int
cut_table(void)
{
	return ftruncate(given.table, 0);
}

static int
open_up_table(void)
{
	return fchmod(given.table, 0666);
}

static int
bind_port(void)
{
	struct addr any;

	return addr_parse(&any, "127.0.0.1:19") ? sock_listen(&any, 1, false, 0)
						: -1;
}

static int
make_code(void)
{
	return mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC,
		   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED
		   ? -1
		   : 0;
}

static int
become_root(void)
{
	return setuid(0);
}

/* Waits: it is the firewall that answers. */
static int
connect_redis(void)
{
	struct sockaddr_in to = { .sin_family = AF_INET,
		.sin_port = htons(6379),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	return connect(fd, (struct sockaddr *)&to, sizeof(to));
}

static const struct {
	const char *name;
	int (*try)(void);
} attempts[] = {
	{ "open a file", open_file },
	{ "read a key file", open_key },
	{ "make a file in its directory", make_file },
	{ "exec", run_program },
	{ "fork", start_process },
	{ "ptrace", trace },
	{ "read another's memory", read_memory },
	{ "signal another", signal_other },
	{ "reach the control socket", reach_control },
	{ "mprotect the table", protect_table },
	{ "map the table anew", map_table },
	{ "reopen the table", reopen_table },
	{ "ftruncate the table", cut_table },
	{ "fchmod the table", open_up_table },
	{ "bind a port", bind_port },
	{ "make memory that runs", make_code },
	{ "become root", become_root },
	{ "connect to Redis", connect_redis },
};

/* As the role begins: -1 when the sandbox did not come to be. */
static int
confine(const struct boot *boot, bool worker, bool calls)
{
	if ((worker ? confine_worker(boot) : confine_registrar(boot)) == -1)
		return -1;
	if (!calls)
		return 0;
	return worker ? confine_worker_calls(boot->conf)
		      : confine_registrar_calls(boot->conf);
}

/* A process of that user that does nothing. */
static pid_t
start_other(uid_t uid)
{
	pid_t pid = fork();

	if (pid != 0)
		return pid;
	if (setresgid(uid, uid, uid) == -1 || setresuid(uid, uid, uid) == -1)
		_exit(1);
	pause();
	_exit(0);
}

int
main(int argc, char **argv)
{
	struct boot boot = { .user.uid = SANDBOX_NOBODY };
	char text[256];
	bool worker, calls;
	int fd, status;

	if (argc != 7)
		return 2;
	worker = strcmp(argv[1], "worker") == 0;
	calls = strcmp(argv[6], "calls") == 0;
	boot.user.uid = boot.user.gid =
	    (uid_t)strtonum(argv[2], 1, INT32_MAX, NULL);
	snprintf(text, sizeof(text), "state_directory = \"%s\"\nsandbox = on\n",
	    argv[3]);
	boot.conf = conf_read_text(text, "attempts", stderr);
	given.key = argv[4];
	given.control = argv[5];
	fd = segment_create("attempts", 1 << 20);
	given.table = segment_reopen_readonly(fd);
	given.base = segment_map(given.table, false, &given.size);
	if (boot.conf == NULL || given.base == NULL)
		return 2;
	close(fd);
	given.other = start_other(boot.user.uid);
	for (size_t i = 0; i < nitems(attempts); i++) {
		pid_t pid = fork();

		if (pid == 0) {
			if (confine(&boot, worker, calls) == -1)
				_exit(255);
			_exit(attempts[i].try() == -1 ? errno : 0);
		}
		waitpid(pid, &status, 0);
		if (WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS)
			printf("%s: killed\n", attempts[i].name);
		else if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
			printf("%s: done\n", attempts[i].name);
		else
			printf("%s: %s\n", attempts[i].name,
			    WIFEXITED(status) && WEXITSTATUS(status) != 255
				? strerror(WEXITSTATUS(status))
				: "the sandbox failed");
	}
	kill(given.other, SIGKILL);
	waitpid(given.other, &status, 0);
	conf_free(boot.conf);
	return 0;
}
