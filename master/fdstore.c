/*
 * Reads the variables of sd_listen_fds_with_names(3), and sends descriptors to
 * be kept, each with the name that it comes back with.
 */
#include "master/fdstore.h"

#include <bsd/string.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "conf/directives.h"
#include "conf/setting.h"
#include "lib/array.h"
#include "lib/log.h"
#include "master/listeners.h"
#include "master/notify.h"
#include "master/segments.h"

#define FIRST_FD 3 /* SD_LISTEN_FDS_START */
#define FDS_MAX 4096
#define LISTENER "listener" /* any of ours */

/* The ends of m->log_wake. */
static const char *const wake[] = { "log-wake-read", "log-wake-write" };

/* Descriptors for us; 0: there are none. */
static int
count(void)
{
	const char *n = getenv("LISTEN_FDS"), *pid = getenv("LISTEN_PID");
	long fds = n == NULL ? 0 : strtol(n, NULL, 10);

	if (pid == NULL || strtol(pid, NULL, 10) != getpid())
		return 0;
	return fds > 0 && fds <= FDS_MAX ? (int)fds : 0;
}

/* Above those that children find at fixed places.  -1 with errno. */
static int
move(int fd, int n)
{
	int ours = fcntl(fd, F_DUPFD_CLOEXEC, FIRST_FD + n);

	close(fd);
	return ours;
}

/* As in struct listener, from the name of a setting. */
static unsigned
named(const char *name)
{
	const struct directive *d = directive_find(name);

	return d != NULL && type_is_listener(d->type) ? d->kind + 1 : 0;
}

static int
take_socket(struct listeners *l, int fd, const char *name)
{
	if (fcntl(fd, F_SETFL, O_NONBLOCK) == 0)
		return listeners_add_take(l, fd, named(name));
	close(fd);
	return -1;
}

/* By its name.  -1 with errno. */
static int
take(struct master *m, struct listeners *l, int fd, const char *name)
{
	if (segment_take(m, name, fd) == 0) {
		m->handed = true;
		return 0;
	}
	for (size_t i = 0; i < nitems(wake); i++)
		if (strcmp(wake[i], name) == 0) {
			m->log_wake[i] = fd;
			return 0;
		}
	return take_socket(l, fd, name);
}

struct listeners *
fdstore_take(struct master *m)
{
	const char *variable = getenv("LISTEN_FDNAMES");
	char *names = strdup(variable == NULL ? "" : variable), *rest = names;
	int n = count();
	struct listeners *l = n > 0 ? calloc(1, sizeof(*l)) : NULL;

	for (int fd = FIRST_FD; l != NULL && fd < FIRST_FD + n; fd++) {
		const char *name = strsep(&rest, ":");
		int ours = move(fd, n);

		if (name == NULL)
			name = "";
		if (ours != -1 && take(m, l, ours, name) == 0)
			continue;
		log_event(LOG_WARNING, "socket-refused", "fd=%d: %s", fd,
		    strerror(errno));
		/* or it would come again and again; listeners are kept anew */
		if (ours != -1 && strcmp(name, LISTENER) != 0)
			fdstore_remove(name);
	}
	free(names);
	unsetenv("LISTEN_FDS");
	unsetenv("LISTEN_PID");
	unsetenv("LISTEN_FDNAMES");
	if (l != NULL)
		listeners_fit(l, m->conf);
	return l;
}

static void
keep(const char *name, const int *fds, size_t n)
{
	char text[128];

	snprintf(text, sizeof(text), "FDSTORE=1\nFDPOLL=0\nFDNAME=%s", name);
	notify_send(text, fds, n);
}

void
fdstore_remove(const char *name)
{
	char text[128];

	snprintf(text, sizeof(text), "FDSTOREREMOVE=1\nFDNAME=%s", name);
	notify_send(text, NULL, 0);
}

/* Others may have come in their place: all of them anew. */
static void
keep_listeners(const struct listeners *l)
{
	int fds[NOTIFY_FDS_MAX];
	size_t n = 0;

	fdstore_remove(LISTENER);
	for (size_t i = 0; i < l->n; i++) {
		if (l->list[i].fd != -1)
			fds[n++] = l->list[i].fd;
		if (n == 0 || (n < nitems(fds) && i + 1 < l->n))
			continue;
		keep(LISTENER, fds, n);
		n = 0;
	}
}

void
fdstore_keep(struct master *m)
{
	keep_listeners(m->listeners);
	for (unsigned i = 0; i < SEGMENT_COUNT; i++)
		keep(segment_name(i), &m->segments[i].writable, 1);
	for (size_t i = 0; i < nitems(wake); i++)
		keep(wake[i], &m->log_wake[i], 1);
}

void
fdstore_drop(void)
{
	fdstore_remove(LISTENER);
	for (unsigned i = 0; i < SEGMENT_COUNT; i++)
		fdstore_remove(segment_name(i));
	for (size_t i = 0; i < nitems(wake); i++)
		fdstore_remove(wake[i]);
}
