/*
 * webservicemonitor(8): what tools want to run, by their manifests, against
 * what runs, by qstat, and what is reached, by the proxy's list.  What is
 * missing is started again; where one of the three cannot be read, nothing is.
 */
#include <bsd/stdlib.h>
#include <bsd/string.h>
#include <curl/curl.h>
#include <dirent.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/clock.h"
#include "lib/log.h"
#include "lib/stdfd.h"
#include "tools/child.h"
#include "tools/manifest.h"
#include "tools/options.h"
#include "tools/proxy_list.h"
#include "tools/qstat.h"
#include "tools/restarts.h"

#define INTERVAL_S 60
#define QSTAT_MS 30000
#define RESTART_MS 30000
#define HOMES "/data/project"
#define STATE "/var/lib/webservicemonitor/restarts"
#define RUNS "rswh" /* letters of a job's state, one of which is enough */
#define WHY_MAX 256

struct monitor {
	const char *homes;
	const char *state;
	const char *list_url; /* NULL: of the active proxy */
	unsigned interval_s;
	bool once, dry_run;

	/* of one cycle */
	json_t *list; /* tools that the proxy knows */
	json_t *jobs; /* "<type>-<tool> <owner>" of those that run */
	struct restarts restarts;
	int64_t now_s;
};

static void
usage(FILE *out)
{
	fputs("usage: webservicemonitor [--once] [--dry-run] "
	      "[--interval SECONDS]\n\t[--homes DIRECTORY] [--state FILE] "
	      "[--list URL]\n",
	    out);
}

static void
parse(struct monitor *m, int argc, char **argv)
{
	const char *interval = NULL, *wrong = NULL;
	const struct option_row rows[] = {
		{ "dry-run", .flag = &m->dry_run },
		{ "homes", .text = &m->homes },
		{ "interval", .text = &interval },
		{ "list", .text = &m->list_url },
		{ "once", .flag = &m->once },
		{ "state", .text = &m->state },
		{ NULL },
	};

	if (options_read(argc, argv, rows, usage, 2) < argc) {
		usage(stderr);
		exit(2);
	}
	if (interval != NULL)
		m->interval_s = (unsigned)strtonum(interval, 1, 86400, &wrong);
	if (wrong != NULL)
		errx(2, "--interval %s is %s", interval, wrong);
}

static void
job_key(char *key, size_t size, const char *name, const char *owner)
{
	snprintf(key, size, "%s %s", name, owner);
}

/* A job of the same name that is another user's is not the tool's. */
static void
job_found(void *arg, const struct qstat_job *job)
{
	char key[sizeof(job->name) + sizeof(job->owner) + 1];

	if (strpbrk(job->state, RUNS) == NULL)
		return;
	job_key(key, sizeof(key), job->name, job->owner);
	json_object_set_new_nocheck(arg, key, json_true());
}

static bool
read_jobs(struct monitor *m)
{
	const char *argv[] = { "qstat", "-u", "*", "-xml", NULL };
	char said[CHILD_SAID_MAX];
	struct buf xml;
	bool read;
	int status;

	m->jobs = json_object();
	buf_init(&xml, QSTAT_MAX);
	status = child_run(argv, QSTAT_MS, &xml, said);
	read = status == 0 && qstat_parse(buf_span(&xml), job_found, m->jobs);
	if (!read)
		log_event(LOG_ERR, "qstat-unreadable",
		    "status=%d reason=\"%s\"", status,
		    status == 0 ? "it is no XML" : said);
	buf_release(&xml);
	return read;
}

static bool
read_list(struct monitor *m)
{
	char why[PROXY_LIST_WHY_MAX];

	m->list = proxy_list(m->list_url, "", why);
	if (m->list == NULL)
		log_event(LOG_ERR, "list-unreadable", "reason=\"%s\"", why);
	return m->list != NULL;
}

/*
 * With this user's rights, in this process only; but still root's, as signals
 * see it: a tool that could stop it would keep us waiting for ever.
 */
static bool
take_rights(const struct account *a)
{
	const gid_t same = (gid_t)-1;

	return getuid() != 0 ||
	       (setgroups(0, NULL) == 0 && setresgid(same, a->gid, same) == 0 &&
		   setresuid(same, a->uid, same) == 0);
}

/*
 * Tell the tool, in its own service.log.  With the rights of its user: what
 * lies in its home directory may lead anywhere, and then only where it may
 * write.
 */
static void
tell_tool(const struct account *a, const char *what)
{
	char path[sizeof(a->home) + 32], when[32];
	time_t now = time(NULL);
	struct tm tm;
	pid_t pid;
	int fd;

	account_path(a, "service.log", path, sizeof(path));
	pid = fork();
	if (pid > 0)
		waitpid(pid, NULL, 0);
	if (pid != 0)
		return;
	if (!take_rights(a))
		_exit(1);
	fd = open(path,
	    O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK,
	    0644);
	if (fd == -1)
		_exit(1);
	strftime(when, sizeof(when), "%FT%T", localtime_r(&now, &tm));
	dprintf(fd, "%s %s\n", when, what);
	_exit(0);
}

