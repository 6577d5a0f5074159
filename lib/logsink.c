/* Writes lines without waiting, and keeps what could not be written yet. */
#include "lib/logsink.h"

#include <errno.h>
#include <paths.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "lib/addr.h"
#include "lib/array.h"

#define END_TRIES 5
#define END_WAIT_MS 50 /* each: at the end of a process, and there only */

enum sent {
	SENT,
	LATER,	/* its reader is behind */
	NOWHERE /* there is none */
};

static struct {
	pthread_mutex_t lock;
	enum log_sink sink;
	int syslog;	  /* a socket; -1: there is none */
	size_t ending;	  /* bytes that end a line there: 1 in a stream */
	size_t sent;	  /* bytes of the next line that it has */
	bool ends;	  /* by logsink_finish() */
	bool works;	  /* the last line that was tried was written */
	uint64_t dropped; /* and not told */
	atomic_size_t to;
	size_t from;		     /* kept is what lies between them: */
	char kept[LOGSINK_KEPT_MAX]; /* two bytes of length, and the line */
} out = { .lock = PTHREAD_MUTEX_INITIALIZER, .syslog = -1 };

/* -1 with errno. */
static int
connect_to(int type)
{
	struct addr to;
	int saved, fd;

	if (!addr_parse(&to, _PATH_LOG))
		return -1;
	fd = socket(AF_UNIX, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd == -1 || connect(fd, &to.u.sa, to.len) == 0)
		return fd;
	saved = errno; /* close() may change it */
	close(fd);
	errno = saved;
	return -1;
}

/*
 * Datagrams, or what RFC 6587 section 3.4.2 calls non-transparent framing, as
 * syslog(3) does.  Confined processes may not make sockets: they stay without
 * one.
 */
static bool
connect_syslog(void)
{
	if (out.syslog != -1)
		close(out.syslog);
	out.sent = 0;
	out.ending = 0;
	out.syslog = connect_to(SOCK_DGRAM);
	if (out.syslog == -1 && errno == EPROTOTYPE) {
		out.ending = 1;
		out.syslog = connect_to(SOCK_STREAM);
	}
	return out.syslog != -1;
}

/* Of a line that was sent in part, LATER sends the rest. */
static enum sent
send_syslog(const char *line, size_t len)
{
	struct iovec parts[] = { { (char *)line + out.sent, len - out.sent },
		{ (char *)"", out.ending } };
	struct msghdr msg = { .msg_iov = parts, .msg_iovlen = nitems(parts) };
	ssize_t n;

	if (out.syslog == -1)
		return NOWHERE;
	n = sendmsg(out.syslog, &msg, MSG_DONTWAIT | MSG_NOSIGNAL);
	if (n == -1)
		return errno == EAGAIN || errno == ENOBUFS || errno == EINTR
			   ? LATER
			   : NOWHERE;
	out.sent += (size_t)n;
	if (out.sent < len + out.ending)
		return LATER;
	out.sent = 0;
	return SENT;
}

/* Others may share it, so its flags are theirs as well. */
static enum sent
write_stderr(const char *line, size_t len)
{
	struct pollfd fd = { .fd = STDERR_FILENO, .events = POLLOUT };

	if (poll(&fd, 1, 0) == 0)
		return LATER;
	if (write(STDERR_FILENO, line, len) != -1)
		return SENT; /* one write(2) a line: they do not mix */
	return errno == EAGAIN || errno == EINTR ? LATER : NOWHERE;
}

static enum sent
try(const char *line, size_t len)
{
	enum sent sent;

	if (out.sink == LOG_TO_STDERR) {
		sent = write_stderr(line, len);
	} else {
		sent = send_syslog(line, len);
		if (sent == NOWHERE && connect_syslog()) /* another daemon */
			sent = send_syslog(line, len);
	}
	out.works = sent == SENT;
	return sent;
}

static void
keep(const char *line, uint16_t len)
{
	size_t to = out.to;

	if (sizeof(out.kept) - to < sizeof(len) + len) {
		memmove(out.kept, out.kept + out.from, to - out.from);
		to -= out.from;
		out.from = 0;
	}
	if (sizeof(out.kept) - to < sizeof(len) + len) {
		out.dropped++;
	} else {
		memcpy(out.kept + to, &len, sizeof(len));
		memcpy(out.kept + to + sizeof(len), line, len);
		to += sizeof(len) + len;
	}
	out.to = to;
}

static void
flush(void)
{
	uint16_t len;
	enum sent sent;

	while (out.from < out.to) {
		memcpy(&len, out.kept + out.from, sizeof(len));
		sent = try(out.kept + out.from + sizeof(len), len);
		if (sent == LATER)
			return;
		out.dropped += sent == NOWHERE;
		out.from += sizeof(len) + len;
	}
	out.from = 0;
	out.to = 0;
}

void
logsink_write(const char *line, size_t len)
{
	enum sent sent = LATER;

	pthread_mutex_lock(&out.lock);
	flush();
	if (out.to == 0)
		sent = try(line, len);
	if (sent == LATER)
		keep(line, (uint16_t)len);
	out.dropped += sent == NOWHERE;
	pthread_mutex_unlock(&out.lock);
}

void
logsink_flush(void)
{
	pthread_mutex_lock(&out.lock);
	flush();
	pthread_mutex_unlock(&out.lock);
}

bool
logsink_waits(void)
{
	return out.to > 0;
}

uint64_t
logsink_take_dropped(void)
{
	uint64_t dropped = 0;

	pthread_mutex_lock(&out.lock);
	if (out.works && out.to == 0) {
		dropped = out.dropped;
		out.dropped = 0;
	}
	pthread_mutex_unlock(&out.lock);
	return dropped;
}

void
logsink_finish(void)
{
	struct pollfd fd = { .fd = out.sink == LOG_TO_STDERR ? STDERR_FILENO
							     : out.syslog,
		.events = POLLOUT };

	for (int i = 0; i < END_TRIES && logsink_waits(); i++) {
		poll(&fd, 1, END_WAIT_MS);
		logsink_flush();
	}
}

/* Count what was kept for where nothing goes any more. */
static void
drop_kept(void)
{
	uint16_t len;

	for (; out.from < out.to; out.from += sizeof(len) + len) {
		memcpy(&len, out.kept + out.from, sizeof(len));
		out.dropped++;
	}
	out.from = 0;
	out.to = 0;
}

void
logsink_open(enum log_sink sink)
{
	pthread_mutex_lock(&out.lock);
	if (sink != out.sink) {
		flush();
		drop_kept();
		out.works = false;
		out.sink = sink;
	}
	if (out.syslog != -1)
		close(out.syslog);
	out.syslog = -1;
	if (sink == LOG_TO_SYSLOG) {
		tzset(); /* while its files can be read */
		connect_syslog();
	}
	/* the last lines say how it ended */
	if (!out.ends)
		out.ends = atexit(logsink_finish) == 0;
	pthread_mutex_unlock(&out.lock);
}
