/* dynproxyd: reads the configuration, prepares all there is, supervises. */
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "conf/conf.h"
#include "lib/clock.h"
#include "lib/log.h"
#include "lib/stdfd.h"
#include "master/beside.h"
#include "master/certs.h"
#include "master/certs_watch.h"
#include "master/contain.h"
#include "master/ctl.h"
#include "master/daemon.h"
#include "master/directories.h"
#include "master/error_pages.h"
#include "master/fdstore.h"
#include "master/inherit.h"
#include "master/listeners.h"
#include "master/master.h"
#include "master/notify.h"
#include "master/places.h"
#include "master/reload.h"
#include "master/setup.h"
#include "master/signals.h"
#include "master/spawn.h"
#include "master/supervise.h"
#include "master/tickets.h"
#include "master/upgrade.h"
#include "master/usage.h"

static void __attribute__((noreturn)) usage(void)
{
	fputs("usage: dynproxyd [-FTt] [-c file]\n", stderr);
	exit(2);
}

/* Workers have many clients, each with a backend: as many as we may. */
static void
raise_descriptor_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) == -1)
		return;
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
}

/* The users, and what is to be theirs.  -1: it was logged what is wrong. */
static int
contain(struct master *m)
{
	const char *failed;

	if (contain_users(m) == -1)
		return -1;
	failed = contain_begin(m);
	if (failed != NULL) {
		log_event(LOG_CRIT, "fatal", "sandbox: %s: %s", failed,
		    strerror(errno));
		return -1;
	}
	if (directories_make(m) == -1)
		return -1;
	memcpy(m->former_users, m->users, sizeof(m->users));
	for (enum role role = 0; role < ROLE_COUNT; role++)
		if (contain_hand_over(m, role) == -1) {
			log_event(LOG_CRIT, "fatal", "%s: %s",
			    contain_path(m, role), strerror(errno));
			return -1;
		}
	return 0;
}

/* -1: it was logged why not. */
static int
open_loop(struct master *m)
{
	if (ev_init(&m->loop) == 0 && signals_open(m) == 0 &&
	    ctl_open(m) == 0 && supervise_init(m) == 0)
		return 0;
	log_event(LOG_CRIT, "fatal", "event loop: %s", strerror(errno));
	return -1;
}

/* Beside others, or in their place. */
static int
begin(struct master *m)
{
	if (m->inherited == NULL)
		return beside_begin(m);
	m->presence = m->inherited->presence;
	memcpy(m->segments, m->inherited->segments, sizeof(m->segments));
	return 0;
}

static int
start_children(struct master *m)
{
	notify_watch(m);
	m->configured_ms = clock_real_ms();
	usage_start(m);
	if (m->inherited != NULL)
		return upgrade_go_on(m);
	beside_place(m);
	supervise_start(m);
	return 0;
}

/* Start, serve, end.  Returns the exit status. */
static int
serve(struct master *m)
{
	struct listeners *given = fdstore_take(m);
	int status = 1;

	raise_descriptor_limit();
	if (m->inherited == NULL)
		m->places = places_for(m->conf);
	if (contain(m) == 0 && begin(m) == 0 &&
	    setup_make(m,
		m->inherited == NULL ? given : m->inherited->listeners) == 0 &&
	    (m->foreground || daemon_lock(m->conf) == 0) &&
	    spawn_prepare(m) == 0 && open_loop(m) == 0 &&
	    tickets_start(m) == 0 && certs_watch_start(m) == 0 &&
	    start_children(m) == 0) {
		ev_run(&m->loop);
		status = m->status;
	} else if (m->inherited != NULL) {
		upgrade_back_at_once(m);
	}
	listeners_free(given, given); /* whose paths are not ours to remove */
	ctl_close(m);
	reload_release(m);
	upgrade_release(m);
	places_release(m);
	signals_close(m);
	ev_release(&m->loop);
	tickets_stop(m);
	certs_watch_stop(m);
	spawn_release(m);
	setup_release(m, NULL);
	daemon_end();
	if (m->presence != -1)
		close(m->presence);
	log_event(LOG_NOTICE, "ended", "status=%d", status);
	return status;
}

