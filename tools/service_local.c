/*
 * Web services on this very host, without a grid: a supervisor that outlives
 * the login starts the server again when it ends.  Who holds the lock on
 * ~/.webservice/pid is the supervisor, and no other can be.
 */
#include <bsd/stdlib.h>
#include <bsd/unistd.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "lib/clock.h"
#include "tools/server_type.h"
#include "tools/service.h"

#define BACKOFF_MIN_S 1
#define BACKOFF_MAX_S 60
#define STEADY_MS 60000	  /* one that ran so long has not failed at once */
#define KILL_AFTER_S 10	  /* of a server that was told to end */
#define RESTING "resting" /* in the pid file; as long as "running" */
#define PID_FD 3	  /* of the supervisor; with the lock */

/* -1 with errno. */
static int
open_pid_file(const struct account *a, int flags)
{
	char path[512];

	account_path(a, ".webservice", path, sizeof(path));
	if (flags & O_CREAT && mkdir(path, 0700) == -1 && errno != EEXIST)
		return -1;
	account_path(a, ".webservice/pid", path, sizeof(path));
	return open(path, flags | O_CLOEXEC | O_NOFOLLOW, 0600);
}

/*
 * What the supervisor says in the file: as long each time, so that it is
 * written over, which a full disk does not refuse.  Pid 0: not there yet.
 */
static bool
tell_state(int fd, pid_t pid, bool rests)
{
	char text[32];
	int n = snprintf(
	    text, sizeof(text), "%10d %s\n", pid, rests ? RESTING : "running");

	return pwrite(fd, text, (size_t)n, 0) == n;
}

/* The supervisor's pid; 0: there is none; -1: cannot be told. */
static pid_t
supervisor(const struct account *a, bool *rests)
{
	int fd = open_pid_file(a, O_RDWR);
	char text[32] = "", word[8];
	ssize_t n;
	pid_t pid;

	*rests = false;

	if (fd == -1)
		return errno == ENOENT ? 0 : -1;
	if (flock(fd, LOCK_SH | LOCK_NB) == 0) {
		close(fd);
		return 0;
	}
	n = pread(fd, text, sizeof(text) - 1, 0);
	close(fd);
	if (n <= 0 || sscanf(text, "%d %7s", &pid, word) != 2 || pid <= 0)
		return -1;
	*rests = strcmp(word, RESTING) == 0;
	return pid;
}

static bool
local_check(const struct service *s)
{
	return backend_gridengine.check(s);
}

static void
say(const char *text, int number)
{
	char when[32];
	time_t now = time(NULL);
	struct tm tm;

	strftime(when, sizeof(when), "%F %T", localtime_r(&now, &tm));
	fprintf(stderr, "%s webservice: %s %d\n", when, text, number);
}

/* False: a signal asked for the end. */
static bool
rest(const sigset_t *ends, unsigned seconds)
{
	struct timespec ts = { .tv_sec = seconds };

	return sigtimedwait(ends, NULL, &ts) == -1;
}

static pid_t
start_runner(const struct service *s)
{
	char runner[512];
	const char *argv[8 + SERVER_ARGS_MAX] = { runner, "--register-proxy",
		"--type", s->type, "--" };
	sigset_t none;
	pid_t pid = fork();

	if (pid != 0)
		return pid;
	service_runner_path(runner, sizeof(runner));
	for (size_t i = 0; i < s->nargs && i < SERVER_ARGS_MAX; i++)
		argv[5 + i] = s->args[i];
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	execv(runner, (char **)argv);
	err(127, "%s", runner);
}

/* Wait for the runner's end.  False: because we were told to end. */
static bool
await_runner(pid_t pid, int *status)
{
	sigset_t signals;
	bool told = false;
	int signo;

	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGCHLD);
	sigaddset(&signals, SIGALRM);
	while (waitpid(pid, status, WNOHANG) == 0) {
		if (sigwait(&signals, &signo) != 0)
			continue;
		if (signo == SIGTERM) {
			told = true;
			kill(pid, SIGTERM);
			alarm(KILL_AFTER_S);
		} else if (signo == SIGALRM) {
			kill(pid, SIGKILL);
		}
	}
	return !told;
}

