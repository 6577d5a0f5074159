/* dynproxyctl doctor: looks at what usually is wrong, and says what to do. */
#include <dirent.h>
#include <err.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/timex.h>
#include <time.h>
#include <unistd.h>

#include "conf/conf.h"
#include "lib/addr.h"
#include "lib/array.h"
#include "tools/ctl_commands.h"

const struct ctl_column ctl_columns_findings[] = {
	{ .name = "result" },
	{ .name = "check" },
	{ .name = "text" },
	{ .name = NULL },
};

enum finding { FINE, DOUBT, BROKEN };

struct visit {
	const struct ctl *ctl;
	struct conf *conf; /* owned; NULL: it cannot be read */
	json_t *node;	   /* owned; NULL: the registrar does not answer */
	json_t *findings;  /* owned */
	enum finding worst;
};

static void say(struct visit *v, const char *what, enum finding finding,
    const char *fmt, ...) __attribute__((format(printf, 4, 5)));

static void
say(struct visit *v, const char *what, enum finding finding, const char *fmt,
    ...)
{
	static const char *const words[] = { "ok", "doubt", "broken" };
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (finding > v->worst)
		v->worst = finding;
	json_array_append_new(
	    v->findings, json_pack("{s:s, s:s, s:s}", "check", what, "result",
			     words[finding], "text", text));
}

static long long
number(const json_t *object, const char *name)
{
	return (long long)json_integer_value(json_object_get(object, name));
}

/* Was the file written after dynproxyd had read it?  Seconds are told. */
static bool
is_newer(const struct visit *v)
{
	const char *read =
	    json_string_value(json_object_get(v->node, "configured"));
	struct tm tm = { .tm_sec = 0 };
	struct stat st;

	return read != NULL && stat(v->ctl->conf_path, &st) == 0 &&
	       strptime(read, "%Y-%m-%dT%H:%M:%SZ", &tm) != NULL &&
	       st.st_mtime > timegm(&tm);
}

static void
check_configuration(struct visit *v)
{
	const char *path = v->ctl->conf_path;

	if (v->conf == NULL)
		say(v, "configuration", BROKEN,
		    "%s cannot be read: dynproxyd -t says why", path);
	else if (json_is_true(json_object_get(v->node, "reload_refused")))
		say(v, "configuration", DOUBT,
		    "the last reload was refused: see reload-refused in the "
		    "log, mend %s and reload",
		    path);
	else if (is_newer(v))
		say(v, "configuration", DOUBT,
		    "%s has changed since it was read: dynproxyctl reload",
		    path);
	else
		say(v, "configuration", FINE, "%s", path);
}

static void
check_registrar(struct visit *v)
{
	const char *reason =
	    json_string_value(json_object_get(v->node, "reason"));

	if (v->node == NULL)
		say(v, "registrar", BROKEN,
		    "it does not answer: see its log; workers go on serving");
	else if (reason != NULL)
		say(v, "registrar", BROKEN, "not ready: %s", reason);
	else
		say(v, "registrar", FINE, "ready, %lld workers",
		    number(v->node, "workers"));
}

static void
check_processes(struct visit *v)
{
	const json_t *p;
	long long restarts = 0;
	size_t i;

	json_array_foreach(json_object_get(v->node, "processes"), i, p)
	    restarts += number(p, "restarts");
	if (restarts == 0)
		say(v, "processes", FINE, "none was ever replaced");
	else
		say(v, "processes", DOUBT,
		    "%lld ended and were replaced: see child-died in the log",
		    restarts);
}

/* How many descriptors a process has, and may have.  False: not ours to see. */
static bool
read_descriptors(long long pid, unsigned *open, unsigned long *limit)
{
	char path[64], line[256];
	DIR *dir;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%lld/fd", pid);
	dir = opendir(path);
	if (dir == NULL)
		return false;
	for (*open = 0; readdir(dir) != NULL;)
		++*open;
	closedir(dir);
	snprintf(path, sizeof(path), "/proc/%lld/limits", pid);
	file = fopen(path, "r");
	*limit = 0;
	while (file != NULL && fgets(line, sizeof(line), file) != NULL)
		if (strncmp(line, "Max open files", 14) == 0)
			*limit = strtoul(line + 14, NULL, 10);
	if (file != NULL)
		fclose(file);
	return *limit > 0;
}

static void
check_descriptors(struct visit *v)
{
	const json_t *p;
	unsigned open, seen = 0;
	unsigned long limit;
	size_t i;

	json_array_foreach(json_object_get(v->node, "processes"), i, p)
	{
		if (!read_descriptors(number(p, "pid"), &open, &limit))
			continue;
		seen++;
		if (open > limit / 10 * 8)
			say(v, "descriptors", BROKEN,
			    "%s has %u of %lu: raise LimitNOFILE",
			    json_string_value(json_object_get(p, "name")), open,
			    limit);
	}
	if (seen == 0)
		say(v, "descriptors", DOUBT, "not seen: ask as root");
	else
		say(v, "descriptors", FINE, "of %u processes", seen);
}

/* The default of https comes to nothing where there is no certificate. */
static bool
wants_https(const struct conf *conf)
{
	return conf != NULL && conf_has_https(conf) &&
	       !conf_is_default(conf, "https");
}

