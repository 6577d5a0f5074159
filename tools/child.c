/* Runs a command, bounded in time and in what it prints. */
#include "tools/child.h"

#include <bsd/string.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/clock.h"

#define READ_SIZE 16384
#define LAST_READS 5 /* of a full pipe, and of its end */

extern char **environ;

struct child {
	pid_t pid;
	int out, err;	    /* our ends of its pipes; -1: it has closed them */
	struct buf *wanted; /* of its standard output; NULL: nothing */
	struct buf lines;   /* of its standard error, the last ones */
	const char *killed; /* why we have; NULL: we have not */
};

/* The command's end of a pipe becomes its descriptor `as`. */
static int
add_pipe(posix_spawn_file_actions_t *actions, int as, int *theirs)
{
	int fds[2];

	if (pipe2(fds, O_CLOEXEC) == -1)
		return -1;
	posix_spawn_file_actions_adddup2(actions, fds[1], as);
	*theirs = fds[1];
	return fds[0];
}

/* A file in memory, to be read from its beginning.  -1 with errno. */
static int
input_of(struct span in)
{
	int fd = memfd_create("input", MFD_CLOEXEC);

	if (fd == -1)
		return -1;
	if (write(fd, in.ptr, in.len) == (ssize_t)in.len &&
	    lseek(fd, 0, SEEK_SET) == 0)
		return fd;
	close(fd);
	errno = EIO;
	return -1;
}

/* 0, or an errno.  input: its standard input; -1: there is none. */
static int
spawn(struct child *c, const char *const argv[], int input)
{
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attr;
	sigset_t none;
	int out = -1, err = -1, error;

	sigemptyset(&none);
	posix_spawn_file_actions_init(&actions);
	posix_spawnattr_init(&attr);
	/* a group of its own, to be killed as one */
	posix_spawnattr_setflags(
	    &attr, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK);
	posix_spawnattr_setsigmask(&attr, &none);
	if (input != -1)
		posix_spawn_file_actions_adddup2(&actions, input, STDIN_FILENO);
	else
		posix_spawn_file_actions_addopen(
		    &actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
	c->out = add_pipe(&actions, STDOUT_FILENO, &out);
	c->err = add_pipe(&actions, STDERR_FILENO, &err);
	error = c->out == -1 || c->err == -1
		    ? errno
		    : posix_spawnp(&c->pid, argv[0], &actions, &attr,
			  (char **)argv, environ);
	posix_spawnattr_destroy(&attr);
	posix_spawn_file_actions_destroy(&actions);
	close(out);
	close(err);
	return error;
}

static void
kill_child(struct child *c, const char *why)
{
	kill(-c->pid, SIGKILL);
	c->killed = why;
}

/* Take what is there from one of its pipes; at the end close it. */
static void
read_pipe(struct child *c, int *fd, struct buf *to)
{
	char waste[READ_SIZE];
	ssize_t n = read(*fd, waste, sizeof(waste));

	if (n <= 0) {
		close(*fd);
		*fd = -1;
		return;
	}
	if (to == &c->lines && buf_len(to) + (size_t)n > to->max)
		buf_consume(to, buf_len(to)); /* the end is what counts */
	if (to != NULL && !buf_append(to, waste, (size_t)n) &&
	    to == c->wanted && c->killed == NULL)
		kill_child(c, "it printed too much");
}

/* What is there when its time is up counts, but not what follows upon that. */
static void
read_all(struct child *c, uint64_t deadline_ms)
{
	unsigned last = LAST_READS;

	while (c->out != -1 || c->err != -1) {
		struct pollfd p[2] = { { c->out, POLLIN, 0 },
			{ c->err, POLLIN, 0 } };
		uint64_t now_ms = clock_mono_ms();
		int wait_ms =
		    now_ms < deadline_ms ? (int)(deadline_ms - now_ms) : 0;

		if (c->killed != NULL)
			return;
		if (poll(p, 2, wait_ms) == 0 || (wait_ms == 0 && last-- == 0))
			kill_child(c, "it took too long");
		if (p[0].revents != 0)
			read_pipe(c, &c->out, c->wanted);
		if (p[1].revents != 0)
			read_pipe(c, &c->err, &c->lines);
	}
}

/* Wait for its end; one that has closed its output may go on for long. */
static int
wait_child(struct child *c, uint64_t deadline_ms)
{
	int status = 0;

	while (c->killed == NULL && waitpid(c->pid, &status, WNOHANG) == 0) {
		if (clock_mono_ms() >= deadline_ms)
			kill_child(c, "it took too long");
		else
			poll(NULL, 0, 10);
	}
	if (c->killed != NULL)
		while (waitpid(c->pid, &status, 0) == -1 && errno == EINTR)
			;
	return status;
}

static void
last_line(const struct buf *lines, char *said)
{
	struct span s = buf_span(lines);
	const char *begin;

	while (s.len > 0 && s.ptr[s.len - 1] == '\n')
		s.len--;
	if (s.len == 0) {
		said[0] = '\0';
		return;
	}
	begin = memrchr(s.ptr, '\n', s.len);
	if (begin != NULL)
		s = span_from(s, (size_t)(begin + 1 - s.ptr));
	snprintf(said, CHILD_SAID_MAX, "%.*s", SPAN_ARG(s));
}

int
child_run_with(const char *const argv[], struct span in, unsigned timeout_ms,
    struct buf *out, char *said)
{
	struct child c = { .out = -1, .err = -1, .wanted = out };
	uint64_t deadline_ms = clock_mono_ms() + timeout_ms;
	int status, error, input = in.len > 0 ? input_of(in) : -1;

	/* where it is ignored, nobody is told how a child has ended */
	signal(SIGCHLD, SIG_DFL);
	error = in.len > 0 && input == -1 ? errno : spawn(&c, argv, input);
	if (input != -1)
		close(input);
	if (error == 0) {
		buf_init(&c.lines, READ_SIZE);
		read_all(&c, deadline_ms);
		status = wait_child(&c, deadline_ms);
		last_line(&c.lines, said);
		buf_release(&c.lines);
	} else {
		strlcpy(said, strerror(error), CHILD_SAID_MAX);
	}
	if (c.out != -1)
		close(c.out);
	if (c.err != -1)
		close(c.err);
	if (error != 0)
		return -1;
	if (c.killed != NULL)
		strlcpy(said, c.killed, CHILD_SAID_MAX);
	else if (WIFEXITED(status))
		return WEXITSTATUS(status);
	else
		snprintf(said, CHILD_SAID_MAX, "it was ended by signal %d",
		    WTERMSIG(status));
	return -1;
}
