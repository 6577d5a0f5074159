/*
 * Only whole messages come through, no descriptor is left over, and types keep
 * their numbers.
 */
#include "lib/ctlmsg.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "t/tap.h"

static int pair[2];

static void
pair_open(void)
{
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, pair) == -1)
		diag("socketpair: %m");
}

static void
pair_close(void)
{
	close(pair[0]);
	close(pair[1]);
}

static int
count_open(void)
{
	int count = 0;

	for (int fd = 0; fd < 256; fd++)
		count += fcntl(fd, F_GETFD) != -1;
	return count;
}

static bool
same_file(int a, int b)
{
	struct stat sa, sb;

	return fstat(a, &sa) == 0 && fstat(b, &sb) == 0 &&
	       sa.st_ino == sb.st_ino && sa.st_dev == sb.st_dev;
}

/* The lowest that is free. */
static int
next_fd(void)
{
	int fd = dup(STDIN_FILENO);

	close(fd);
	return fd;
}

static void
whole(void)
{
	struct ctlmsg m = { CTL_LISTENER, 7, UINT64_MAX, "hello" }, got;
	int fd, null = open("/dev/null", O_RDONLY);

	pair_open();
	is_int(ctlmsg_send(pair[0], &m, -1), 0, "send");
	is_int(ctlmsg_recv(pair[1], &got, &fd), 1, "receive");
	ok(memcmp(&m, &got, sizeof(m)) == 0, "the same");
	is_int(fd, -1, "without a descriptor");

	is_int(ctlmsg_send(pair[0], &m, null), 0, "send with a descriptor");
	is_int(ctlmsg_recv(pair[1], &got, &fd), 1, "receive");
	ok(fd != -1 && fd != null && same_file(fd, null), "a copy of it");
	is_int(fcntl(fd, F_GETFD), FD_CLOEXEC, "close-on-exec");
	ok(fcntl(null, F_GETFD) != -1, "the sender's stays open");
	close(fd);

	ctlmsg_send(pair[0], &m, null);
	fd = next_fd();
	is_int(ctlmsg_recv(pair[1], &got, NULL), 1, "receive without");
	is_int(next_fd(), fd, "then it is closed");
	close(null);

	memset(m.text, 'x', sizeof(m.text));
	ctlmsg_send(pair[0], &m, -1);
	ctlmsg_recv(pair[1], &got, &fd);
	is_int((long long)strnlen(got.text, sizeof(got.text)),
	    sizeof(got.text) - 1, "text is always terminated");

	errno = 0;
	ok(ctlmsg_recv(pair[1], &got, &fd) == -1 && errno == EAGAIN && fd == -1,
	    "EAGAIN: no message yet");
	pair_close();
}

/* Send n bytes with as many descriptors, as ctlmsg_send() never would. */
static void
send_raw(size_t n, size_t descriptors)
{
	static char bytes[1024];
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(3 * sizeof(int))];
	} control = { .bytes = { 0 } };
	struct iovec iov = { bytes, n };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	struct cmsghdr *c = &control.align;

	if (descriptors > 0) {
		int fds[3] = { STDOUT_FILENO, STDOUT_FILENO, STDOUT_FILENO };

		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(descriptors * sizeof(int));
		memcpy(CMSG_DATA(c), fds, descriptors * sizeof(int));
		msg.msg_control = &control;
		msg.msg_controllen = CMSG_SPACE(descriptors * sizeof(int));
	}
	if (sendmsg(pair[0], &msg, 0) != (ssize_t)n)
		diag("sendmsg: %m");
}

static const struct {
	const char *what;
	size_t bytes, descriptors;
} bad[] = {
	{ "one byte", 1, 0 },
	{ "a byte too few", sizeof(struct ctlmsg) - 1, 0 },
	{ "a byte too many", sizeof(struct ctlmsg) + 1, 0 },
	{ "far too many", 1024, 0 },
	{ "too few with a descriptor", 1, 1 },
	{ "too many with a descriptor", 1024, 1 },
	{ "two descriptors", sizeof(struct ctlmsg), 2 },
	{ "three descriptors", sizeof(struct ctlmsg), 3 },
};

static void
refused(void)
{
	struct ctlmsg m;
	int fd, before;

	pair_open();
	before = count_open();
	for (size_t i = 0; i < nitems(bad); i++) {
		send_raw(bad[i].bytes, bad[i].descriptors);
		errno = 0;
		ok(ctlmsg_recv(pair[1], &m, &fd) == -1 && errno == EBADMSG,
		    "EBADMSG: %s", bad[i].what);
		ok(fd == -1 && count_open() == before, "no descriptor left");
	}
	send_raw(0, 1);
	is_int(ctlmsg_recv(pair[1], &m, &fd), 0, "empty: like the end");
	ok(fd == -1 && count_open() == before, "no descriptor left");
	pair_close();
}

static void
gone(void)
{
	struct ctlmsg m = { .type = CTL_READY };
	int fd;

	pair_open();
	close(pair[0]);
	is_int(ctlmsg_recv(pair[1], &m, &fd), 0, "the other end closed");
	errno = 0;
	ok(ctlmsg_send(pair[1], &m, -1) == -1 && errno == EPIPE,
	    "sending to it: EPIPE, and no signal");
	close(pair[1]);

	pair_open();
	ctlmsg_send(pair[1], &m, -1);
	close(pair[0]);
	is_int(ctlmsg_recv(pair[1], &m, &fd), 0,
	    "closed with our message unread: gone as well");
	close(pair[1]);
}

/* Of the first version that somebody runs; see lib/ctlmsg.h. */
static const struct {
	const char *name;
	int is, number;
} numbers[] = {
	{ "CTL_CONFIG", CTL_CONFIG, 1 },
	{ "CTL_START", CTL_START, 11 },
	{ "CTL_LOADING", CTL_LOADING, 12 },
	{ "CTL_READY", CTL_READY, 13 },
	{ "CTL_CRASH", CTL_CRASH, 18 },
	{ "CTL_DRAIN", CTL_DRAIN, 19 },
	{ "CTL_REOPEN", CTL_REOPEN, 20 },
	{ "CTL_PING", CTL_PING, 22 },
	{ "CTL_STATUS", CTL_STATUS, 23 },
	{ "CTL_STOP", CTL_STOP, 24 },
	{ "CTL_RELOAD", CTL_RELOAD, 25 },
	{ "CTL_UPGRADE", CTL_UPGRADE, 26 },
	{ "CTL_CERTIFICATE", CTL_CERTIFICATE, 27 },
	{ "CTL_SAY", CTL_SAY, 28 },
	{ "CTL_END", CTL_END, 29 },
	{ "CTL_STOP_NOW", CTL_STOP_NOW, 30 },
	{ "SEGMENT_TABLE", SEGMENT_TABLE, 0 },
	{ "SEGMENT_HEALTH", SEGMENT_HEALTH, 5 },
	{ "SEGMENT_REQUESTS", SEGMENT_REQUESTS, 10 },
	{ "SEGMENT_UNKNOWN", SEGMENT_UNKNOWN, 11 },
};

static void
numbered(void)
{
	for (size_t i = 0; i < nitems(numbers); i++)
		is_int(numbers[i].is, numbers[i].number, "%s keeps its number",
		    numbers[i].name);
}

int
main(void)
{
	numbered();
	whole();
	refused();
	gone();
	return done();
}
