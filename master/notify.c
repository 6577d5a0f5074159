/*
 * Writes the datagrams of sd_notify(3), which is all there is to it, and reads
 * the variables of sd_listen_fds(3).
 */
#include "master/notify.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "lib/clock.h"
#include "lib/container.h"
#include "lib/log.h"
#include "master/listeners.h"

#define FIRST_FD 3 /* SD_LISTEN_FDS_START */
#define FDS_MAX 1024

/* A number in a variable that is for this process; 0: there is none. */
static unsigned long
number_in(const char *name, const char *pid_name)
{
	const char *value = getenv(name), *pid = getenv(pid_name);

	if (value == NULL || (pid != NULL && strtol(pid, NULL, 10) != getpid()))
		return 0;
	return strtoul(value, NULL, 10);
}

struct listeners *
notify_sockets(void)
{
	unsigned long n = number_in("LISTEN_FDS", "LISTEN_PID");
	struct listeners *l = NULL;

	if (n > 0 && n <= FDS_MAX && getenv("LISTEN_PID") != NULL)
		l = calloc(1, sizeof(*l));
	for (int fd = FIRST_FD; l != NULL && fd < FIRST_FD + (int)n; fd++) {
		int ours = fcntl(fd, F_DUPFD_CLOEXEC, FIRST_FD + (int)n);

		close(fd);
		if (ours != -1 && fcntl(ours, F_SETFL, O_NONBLOCK) == 0 &&
		    listeners_add_take(l, ours) == 0)
			continue;
		log_event(LOG_WARNING, "socket-refused", "fd=%d: %s", fd,
		    strerror(errno));
	}
	unsetenv("LISTEN_FDS");
	unsetenv("LISTEN_PID");
	unsetenv("LISTEN_FDNAMES");
	return l;
}

/* NOTIFY_SOCKET is a path, or "@" and an abstract name. */
static void
say(const char *text)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	const char *path = getenv("NOTIFY_SOCKET");
	size_t n = path == NULL ? 0 : strlen(path);
	int fd;

	if (n == 0 || n >= sizeof(to.sun_path))
		return;
	memcpy(to.sun_path, path, n);
	if (*path == '@')
		to.sun_path[0] = '\0';
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd == -1 ||
	    sendto(fd, text, strlen(text), MSG_NOSIGNAL,
		(const struct sockaddr *)&to,
		(socklen_t)(offsetof(struct sockaddr_un, sun_path) + n)) == -1)
		log_event(LOG_WARNING, "notify-failed", "%s: %s", path,
		    strerror(errno));
	if (fd != -1)
		close(fd);
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
	m->watchdog_ms = number_in("WATCHDOG_USEC", "WATCHDOG_PID") / 1000;
	m->watchdog.fire = feed;
	if (m->watchdog_ms >= 2 && !timer_is_set(&m->watchdog))
		feed(&m->watchdog);
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