static void
restart(struct monitor *m, const struct account *a, const char *release)
{
	char release_option[80], said[CHILD_SAID_MAX], what[512];
	const char *argv[] = { "sudo", "-i", "-u", a->user, "webservice",
		"--backend=gridengine", release_option, "restart", NULL };
	int64_t last_s;
	int status;

	snprintf(
	    release_option, sizeof(release_option), "--release=%s", release);
	/* remembered first: one that kills us is not tried for ever */
	if (!restarts_add(&m->restarts, a->tool, m->now_s)) {
		log_event(LOG_ERR, "history-unwritable",
		    "tool=%s file=%s error=%m", a->tool, m->state);
		return;
	}
	tell_tool(a, "No running webservice job found, attempting to start it");
	if (restarts_count(&m->restarts, a->tool, &last_s) == RESTARTS_MAX)
		tell_tool(a, "That is the last attempt of this hour");
	status = child_run(argv, RESTART_MS, NULL, said);
	log_event(status == 0 ? LOG_NOTICE : LOG_ERR, "restarted",
	    "tool=%s status=%d said=\"%s\"", a->tool, status,
	    status == 0 ? "" : said);
	if (status == 0)
		return;
	snprintf(what, sizeof(what), "Could not start it: %s", said);
	tell_tool(a, what);
}

/* May it be started again now? */
static bool
may_restart(const struct monitor *m, const struct account *a)
{
	int64_t last_s;
	size_t n = restarts_count(&m->restarts, a->tool, &last_s);

	/* the one of the last cycle may still be waiting for its turn */
	if (n > 0 && m->now_s - last_s < (int64_t)m->interval_s)
		return false;
	if (n < RESTARTS_MAX)
		return true;
	log_event(LOG_WARNING, "throttled",
	    "tool=%s restarts=%zu in_seconds=%d", a->tool, n,
	    RESTARTS_WINDOW_S);
	return false;
}

/* "buster", "bullseye": it becomes an argument of a command. */
static bool
is_word(const char *text)
{
	return text[0] != '\0' && strlen(text) < 64 &&
	       text[strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789.-")] ==
		   '\0';
}

static void
check_tool(
    struct monitor *m, const struct account *a, struct manifest *manifest)
{
	const char *type = manifest_get(manifest, MANIFEST_TYPE);
	const char *backend = manifest_get(manifest, MANIFEST_BACKEND);
	const char *release = manifest_get(manifest, MANIFEST_RELEASE);
	char name[128], key[256];
	const char *missing;

	if (type == NULL || backend == NULL ||
	    strcmp(backend, "gridengine") != 0)
		return;
	if (release == NULL)
		release = MANIFEST_RELEASE_DEFAULT;
	if (!is_word(release)) {
		log_event(LOG_WARNING, "manifest-ignored",
		    "tool=%s reason=\"a strange release\"", a->tool);
		return;
	}
	snprintf(name, sizeof(name), "%s-%s", type, a->tool);
	job_key(key, sizeof(key), name, a->user);
	if (json_object_get(m->jobs, key) == NULL)
		missing = "job";
	else if (json_object_get(m->list, a->tool) == NULL)
		missing = "route";
	else
		return;
	log_event(LOG_INFO, "missing", "tool=%s what=%s", a->tool, missing);
	if (may_restart(m, a) && !m->dry_run)
		restart(m, a, release);
}

/* One directory of the homes: a tool's, if its user says so. */
static void
check_directory(struct monitor *m, int homes, const char *tool)
{
	struct manifest manifest;
	struct account a;
	char why[WHY_MAX];
	int dir;

	if (!account_of_tool(&a, tool, why))
		return; /* not a tool's: .system, lost+found */
	dir = openat(
	    homes, tool, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (dir == -1)
		return;
	if (manifest_read(&manifest, &a, dir, why)) {
		check_tool(m, &a, &manifest);
		manifest_release(&manifest);
	} else {
		log_event(LOG_WARNING, "manifest-ignored",
		    "tool=%s reason=\"%s\"", tool, why);
	}
	close(dir);
}

static void
check_all(struct monitor *m)
{
	DIR *homes = opendir(m->homes);
	struct dirent *e;

	if (homes == NULL) {
		log_event(LOG_ERR, "homes-unreadable", "directory=%s error=%m",
		    m->homes);
		return;
	}
	while ((e = readdir(homes)) != NULL)
		if (e->d_name[0] != '.')
			check_directory(m, dirfd(homes), e->d_name);
	closedir(homes);
}

/* False: something could not be read, and nothing was done. */
static bool
run_cycle(struct monitor *m)
{
	bool read;

	m->now_s = (int64_t)(clock_real_ms() / 1000);
	m->list = m->jobs = NULL;
	read = restarts_read(&m->restarts, m->state, m->now_s);
	if (!read)
		log_event(LOG_ERR, "history-unreadable", "file=%s error=%m",
		    m->state);
	read = read && read_list(m) && read_jobs(m);
	if (read)
		check_all(m);
	restarts_release(&m->restarts);
	json_decref(m->list);
	json_decref(m->jobs);
	return read;
}

int
main(int argc, char **argv)
{
	struct monitor m = {
		.homes = HOMES, .state = STATE, .interval_s = INTERVAL_S
	};

	stdfd_open();
	parse(&m, argc, argv);
	log_open(LOG_TO_STDERR, "webservicemonitor", LOG_INFO);
	curl_global_init(CURL_GLOBAL_DEFAULT);
	if (m.once)
		return run_cycle(&m) ? 0 : 1;
	for (;;) {
		run_cycle(&m);
		sleep(m.interval_s);
	}
}