/* Run the service until TERM. */
static void
supervise(const struct service *s)
{
	unsigned backoff_s = BACKOFF_MIN_S;
	sigset_t ends, blocked;
	uint64_t since_ms;
	int status = 0;
	pid_t pid;

	/* where it is ignored, nobody is told how the runner has ended */
	signal(SIGCHLD, SIG_DFL);
	sigfillset(&blocked);
	sigprocmask(SIG_BLOCK, &blocked, NULL);
	sigemptyset(&ends);
	sigaddset(&ends, SIGTERM);
	do {
		since_ms = clock_mono_ms();
		pid = start_runner(s);
		if (pid != -1 && !await_runner(pid, &status))
			break;
		if (clock_mono_ms() - since_ms >= STEADY_MS)
			backoff_s = BACKOFF_MIN_S;
		say("the server has ended; status",
		    WIFEXITED(status) ? WEXITSTATUS(status)
				      : 128 + WTERMSIG(status));
		say("it is started again; seconds until then:", (int)backoff_s);
		tell_state(PID_FD, getpid(), true);
		if (!rest(&ends, backoff_s))
			break;
		tell_state(PID_FD, getpid(), false);
		backoff_s *= 2;
		if (backoff_s > BACKOFF_MAX_S)
			backoff_s = BACKOFF_MAX_S;
	} while (true);
	say("stopped, pid", getpid());
}

/* Nothing of the login stays: session, terminal, directory, descriptors. */
static bool
leave_login(const struct service *s, int pid_file)
{
	char log[512];
	int null = open("/dev/null", O_RDONLY), out;

	account_path(s->account, "error.log", log, sizeof(log));
	out = open(log, O_WRONLY | O_APPEND | O_CREAT, 0644);
	if (null == -1 || out == -1 || chdir(s->account->home) == -1)
		return false;
	setsid();
	dup2(null, STDIN_FILENO);
	dup2(out, STDOUT_FILENO);
	dup2(out, STDERR_FILENO);
	if (dup3(pid_file, PID_FD, O_CLOEXEC) == -1 && pid_file != PID_FD)
		return false;
	closefrom(PID_FD + 1);
	return true;
}

static void
become_supervisor(const struct service *s, int pid_file)
{
	if (fork() != 0)
		_exit(0);
	if (!leave_login(s, pid_file) || !tell_state(PID_FD, getpid(), false)) {
		warn("cannot supervise");
		_exit(1);
	}
	supervise(s);
	_exit(0);
}

static bool
local_start(const struct service *s)
{
	int fd = open_pid_file(s->account, O_RDWR | O_CREAT);
	pid_t pid;

	if (fd == -1) {
		warn("%s/.webservice", s->account->home);
		return false;
	}
	/* the lock goes on to the supervisor: two starts cannot both have it */
	if (flock(fd, LOCK_EX | LOCK_NB) == -1) {
		warnx("it is being started already");
		close(fd);
		return false;
	}
	if (!tell_state(fd, 0, false)) {
		warn("%s/.webservice/pid", s->account->home);
		close(fd);
		return false;
	}
	fflush(NULL);
	pid = fork();
	if (pid == 0)
		become_supervisor(s, fd);
	close(fd);
	if (pid == -1) {
		warn("fork");
		return false;
	}
	waitpid(pid, NULL, 0);
	return true;
}

static bool
local_stop(const struct service *s)
{
	bool rests;
	pid_t pid = supervisor(s->account, &rests);

	if (pid == 0)
		return true;
	if (pid == -1) {
		warnx("it is being started: try again");
		return false;
	}
	if (kill(pid, SIGTERM) == 0)
		return true;
	warn("cannot end its supervisor, process %d", pid);
	return false;
}

static enum service_state
local_state(const struct service *s)
{
	bool rests;

	if (supervisor(s->account, &rests) == 0)
		return SERVICE_STOPPED;
	return rests ? SERVICE_PENDING : SERVICE_RUNNING;
}

const struct backend backend_local = { .name = "local",
	.default_type = "generic",
	.check = local_check,
	.start = local_start,
	.stop = local_stop,
	.state = local_state,
	.logs = service_tail_log };