static void
check_certificates(struct visit *v)
{
	const json_t *c, *all = json_object_get(v->node, "certificates");
	size_t i;

	if (json_array_size(all) == 0)
		say(v, "certificates", wants_https(v->conf) ? BROKEN : FINE,
		    "none");
	json_array_foreach(all, i, c)
	{
		long long days = number(c, "days");

		say(v, "certificates",
		    days < 3	? BROKEN
		    : days < 21 ? DOUBT
				: FINE,
		    "%s: %lld days left%s",
		    json_string_value(json_object_get(c, "name")), days,
		    days < 21 ? ": renew it" : "");
	}
}

static void
check_stores(struct visit *v)
{
	const json_t *stores = json_object_get(v->node, "stores");
	const json_t *redis = json_object_get(stores, "redis");
	long long failed = number(json_object_get(stores, "sqlite"), "failed");

	if (failed > 0)
		say(v, "sqlite", DOUBT,
		    "%lld changes could not be written since the start: see "
		    "store-failed in the log, and the disk",
		    failed);
	else
		say(v, "sqlite", FINE, "all changes were written");
	if (json_is_null(redis))
		say(v, "redis", FINE, "not configured");
	else if (!json_is_true(json_object_get(redis, "connected")))
		say(v, "redis", BROKEN,
		    "not connected: the last routes go on; see its log");
	else
		say(v, "redis", number(redis, "unsaved") > 0 ? DOUBT : FINE,
		    "read %lld s ago, %lld changes not there yet",
		    number(redis, "age_seconds"), number(redis, "unsaved"));
}

static void
check_ident(struct visit *v)
{
	const json_t *ident = json_object_get(v->node, "ident");
	long long ok = number(ident, "ok"), failed = number(ident, "failed");

	if (failed > ok)
		say(v, "ident", DOUBT,
		    "%lld questions failed, %lld were answered: does identd "
		    "run on the hosts of ident_networks?",
		    failed, ok);
	else
		say(v, "ident", FINE, "%lld answers, %lld failures", ok,
		    failed);
}

static void
check_routes(struct visit *v)
{
	long long stale = number(v->node, "stale_routes");

	if (stale > 0)
		say(v, "routes", DOUBT,
		    "%lld lead to somebody else's port: dynproxyctl stale, "
		    "scrub",
		    stale);
	else
		say(v, "routes", FINE, "%lld, none stale",
		    number(json_object_get(v->node, "table"), "routes"));
}

static void
check_clock(struct visit *v)
{
	struct timex t = { .modes = 0 };

	if (adjtimex(&t) == -1 || t.status & STA_UNSYNC)
		say(v, "clock", DOUBT,
		    "not synchronised: changes of several nodes may win in the "
		    "wrong order; run chrony or systemd-timesyncd");
	else
		say(v, "clock", FINE, "synchronised");
}

/* One request for our own health, over the listener.  -1 with errno. */
static int
ask_health(const struct addr *a, char *answer, size_t size)
{
	static const char request[] = "GET /.well-known/healthz HTTP/1.1\r\n"
				      "Host: localhost\r\n"
				      "Connection: close\r\n\r\n";
	struct timeval wait = { .tv_sec = 5 };
	int fd = socket(a->u.sa.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ssize_t n = -1;

	if (fd == -1)
		return -1;
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof(wait));
	if (connect(fd, &a->u.sa, a->len) == 0 &&
	    send(fd, request, sizeof(request) - 1, MSG_NOSIGNAL) > 0)
		n = recv(fd, answer, size - 1, 0);
	answer[n > 0 ? n : 0] = '\0';
	close(fd);
	return n > 0 ? 0 : -1;
}

static void
check_end_to_end(struct visit *v)
{
	char answer[1024], where[ADDR_TEXT_MAX];

	for (size_t i = 0; v->conf != NULL && i < v->conf->nlisteners; i++) {
		const struct listener_conf *l = &v->conf->listeners[i];

		if (l->kind != LISTEN_HTTP || l->proxied)
			continue;
		addr_format(&l->addr, where);
		if (ask_health(&l->addr, answer, sizeof(answer)) == -1)
			say(v, "end to end", BROKEN, "%s does not answer",
			    where);
		else
			say(v, "end to end",
			    strncmp(answer, "HTTP/1.1 200", 12) == 0 ? FINE
								     : BROKEN,
			    "%s says %.12s", where, answer);
		return;
	}
	say(v, "end to end", DOUBT, "there is no plain HTTP listener to ask");
}

static const struct {
	void (*run)(struct visit *v);
	bool reads_node; /* and has nothing to say without the registrar */
} checks[] = {
	{ check_configuration, false },
	{ check_registrar, false },
	{ check_processes, true },
	{ check_descriptors, true },
	{ check_certificates, true },
	{ check_stores, true },
	{ check_ident, true },
	{ check_routes, true },
	{ check_clock, false },
	{ check_end_to_end, false },
};

int
cmd_doctor(const struct ctl *ctl, char **args)
{
	struct visit v = { .ctl = ctl, .findings = json_array() };
	int asked = ctl_ask(ctl, "node", args, &v.node);

	if (asked == CTL_DENIED) {
		json_decref(v.findings);
		return asked;
	}
	v.conf = conf_read_file(ctl->conf_path, stderr);
	for (size_t i = 0; i < nitems(checks); i++)
		if (v.node != NULL || !checks[i].reads_node)
			checks[i].run(&v);
	ctl_show_take(ctl, ctl_columns_findings, v.findings);
	if (v.conf != NULL)
		conf_free(v.conf);
	json_decref(v.node);
	return v.worst == BROKEN ? CTL_REFUSED : CTL_DONE;
}