static int
check(struct conf *conf, bool dump)
{
	if (dump) {
		conf_dump(conf, stdout);
		return 0;
	}
	if (!certs_check(conf) || !error_pages_check(conf))
		return 1;
	puts("configuration is fine");
	return 0;
}

/* As the file has it, for -t and -T. */
static struct conf *
read_only(const struct master *m)
{
	struct conf *conf = conf_read_file(m->conf_path, stderr);

	if (conf != NULL)
		certs_settle(conf);
	return conf;
}

/* Where our program is; another one, perhaps, by and by.  NULL: no memory. */
static char *
own_path(void)
{
	static const char gone[] = " (deleted)";
	char path[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - 1);
	size_t len = n < 0 ? 0 : (size_t)n;

	path[len] = '\0';
	if (len > strlen(gone) && strcmp(path + len - strlen(gone), gone) == 0)
		path[len - strlen(gone)] = '\0';
	return strdup(path);
}

/* What another image of this process has begun; value: of UPGRADE_VARIABLE. */
static int
take_over(struct master *m, const char *value)
{
	int fd = (int)strtol(value, NULL, 10);
	bool back = strstr(value, "back") != NULL;

	unsetenv(UPGRADE_VARIABLE);
	prctl(PR_SET_NAME, "dynproxyd"); /* not the number of a descriptor */
	inherit_keep_open(fd, false);
	m->inherited = inherit_read_take(m, fd, stderr);
	if (m->inherited == NULL)
		return 1;
	m->inherited->rollback = back;
	log_open(
	    (enum log_sink)m->conf->log_sink, "master", m->conf->log_priority);
	return serve(m);
}

/* Check the configuration, and write it for -T.  Returns the exit status. */
static int
look_only(struct master *m, bool dump)
{
	int status;

	m->conf = read_only(m);
	if (m->conf == NULL)
		return 1;
	status = check(m->conf, dump);
	conf_free(m->conf);
	return status;
}

/* From nothing.  Returns the exit status. */
static int
run(struct master *m)
{
	m->conf = setup_read(m, stderr);
	if (m->conf == NULL)
		return 1;
	/* a daemon speaks to its caller until it is ready */
	log_open(
	    m->foreground ? (enum log_sink)m->conf->log_sink : LOG_TO_STDERR,
	    "master", m->conf->log_priority);
	if (!m->foreground && daemon_begin() == -1)
		fatal("daemon: %s", strerror(errno));
	return serve(m);
}

/* Set m->foreground; returns the path of the configuration. */
static const char *
read_options(struct master *m, int argc, char **argv, bool *test, bool *dump)
{
	const char *path = CONF_PATH_DEFAULT;
	int option;

	while ((option = getopt(argc, argv, "FTc:t")) != -1)
		switch (option) {
		case 'F':
			m->foreground = true;
			break;
		case 'T':
			*dump = true;
			break;
		case 'c':
			path = optarg;
			break;
		case 't':
			*test = true;
			break;
		default:
			usage();
		}
	if (optind != argc)
		usage();
	return path;
}

int
main(int argc, char **argv)
{
	struct master m = { .lookup = { -1, -1 },
		.exe_fd = -1,
		.challenges = -1,
		.log_wake = { -1, -1 },
		.presence = -1,
		.signals.fd = -1,
		.loop.epfd = -1 };
	bool test = false, dump = false;
	const char *path, *upgrade = getenv(UPGRADE_VARIABLE);
	int status;

	spawn_enter(argc, argv);
	setup_take(&m); /* there is none yet */
	stdfd_open();
	path = read_options(&m, argc, argv, &test, &dump);
	m.argv = argv;
	m.exe_path = own_path();
	if (upgrade != NULL) {
		status = take_over(&m, upgrade);
	} else {
		m.conf_path = realpath(path, NULL); /* a daemon is in / */
		if (m.conf_path == NULL)
			m.conf_path = strdup(path); /* its reader says why */
		status = test || dump ? look_only(&m, dump) : run(&m);
	}
	free(m.conf_path);
	free(m.exe_path);
	return status;
}
