/* Compiles lists of system calls into filters, and has the kernel keep them. */
#include "lib/syscalls.h"

#include <errno.h>
#include <fcntl.h>
#include <seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/array.h"
#include "lib/log.h"

#ifdef DEVELOPMENT
#define OTHERWISE SCMP_ACT_TRAP
#else
#define OTHERWISE SCMP_ACT_KILL_PROCESS
#endif

/* Memory that holds no code, time, the loop, descriptors, the end. */
static const struct syscall_rule common[] = {
	CALL("brk"),
	CALL("clock_gettime"),
	CALL("close"),
	CALL("epoll_create1"),
	CALL("epoll_ctl"),
	CALL("epoll_pwait"),
	CALL("epoll_wait"),
	CALL("exit"),
	CALL("exit_group"),
	CALL("fcntl", IS(1, F_GETFD)),
	CALL("fcntl", IS(1, F_SETFD)),
	CALL("fcntl", IS(1, F_GETFL)),
	CALL("fcntl", IS(1, F_SETFL)),
	CALL("fcntl", IS(1, F_DUPFD_CLOEXEC)),
	CALL("fcntl", IS(1, F_GET_SEALS)),
	CALL("fstat"),
	CALL("newfstatat", IS(3, AT_EMPTY_PATH)), /* fstat(3) */
	CALL("futex"),
	CALL("getpid"),
	CALL("getrandom"),
	CALL("getrusage"),
	CALL("gettid"),
	CALL("gettimeofday"),
	/* flex(1) asks whether the configuration is a terminal */
	{ .name = "ioctl", .when = { IS(1, TCGETS) }, .error = ENOTTY },
	CALL("lseek"),
	CALL("madvise"),
	CALL("mmap", BITS(2, PROT_EXEC, 0)),
	CALL("mprotect", BITS(2, PROT_EXEC, 0)),
	CALL("mremap"),
	CALL("munmap"),
	CALL("poll"), /* may standard error be written to? */
	CALL("ppoll"),
	CALL("pread64"),
	CALL("prlimit64", IS(0, 0)),
	CALL("read"),
	CALL("readv"),
	CALL("recvfrom"),
	CALL("recvmsg"),
	CALL("restart_syscall"),
	CALL("rseq"),
	CALL("rt_sigaction"),
	CALL("rt_sigprocmask"),
	CALL("rt_sigreturn"),
	CALL("sched_getaffinity"), /* malloc(3), with threads */
	CALL("sched_yield"),
	CALL("sendmsg"),
	CALL("sendto"),
	CALL("set_robust_list"),
	CALL("sigaltstack"),
	CALL("sysinfo"),
	CALL("time"),
	CALL("timerfd_settime"),
	CALL("uname"),
	CALL("write"),
	CALL("writev"),
	/* the log's, when syslogd is gone: it stays without one */
	{ "socket", { IS(0, AF_UNIX), BITS(1, 0xf, SOCK_DGRAM) },
	    EAFNOSUPPORT },
};

/* What only an intruder does, whichever of our processes it is in. */
static const char *const forbidden[] = { "_sysctl", "acct", "add_key", "bpf",
	"create_module", "delete_module", "fanotify_init", "finit_module",
	"fsmount", "fsopen", "init_module", "io_uring_setup", "ioperm", "iopl",
	"kcmp", "kexec_file_load", "kexec_load", "keyctl", "mount",
	"mount_setattr", "move_mount", "move_pages", "open_by_handle_at",
	"open_tree", "perf_event_open", "personality", "pidfd_getfd",
	"pivot_root", "process_vm_readv", "process_vm_writev", "ptrace",
	"quotactl", "reboot", "request_key", "setdomainname", "sethostname",
	"setns", "settimeofday", "swapoff", "swapon", "umount2", "unshare",
	"userfaultfd", "vhangup" };

#ifdef DEVELOPMENT
/* Say which call it was; as a return from here it would merely fail. */
static void
tell(int sig, siginfo_t *info, void *context)
{
	(void)context;
	log_event(LOG_ERR, "sandbox-violation", "syscall=%d", info->si_syscall);
	signal(sig, SIG_DFL);
	raise(sig);
}
#endif

static int
add(scmp_filter_ctx filter, const struct syscall_rule *rule)
{
	struct scmp_arg_cmp when[nitems(rule->when)];
	unsigned n = 0;
	int call = seccomp_syscall_resolve_name(rule->name);

	if (call == __NR_SCMP_ERROR)
		return 0; /* this library does not know it: nor do we need it */
	for (size_t i = 0; i < nitems(rule->when); i++)
		if (rule->when[i].mask != 0)
			when[n++] =
			    SCMP_CMP(rule->when[i].at, SCMP_CMP_MASKED_EQ,
				rule->when[i].mask, rule->when[i].value);
	return seccomp_rule_add_array(filter,
	    rule->error == 0 ? SCMP_ACT_ALLOW
			     : SCMP_ACT_ERRNO((uint16_t)rule->error),
	    call, n, when);
}

/* Hand it to the kernel, and free it.  error: of its making.  -1, errno. */
static int
load(scmp_filter_ctx filter, int error)
{
#ifdef DEVELOPMENT
	struct sigaction action = { .sa_sigaction = tell,
		.sa_flags = SA_SIGINFO };

	sigaction(SIGSYS, &action, NULL);
#endif
	if (error == 0)
		error = seccomp_attr_set(filter, SCMP_FLTATR_CTL_TSYNC, 1);
	if (error == 0)
		error = seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2);
	if (error == 0)
		error = seccomp_attr_set(
		    filter, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
	if (error == 0)
		error = seccomp_load(filter);
	seccomp_release(filter);
	errno = -error;
	return error == 0 ? 0 : -1;
}

/* A signal for nobody but ourselves: abort(3), raise(3). */
static int
add_raise(scmp_filter_ctx filter)
{
	const struct syscall_rule rule = CALL("tgkill", IS(0, getpid()));

	return add(filter, &rule);
}

int
syscalls_allow(const struct syscall_rule *rules, size_t n)
{
	scmp_filter_ctx filter = seccomp_init(OTHERWISE);
	int error;

	if (filter == NULL) {
		errno = ENOMEM;
		return -1;
	}
	error = add_raise(filter);
	for (size_t i = 0; error == 0 && i < nitems(common); i++)
		error = add(filter, &common[i]);
	for (size_t i = 0; error == 0 && i < n; i++)
		error = add(filter, &rules[i]);
	return load(filter, error);
}

static int
forbid(scmp_filter_ctx filter, const char *const *names, size_t n)
{
	int call, error = 0;

	for (size_t i = 0; error == 0 && i < n; i++) {
		call = seccomp_syscall_resolve_name(names[i]);
		if (call != __NR_SCMP_ERROR)
			error = seccomp_rule_add_array(
			    filter, OTHERWISE, call, 0, NULL);
	}
	return error;
}

int
syscalls_forbid(const char *const *names, size_t n)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
	int error;

	if (filter == NULL) {
		errno = ENOMEM;
		return -1;
	}
	error = forbid(filter, forbidden, nitems(forbidden));
	if (error == 0)
		error = forbid(filter, names, n);
	return load(filter, error);
}

bool
syscalls_limited(void)
{
	return prctl(PR_GET_SECCOMP, 0, 0, 0, 0) >= 0;
}
