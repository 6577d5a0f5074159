/*
 * Starts children by fork and exec of the program's own descriptor: the path
 * may lead to another version by now.
 */
#include "master/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "conf/conf.h"
#include "lib/array.h"
#include "lib/crash.h"
#include "lib/ctlmsg.h"
#include "lib/log.h"
#include "master/beside.h"
#include "master/certs.h"
#include "master/challenges.h"
#include "master/contain.h"
#include "master/listeners.h"
#include "master/logger.h"
#include "master/lookup.h"
#include "master/master.h"
#include "master/segments.h"
#include "master/upgrade.h"
#include "registrar/registrar.h"
#include "worker/worker.h"

/* With the role and a worker's slot, ps(1) shows "dynproxyd: worker 0". */
#define CHILD_ARGV0 "dynproxyd:"

static const struct {
	const char *name;
	int (*main)(void);
	unsigned listeners; /* kinds that it gets, as bits */
	int log_wake;	    /* the end of that pipe that it gets; -1: none */
} roles[] = {
	[ROLE_WORKER] = { "worker", worker_main,
	    1u << LISTEN_HTTP | 1u << LISTEN_HTTPS, 1 },
	[ROLE_REGISTRAR] = { "registrar", registrar_main,
	    1u << LISTEN_REGISTRATION | 1u << LISTEN_ADMIN |
		1u << LISTEN_CONTROL,
	    -1 },
	[ROLE_LOGGER] = { "logger", logger_main, 0, 0 },
	[ROLE_LOOKUP] = { "lookup", lookup_main, 0, -1 },
};

/* The environment is not theirs, but for how these libraries talk. */
static const char *const kept_variables[] = { "ASAN_OPTIONS", "LSAN_OPTIONS",
	"TSAN_OPTIONS", "UBSAN_OPTIONS", "JOURNAL_STREAM", "TZ" };

#define NVARIABLES nitems(kept_variables)

const char *
child_name(const struct child *child, char out[CHILD_NAME_MAX])
{
	const char *role = roles[child->role].name;

	if (child->role == ROLE_WORKER)
		snprintf(out, CHILD_NAME_MAX, "%s %u", role, child->slot);
	else
		snprintf(out, CHILD_NAME_MAX, "%s", role);
	return out;
}

void
spawn_enter(int argc, char **argv)
{
	if (argc > 2 && strcmp(argv[1], "probe") == 0)
		_exit(upgrade_probe(argv[2])); /* with all that it has */
	/* argv[0] says nothing: valgrind(1) puts the program's path there */
	for (size_t i = 0; argc > 1 && i < ROLE_COUNT; i++)
		if (strcmp(argv[1], roles[i].name) == 0) {
			/* fexecve(3) leaves the number of a descriptor here */
			prctl(PR_SET_NAME, "dynproxyd");
			crash_watch(CTL_FD);
			exit(roles[i].main());
		}
}

/* -1: it was logged. */
static int
made(int fd, const char *what)
{
	if (fd == -1)
		log_event(LOG_CRIT, "fatal", "%s: %s", what, strerror(errno));
	return fd;
}

int
spawn_prepare(struct master *m)
{
	int fd;

	/* above the descriptors that a child finds at fixed places */
	fd = made(open("/proc/self/exe", O_RDONLY | O_CLOEXEC), "own program");
	m->exe_fd = fd == -1 ? -1 : fcntl(fd, F_DUPFD_CLOEXEC, CTL_FD + 1);
	if (fd != -1)
		close(fd);

	/* both ends stay here: a successor goes on where the last one was */
	if (m->lookup[0] == -1 &&
	    made(socketpair(
		     AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, m->lookup),
		"socket for lookups") == -1)
		return -1;
	if (m->log_wake[0] == -1 &&
	    made(pipe2(m->log_wake, O_NONBLOCK | O_CLOEXEC), "pipe") == -1)
		return -1;
	if (m->exe_fd == -1)
		return -1;
	return segments_make(m);
}

void
spawn_release(struct master *m)
{
	for (size_t i = 0; i < 2; i++)
		if (m->lookup[i] != -1)
			close(m->lookup[i]);
	segments_release(m);
	challenges_release(m);
	for (size_t i = 0; i < 2; i++)
		if (m->log_wake[i] != -1)
			close(m->log_wake[i]);
	if (m->exe_fd != -1)
		close(m->exe_fd);
}

/* Put descriptors where a child finds them; nothing else of ours passes. */
static int
arrange_descriptors(const struct master *m, int sock)
{
	bool silent = !m->foreground && m->conf->log_sink == LOG_TO_SYSLOG;
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (null == -1 || dup2(null, STDIN_FILENO) == -1 ||
	    dup2(null, STDOUT_FILENO) == -1 ||
	    (silent && dup2(null, STDERR_FILENO) == -1))
		return -1;
	if (sock == CTL_FD)
		return fcntl(sock, F_SETFD, 0);
	return dup2(sock, CTL_FD) == -1 ? -1 : 0;
}

/* Between fork and exec: become the child. */
static void __attribute__((noreturn))
execute(const struct child *child, int sock)
{
	char slot[12];
	char *argv[] = { (char *)CHILD_ARGV0, (char *)roles[child->role].name,
		child->role == ROLE_WORKER ? slot : NULL, NULL };
	char variables[NVARIABLES][1024], *envp[NVARIABLES + 1];
	size_t n = 0;
	sigset_t none;

	snprintf(slot, sizeof(slot), "%u", child->slot);
	for (size_t i = 0; i < NVARIABLES; i++) {
		const char *value = getenv(kept_variables[i]);

		if (value == NULL)
			continue;
		snprintf(variables[n], sizeof(variables[n]), "%s=%s",
		    kept_variables[i], value);
		envp[n] = variables[n];
		n++;
	}
	envp[n] = NULL;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	setpgid(0, 0); /* Ctrl-C is for the master, which knows the order */
	if (arrange_descriptors(child->master, sock) == 0) {
		/* those that our own starter left open, too */
		close_range(CTL_FD + 1, ~0u, CLOSE_RANGE_CLOEXEC);
		fexecve(child->master->exe_fd, argv, envp);
	}
	log_event(LOG_ERR, "exec-failed", "%s", strerror(errno));
	_exit(1);
}

