/* Writes the datagrams of sd_notify(3), which is all there is to it. */
#include "master/notify.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

#include "lib/clock.h"
#include "lib/container.h"
#include "lib/log.h"
#include "master/fdstore.h"

/* NOTIFY_SOCKET is a path, or "@" and an abstract name.  False: neither. */
static bool
find_socket(struct sockaddr_un *to, socklen_t *len)
{
	const char *path = getenv("NOTIFY_SOCKET");
	size_t n = path == NULL ? 0 : strlen(path);

	*to = (struct sockaddr_un){ .sun_family = AF_UNIX };
	if (n == 0 || n >= sizeof(to->sun_path))
		return false;
	memcpy(to->sun_path, path, n);
	if (*path == '@')
		to->sun_path[0] = '\0';
	*len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n);
	return true;
}

/* False after logging it, or there is nobody. */
static bool
send_to_starter(const char *text, const int *fds, size_t n, int flags)
{
	char control[CMSG_SPACE(NOTIFY_FDS_MAX * sizeof(int))] = { 0 };
	const struct timeval patience = { .tv_sec = 1 };
	struct sockaddr_un to;
	struct iovec iov = { (void *)text, strlen(text) };
	struct msghdr msg = {
		.msg_name = &to, .msg_iov = &iov, .msg_iovlen = 1
	};
	struct cmsghdr *c;
	bool sent;
	int fd;

	if (!find_socket(&to, &msg.msg_namelen))
		return false;
	if (n > 0) {
		assert(n <= NOTIFY_FDS_MAX);
		msg.msg_control = control;
		msg.msg_controllen = CMSG_SPACE(n * sizeof(int));
		c = CMSG_FIRSTHDR(&msg);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(n * sizeof(int));
		memcpy(CMSG_DATA(c), fds, n * sizeof(int));
	}
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	sent = fd != -1 &&
	       setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience,
		   sizeof(patience)) == 0 &&
	       sendmsg(fd, &msg, MSG_NOSIGNAL | flags) != -1;
	if (!sent)
		log_event(LOG_WARNING, "notify-failed", "%s: %s",
		    getenv("NOTIFY_SOCKET"), strerror(errno));
	if (fd != -1)
		close(fd);
	return sent;
}

/* It may have more to read than its queue holds: wait, not for long. */
bool
notify_send(const char *text, const int *fds, size_t n)
{
	return send_to_starter(text, fds, n, 0);
}

static void
say(const char *text)
{
	send_to_starter(text, NULL, 0, MSG_DONTWAIT);
}

/* As often again as it wants, half of its time in between. */
static void
feed(struct timer *t)
{
	struct master *m = container_of(t, struct master, watchdog);

	say("WATCHDOG=1");
	timer_set(&m->loop.timers, t, m->loop.now_ms + m->watchdog_ms / 2);
}

void
notify_ready(struct master *m)
{
	char text[128];

	snprintf(text, sizeof(text),
	    "READY=1\nSTATUS=serving with %u workers\nMAINPID=%ld",
	    m->conf->workers, (long)getpid());
	say(text);
	fdstore_keep(m);
}

void
notify_reloading(struct master *m)
{
	char text[128];

	snprintf(text, sizeof(text),
	    "RELOADING=1\nMONOTONIC_USEC=%llu\nSTATUS=reading %.60s",
	    (unsigned long long)clock_mono_ms() * 1000, m->conf_path);
	say(text);
}

void
notify_stopping(struct master *m)
{
	say(m->phase == PHASE_DRAINING
		? "STOPPING=1\nSTATUS=finishing the requests under way"
		: "STOPPING=1\nSTATUS=ending");
}

void
notify_watch(struct master *m)
{
	const char *usec = getenv("WATCHDOG_USEC");
	const char *pid = getenv("WATCHDOG_PID");

	if (usec == NULL || (pid != NULL && strtol(pid, NULL, 10) != getpid()))
		return;
	m->watchdog_ms = strtoul(usec, NULL, 10) / 1000;
	m->watchdog.fire = feed;
	if (m->watchdog_ms >= 2)
		feed(&m->watchdog);
}
