/*
 * Looks into the rings every now and then: often while lines come, seldom
 * while none do, and at once when a worker says that half of a ring is full.
 * So a worker makes one system call in thousands of requests.
 *
 * What cannot be written stays in the rings, until they are full: then the
 * workers drop and count.  Nothing else of what they put there is believed.
 */
#include "master/logger.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <unistd.h>

#include "conf/boot.h"
#include "conf/conf.h"
#include "lib/array.h"
#include "lib/container.h"
#include "lib/ctlmsg.h"
#include "lib/ev.h"
#include "lib/log.h"
#include "master/logfile.h"
#include "shm/logring.h"

#define LOOK_MIN_MS 50	/* between two looks, while lines come */
#define LOOK_MAX_MS 400 /* while none do */

#define FILES_MAX 64 /* descriptors */

struct logger {
	struct ev_loop loop;
	struct boot boot;
	struct ev_io master; /* CTL_FD; fd -1: it is gone */
	struct ev_io wake;   /* borrows boot's end of the pipe */
	struct timer look;
	unsigned look_ms; /* from one to the next */
	struct logring_reader rings;
	struct logfile file;
	char directory[PATH_MAX]; /* of the file, outside of the sandbox */
	char path[PATH_MAX];	  /* of the file, inside of it */
	unsigned slot;		  /* the ring whose turn it is */
	char lines[LOGRING_BYTES];
};

static uint64_t
count_lines(const char *lines, size_t n)
{
	const char *end = lines + n;
	uint64_t count = 0;

	while ((lines = memchr(lines, '\n', (size_t)(end - lines))) != NULL) {
		count++;
		lines++;
	}
	return count;
}

/* Write a ring's lines.  False: the file takes no more for now. */
static bool
write_ring(struct logger *l, unsigned slot, bool *some)
{
	struct logring_intent intent = { .slot = slot };
	size_t n = logring_peek(&l->rings, slot, l->lines), done;

	if (n == 0)
		return true;
	if (!logfile_ready(&l->file))
		return false;
	intent.inode = l->file.inode;
	intent.size = l->file.size;
	logring_intend(&l->rings, &intent);
	done = logfile_append(&l->file, l->lines, n);
	logring_take(&l->rings, slot, done, count_lines(l->lines, done));
	*some = *some || done > 0;
	return done == n;
}

/* Once a look: who reads the event log should know. */
static void
tell_dropped(struct logger *l)
{
	struct logring_counts counts;

	logring_counts(&l->rings, &counts);
	if (counts.dropped == counts.told)
		return;
	log_event(LOG_WARNING, "access-log-dropped", "lines=%llu",
	    (unsigned long long)(counts.dropped - counts.told));
	logring_told(&l->rings, counts.dropped);
}

/* Write all that is there; true: there was something. */
static bool
write_all(struct logger *l)
{
	bool some = false;

	for (unsigned i = 0; i < l->rings.slots; i++) {
		if (!write_ring(l, l->slot, &some))
			return some;
		l->slot = (l->slot + 1) % l->rings.slots;
	}
	if (some)
		tell_dropped(l);
	return some;
}

static void
on_look(struct timer *t)
{
	struct logger *l = container_of(t, struct logger, look);

	if (write_all(l))
		l->look_ms = LOOK_MIN_MS;
	else if (l->look_ms < LOOK_MAX_MS)
		l->look_ms *= 2;
	timer_set(&l->loop.timers, t, l->loop.now_ms + l->look_ms);
}

static void
on_wake(struct ev_io *io, uint32_t events)
{
	struct logger *l = container_of(io, struct logger, wake);
	char bytes[64];
	ssize_t n = read(io->fd, bytes, sizeof(bytes));

	(void)events;
	if (n >= 0)
		write_all(l);
	if (n == 0) /* nobody has the other end: neither master nor workers */
		ev_stop(&l->loop);
}

/* What was written before this goes to the old file. */
static void
reopen(struct logger *l)
{
	struct ctlmsg answer = { .type = CTL_REOPENED };

	write_all(l);
	if (logfile_reopen(&l->file))
		log_event(LOG_INFO, "access-log-reopened", "%s", l->file.name);
	else
		answer.arg = (uint32_t)errno;
	if (ctlmsg_send(l->master.fd, &answer, -1) == -1)
		log_event(LOG_WARNING, "reopen-unanswered", "%m");
}

static void
on_master(struct ev_io *io, uint32_t events)
{
	struct logger *l = container_of(io, struct logger, master);
	struct ctlmsg m;
	int rc = ctlmsg_recv(io->fd, &m, NULL);

	(void)events;
	if (rc == -1 && (errno == EAGAIN || errno == EINTR))
		return;
	if (rc != 1) { /* it is gone; as long as workers serve, so do we */
		log_event(LOG_WARNING, "master-gone", "writing on");
		ev_del(&l->loop, io);
		io->fd = -1; /* open yet: crash_watch() has its number */
	} else if (m.type == CTL_REOPEN) {
		reopen(l);
	} else if (m.type == CTL_DRAIN) { /* there is no worker any more */
		write_all(l);
		ev_stop(&l->loop);
	}
}