/* -1: it gets none. */
static int
lookup_end(const struct child *child)
{
	switch (child->role) {
	case ROLE_REGISTRAR:
		return child->master->lookup[0];
	case ROLE_LOOKUP:
		return child->master->lookup[1];
	default:
		return -1;
	}
}

/* A descriptor that goes with its message; -1: there is none to go. */
static bool
send_fd(int sock, enum ctl_type type, size_t which, int fd)
{
	const struct ctlmsg msg = { .type = type, .arg = (uint32_t)which };

	return fd == -1 || ctlmsg_send(sock, &msg, fd) == 0;
}

/* What goes by the configuration: at the start, and with each reload. */
static bool
send_configuration(const struct child *child, int sock)
{
	const struct master *m = child->master;
	bool sent = send_fd(sock, CTL_CONFIG, 0, m->config_fd[child->role]);

	if (child->role != ROLE_WORKER)
		return sent;
	sent = sent && send_fd(sock, CTL_CERTIFICATES, 0, certs_fd(m));
	for (size_t i = 0; sent && i < SITE_FILE_COUNT; i++)
		sent = send_fd(sock, CTL_SITE_FILE, i, m->site_fds[i]);
	return sent;
}

bool
spawn_apply(const struct child *child)
{
	const struct ctlmsg apply = { .type = CTL_APPLY };

	return child->ctl.fd != -1 &&
	       send_configuration(child, child->ctl.fd) &&
	       ctlmsg_send(child->ctl.fd, &apply, -1) == 0;
}

static bool
send_user(const struct child *child, int sock)
{
	const struct sandbox_user *user = &child->master->users[child->role];
	const struct ctlmsg msg = { CTL_USER, user->uid, user->gid, "" };

	return user->uid == SANDBOX_NOBODY || ctlmsg_send(sock, &msg, -1) == 0;
}

static bool
send_segments(const struct child *child, int sock)
{
	bool sent = true;

	for (uint32_t i = 0; sent && i < SEGMENT_COUNT; i++)
		sent = send_fd(sock, CTL_SEGMENT, i,
		    segment_fd(child->master, i, child->role));
	return sent;
}

/* The child alone keeps it: with its end it is gone. */
static bool
send_presence(const struct child *child, int sock)
{
	bool sent;
	int fd;

	if (child->role != ROLE_WORKER && child->role != ROLE_REGISTRAR)
		return true;
	fd = beside_presence_of(child);
	sent = fd != -1 && send_fd(sock, CTL_PRESENCE, 0, fd);
	if (fd != -1)
		close(fd);
	return sent;
}

/* An address's sockets: with those of workers that are no more. */
static bool
send_listener(const struct child *child, int sock, size_t which)
{
	const struct listeners *l = child->master->listeners;
	unsigned step =
	    child->role == ROLE_WORKER ? child->master->conf->workers : 1;
	bool sent = true;

	for (unsigned slot = child->slot; sent && slot < l->slots; slot += step)
		sent = send_fd(
		    sock, CTL_LISTENER, which, listener_fd(l, which, slot));
	return sent;
}

static bool
send_listeners(const struct child *child, int sock)
{
	const struct conf *conf = child->master->conf;
	unsigned kinds = roles[child->role].listeners;
	bool sent = true;

	for (size_t i = 0; sent && i < conf->nlisteners; i++)
		if (kinds & 1u << conf->listeners[i].kind)
			sent = send_listener(child, sock, i);
	return sent;
}

/* All that boot_receive() waits for.  -1 with errno. */
static int
hand_over(const struct child *child, int sock)
{
	const struct master *m = child->master;
	const struct ctlmsg start = { CTL_START, child->ring, child->slot, "" };
	int wake = roles[child->role].log_wake;
	bool sent = send_configuration(child, sock) && send_user(child, sock) &&
		    send_segments(child, sock) &&
		    send_fd(sock, CTL_LOOKUP, 0, lookup_end(child)) &&
		    send_fd(sock, CTL_LOG_WAKE, 0,
			wake == -1 ? -1 : m->log_wake[wake]) &&
		    send_fd(sock, CTL_CHALLENGES, 0,
			child->role == ROLE_WORKER ? m->challenges : -1) &&
		    send_presence(child, sock) && send_listeners(child, sock);

	return sent && ctlmsg_send(sock, &start, -1) == 0 ? 0 : -1;
}

int
spawn_child(struct child *child)
{
	int pair[2], saved;
	pid_t pid;

	if (contain_hand_over(child->master, child->role) == -1 ||
	    socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) == -1)
		return -1;
	/* ours is non-blocking: a child that reads nothing stops nobody */
	if (fcntl(pair[0], F_SETFL, O_NONBLOCK) == -1 ||
	    hand_over(child, pair[0]) == -1 || (pid = fork()) == -1) {
		saved = errno; /* close() may change it */
		close(pair[0]);
		close(pair[1]);
		errno = saved;
		return -1;
	}
	if (pid == 0)
		execute(child, pair[1]);
	close(pair[1]);
	child->pid = pid;
	child->ctl.fd = pair[0];
	return 0;
}
