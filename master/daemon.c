/* Detaches from the terminal, not before there is something to detach. */
#include "master/daemon.h"

#include <bsd/libutil.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "conf/conf.h"
#include "lib/log.h"

static int waiting = -1; /* a pipe to the process that waits; -1: none */
static struct pidfh *pid_file;
static struct pidfh *next_file; /* of a reload under way; NULL: the same */

/* In the process that was called: 0 as soon as a byte comes, 1 at the end. */
static void __attribute__((noreturn)) wait_for(int fd)
{
	char byte;
	ssize_t n = TEMP_FAILURE_RETRY(read(fd, &byte, 1));

	_exit(n == 1 ? 0 : 1);
}

int
daemon_begin(void)
{
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) == -1)
		return -1;
	switch (fork()) {
	case -1:
		return -1;
	case 0:
		close(ends[0]);
		waiting = ends[1];
		return setsid() == -1 || chdir("/") == -1 ? -1 : 0;
	default:
		close(ends[1]);
		wait_for(ends[0]);
	}
}

/* -1: it was logged why not. */
static int
lock(struct pidfh **file, const struct conf *conf)
{
	pid_t other = -1;

	*file = pidfile_open(conf->pid_file, 0644, &other);
	if (*file != NULL)
		return 0;
	if (errno == EEXIST)
		log_event(LOG_CRIT, "fatal",
		    "pid_file %s: dynproxyd runs already, pid %d",
		    conf->pid_file, other);
	else
		log_event(LOG_CRIT, "fatal", "pid_file %s: %s", conf->pid_file,
		    strerror(errno));
	return -1;
}

int
daemon_lock(const struct conf *conf)
{
	return lock(&pid_file, conf);
}

int
daemon_lock_next(const struct conf *conf)
{
	return lock(&next_file, conf);
}

static void
write_file(const struct conf *conf)
{
	if (pidfile_write(pid_file) == -1)
		log_event(LOG_ERR, "pid-file-failed", "%s: %s", conf->pid_file,
		    strerror(errno));
}

void
daemon_settle(const struct conf *conf, bool good)
{
	struct pidfh *next = next_file, *other = next_file;

	if (next == NULL)
		return;
	next_file = NULL;
	if (good) {
		other = pid_file;
		pid_file = next;
		write_file(conf);
	}
	pidfile_remove(other);
}

void
daemon_leave_terminal(const struct conf *conf)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (null == -1)
		return;
	dup2(null, STDIN_FILENO);
	dup2(null, STDOUT_FILENO);
	if (conf->log_sink == LOG_TO_SYSLOG)
		dup2(null, STDERR_FILENO);
	close(null);
}

void
daemon_ready(const struct conf *conf)
{
	write_file(conf);
	/* first: what is kept for the terminal is not for /dev/null */
	log_open((enum log_sink)conf->log_sink, "master", conf->log_priority);
	daemon_leave_terminal(conf);
	if (waiting != -1 &&
	    write(waiting, "", 1) == -1) /* it was killed: nobody waits */
		log_event(LOG_INFO, "nobody-waits", "%s", strerror(errno));
	if (waiting != -1)
		close(waiting);
	waiting = -1;
}

void
daemon_end(void)
{
	if (pid_file != NULL)
		pidfile_remove(pid_file);
	if (next_file != NULL)
		pidfile_remove(next_file);
	pid_file = next_file = NULL;
}