/* Whose lock it is; 0: nobody else's. */
static pid_t
other_logger(int marks)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };

	return fcntl(marks, F_GETLK, &lock) == 0 && lock.l_type != F_UNLCK
		   ? lock.l_pid
		   : 0;
}

/*
 * Be the one that reads the rings.  Where systemd has kept them, that of a dead
 * master does so yet; what it is about the marks tell.  The lock is a process's
 * own: both may have the same description.  -1 with errno.
 */
static int
replace_other(int marks)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	pid_t other = other_logger(marks);
	int fd = other > 0 ? pidfd_open(other, 0) : -1;

	if (fd != -1 && other_logger(marks) == other) {
		log_event(LOG_NOTICE, "logger-replaced", "pid=%d", (int)other);
		pidfd_send_signal(fd, SIGKILL, NULL, 0);
	}
	if (fd != -1)
		close(fd);
	return fcntl(marks, F_SETLKW, &lock);
}

/* The last logger was killed while it wrote: that is in the file already. */
static void
go_on(struct logger *l)
{
	struct logring_intent intent;
	uint64_t done;

	if (!logring_unfinished(&l->rings, &intent) ||
	    !logfile_ready(&l->file) || l->file.inode != intent.inode ||
	    l->file.size < intent.size)
		return;
	done = l->file.size - intent.size;
	if (done > logring_peek(&l->rings, intent.slot, l->lines))
		return; /* somebody else wrote there */
	logring_take(&l->rings, intent.slot, done, count_lines(l->lines, done));
	l->slot = intent.slot; /* first the rest of its line */
}

/* Files, that is: no sockets. */
static const struct syscall_rule calls[] = {
	CALL("fstatfs"),
	CALL("ftruncate"),
	CALL("open"),
	CALL("openat"),
};

/* Its directory is all that is left of the tree.  -1 after saying why. */
static int
enter_sandbox(struct logger *l)
{
	const char *path = l->boot.conf->access_log;
	const char *slash = strrchr(path, '/'); /* the first byte, at least */
	const char *inside;

	snprintf(l->directory, sizeof(l->directory), "%.*s",
	    slash == path ? 1 : (int)(slash - path), path);
	if (boot_enter_sandbox(
		&l->boot, (struct sandbox){ .directory = l->directory,
			      .no_children = true,
			      .files = FILES_MAX,
			      .umask = 027 }) == -1)
		return -1;
	inside = boot_inside(&l->boot, l->directory);
	snprintf(l->path, sizeof(l->path), "%s%s",
	    strcmp(inside, "/") == 0 ? "" : inside, slash);
	return 0;
}

/* -1 after saying why. */
static int
start(struct logger *l)
{
	const struct conf *conf = l->boot.conf;

	log_open((enum log_sink)conf->log_sink, "logger", conf->log_priority);
	if (replace_other(l->boot.segment_fds[SEGMENT_LOG_MARKS]) == -1) {
		log_event(LOG_ERR, "logger-start", "marks: %m");
		return -1;
	}
	if (enter_sandbox(l) == -1)
		return -1;
	l->master = (struct ev_io){ .fd = CTL_FD, .ready = on_master };
	l->wake = (struct ev_io){ .fd = l->boot.log_wake, .ready = on_wake };
	l->look.fire = on_look;
	l->look_ms = LOOK_MIN_MS;
	if (logring_reader_open(&l->rings,
		l->boot.segment_fds[SEGMENT_LOG_RINGS],
		l->boot.segment_fds[SEGMENT_LOG_MARKS], true) == -1) {
		log_event(LOG_ERR, "logger-start", "rings: %m");
		return -1;
	}
	if (ev_add(&l->loop, &l->master, EPOLLIN) == -1 ||
	    ev_add(&l->loop, &l->wake, EPOLLIN) == -1) {
		log_event(LOG_ERR, "logger-start", "%m");
		return -1;
	}
	logfile_init(
	    &l->file, conf->access_log, l->path, conf->access_log_space_min);
	logfile_ready(&l->file); /* else later */
	go_on(l);
	timer_set(&l->loop.timers, &l->look, l->loop.now_ms);
	return 0;
}

int
logger_main(void)
{
	static struct logger logger;
	struct ctlmsg ready = { .type = CTL_READY };
	int status = EXIT_FAILURE;

	signal(SIGPIPE, SIG_IGN);
	log_open(LOG_TO_STDERR, "logger", LOG_INFO);
	if (boot_receive(&logger.boot, CTL_FD) == -1 ||
	    ev_init(&logger.loop) == -1)
		return EXIT_FAILURE;
	if (start(&logger) == 0 &&
	    boot_allow_calls(logger.boot.conf, calls, nitems(calls)) == 0 &&
	    ctlmsg_send(CTL_FD, &ready, -1) == 0) {
		ev_run(&logger.loop);
		status = EXIT_SUCCESS;
	}
	logfile_close(&logger.file);
	if (logger.rings.rings != NULL)
		logring_reader_close(&logger.rings);
	ev_release(&logger.loop);
	boot_release(&logger.boot);
	return status;
}
