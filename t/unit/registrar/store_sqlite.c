/* registrar/store_sqlite.c: what was saved is there after a restart. */
#include "registrar/store_sqlite.h"

#include <dirent.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "lib/log.h"
#include "t/tap.h"
#include "t/unit/registrar/full_disk.h"

static uint64_t ahead_ms; /* the test's clock, of the real one */

/* What clock_mono_ms() reads. */
int
clock_gettime(clockid_t clock, struct timespec *ts)
{
	int rc = (int)syscall(SYS_clock_gettime, clock, ts);

	ts->tv_sec += (time_t)(ahead_ms / 1000);
	return rc;
}

static char directory[] = "/tmp/store_sqlite.XXXXXX";

static const char *
path_of(const char *name)
{
	static char path[sizeof(directory) + 256 + 1];

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	return path;
}

static void
empty_directory(void)
{
	DIR *dir = opendir(directory);
	const struct dirent *entry;

	while ((entry = readdir(dir)) != NULL)
		if (*entry->d_name != '.')
			unlink(path_of(entry->d_name));
	closedir(dir);
}

static size_t
files_like(const char *part)
{
	DIR *dir = opendir(directory);
	const struct dirent *entry;
	size_t n = 0;

	while ((entry = readdir(dir)) != NULL)
		n += strstr(entry->d_name, part) != NULL;
	closedir(dir);
	return n;
}

/* One route a line, as the file has it: "key pattern destination origin". */
static void
append_route(void *arg, const struct stored_route *route)
{
	char *text = arg;
	size_t len = strlen(text);

	snprintf(text + len, 1024 - len, "%s %s %s %d%s\n", route->key,
	    route->pattern, route->destinations, (int)route->origin,
	    route->canonical ? " canonical" : "");
}

/* Open, read all, close. */
static const char *
content(void)
{
	static char text[1024];
	struct store_sqlite *s = store_sqlite_open(directory);

	*text = '\0';
	if (s == NULL)
		return "cannot be opened";
	if (!store_sqlite_each(s, append_route, text))
		snprintf(text, sizeof(text), "cannot be read");
	store_sqlite_close(s);
	return text;
}

/* Its destination is good until the call after the next. */
static struct change
change_of(enum change_kind kind, const char *key, const char *pattern,
    const char *destination, bool canonical)
{
	static struct destination two[2];
	static unsigned calls;
	struct destination *to = &two[calls++ % 2];

	to->url = destination;
	return (struct change){
		.kind = kind,
		.key = (char *)key,
		.pattern = (char *)pattern,
		.to = { to, kind == CHANGE_SET && destination != NULL },
		.canonical = canonical,
		.origin = ORIGIN_OPERATOR,
		.version = 1,
	};
}

static bool
save(struct store_sqlite *s, struct change change)
{
	return store_sqlite_begin(s) && store_sqlite_save(s, &change) &&
	    store_sqlite_commit(s);
}

static const struct {
	const char *what;
	enum change_kind kind;
	const char *key, *pattern, *destination;
	bool canonical;
	const char *then;
} steps[] = {
	{ "a first route", CHANGE_SET, "talpha", ".*", "http://192.0.2.1:2000",
	    false, "talpha .* http://192.0.2.1:2000 1\n" },
	{ "another destination replaces it", CHANGE_SET, "talpha", ".*",
	    "http://192.0.2.1:2001", false,
	    "talpha .* http://192.0.2.1:2001 1\n" },
	{ "a second route makes the name canonical", CHANGE_SET, "talpha",
	    "/x", "http://192.0.2.1:2002", true,
	    "talpha .* http://192.0.2.1:2001 1 canonical\n"
	    "talpha /x http://192.0.2.1:2002 1 canonical\n" },
	{ "another name is not", CHANGE_SET, "tbeta", ".*",
	    "http://192.0.2.1:2003", false,
	    "talpha .* http://192.0.2.1:2001 1 canonical\n"
	    "talpha /x http://192.0.2.1:2002 1 canonical\n"
	    "tbeta .* http://192.0.2.1:2003 1\n" },
	{ "a plain one clears the mark", CHANGE_SET, "talpha", "/x",
	    "http://192.0.2.1:2002", false,
	    "talpha .* http://192.0.2.1:2001 1\n"
	    "talpha /x http://192.0.2.1:2002 1\n"
	    "tbeta .* http://192.0.2.1:2003 1\n" },
	{ "a route struck", CHANGE_STRIKE, "talpha", ".*", NULL, false,
	    "talpha /x http://192.0.2.1:2002 1\n"
	    "tbeta .* http://192.0.2.1:2003 1\n" },
	{ "one struck that is not there", CHANGE_STRIKE, "tgamma", ".*", NULL,
	    false,
	    "talpha /x http://192.0.2.1:2002 1\n"
	    "tbeta .* http://192.0.2.1:2003 1\n" },
	{ "a mark without a route", CHANGE_STRIKE, "talphb", ".*", NULL, true,
	    "talpha /x http://192.0.2.1:2002 1\n"
	    "tbeta .* http://192.0.2.1:2003 1\n" },
	{ "and a name behind it that has one", CHANGE_SET, "tgamma", ".*",
	    "http://192.0.2.1:2004", true,
	    "talpha /x http://192.0.2.1:2002 1\n"
	    "tbeta .* http://192.0.2.1:2003 1\n"
	    "tgamma .* http://192.0.2.1:2004 1 canonical\n" },
};

static void
test_steps(void)
{
	for (size_t i = 0; i < nitems(steps); i++) {
		struct store_sqlite *s = store_sqlite_open(directory);

		ok(save(s, change_of(steps[i].kind, steps[i].key,
		               steps[i].pattern, steps[i].destination,
		               steps[i].canonical)),
		    "%s: saved", steps[i].what);
		store_sqlite_close(s);
		is_str(content(), steps[i].then, "%s", steps[i].what);
	}
}

static void
test_rollback(void)
{
	struct store_sqlite *s = store_sqlite_open(directory);
	struct change set = change_of(CHANGE_SET, "tbeta", ".*",
	    "http://192.0.2.1:1", false);
	struct change bad = change_of(CHANGE_SET, "tbeta", ".*", NULL, false);

	ok(store_sqlite_begin(s) && store_sqlite_save(s, &set), "begun");
	ok(!store_sqlite_save(s, &bad), "a route to nowhere is refused");
	store_sqlite_rollback(s);
	ok(*store_sqlite_error(s) != '\0', "it says why: %s",
	    store_sqlite_error(s));
	store_sqlite_close(s);
	is_str(content(), steps[nitems(steps) - 1].then,
	    "rolled back, the file is as before");
}

/* Killed between two system calls: the log is read at the next start. */
static void
test_left_open(void)
{
	struct store_sqlite *s;
	pid_t pid;

	empty_directory();
	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		s = store_sqlite_open(directory);
		save(s, change_of(CHANGE_SET, "talpha", ".*",
		            "http://192.0.2.1:2000", false));
		_exit(0); /* neither closed nor checkpointed */
	}
	waitpid(pid, NULL, 0);
	ok(access(path_of("routes.sqlite-wal"), F_OK) == 0, "a log was left");
	is_str(content(), "talpha .* http://192.0.2.1:2000 1\n",
	    "what was committed is there after a kill");
}

static void
write_file(const char *name, const void *bytes, size_t len)
{
	FILE *f = fopen(path_of(name), "we");

	fwrite(bytes, 1, len, f);
	fclose(f);
}

static void
write_database(const char *statements)
{
	sqlite3 *db;

	sqlite3_open(path_of("routes.sqlite"), &db);
	sqlite3_exec(db, statements, NULL, NULL, NULL);
	sqlite3_close(db);
}

static void
break_text(void)
{
	char text[4096];

	memset(text, 'x', sizeof(text));
	write_file("routes.sqlite", text, sizeof(text));
}

/* A good file whose pages after the first are noise. */
static void
break_pages(void)
{
	char noise[8192];
	FILE *f;

	content();
	memset(noise, 0xa5, sizeof(noise));
	f = fopen(path_of("routes.sqlite"), "r+e");
	fseek(f, 4096, SEEK_SET);
	fwrite(noise, 1, sizeof(noise), f);
	fclose(f);
}

static void
break_cut(void)
{
	content();
	if (truncate(path_of("routes.sqlite"), 4096 + 17) == -1)
		diag("truncate failed");
}

static void
break_foreign(void)
{
	write_database("CREATE TABLE route (a, b); PRAGMA user_version = 1");
}

static const struct {
	const char *what;
	void (*make)(void);
} broken[] = {
	{ "no database", break_text },
	{ "noise in its pages", break_pages },
	{ "cut in the middle", break_cut },
	{ "other tables of the same names", break_foreign },
};

static void
test_broken(void)
{
	for (size_t i = 0; i < nitems(broken); i++) {
		struct store_sqlite *s;

		empty_directory();
		broken[i].make();
		is_str(content(), "", "%s: an empty one is begun",
		    broken[i].what);
		ok(files_like(".broken-") > 0, "%s: the old one is kept",
		    broken[i].what);
		s = store_sqlite_open(directory);
		ok(s != NULL && save(s, change_of(CHANGE_SET, "tbeta", ".*",
		                            "http://192.0.2.1:1", false)),
		    "%s: the new one takes a route", broken[i].what);
		store_sqlite_close(s);
	}
}

/* There is no room for a new file when the old one turns out to be damaged. */
static void
test_no_renewal(void)
{
	struct store_sqlite *s;
	struct change set;

	empty_directory();
	s = store_sqlite_open(directory);
	set = change_of(
	    CHANGE_SET, "tbeta", ".*", "http://192.0.2.1:1", false);
	limit_files(1);
	ok(!store_sqlite_renew(s), "no room for an empty one");
	ok(!save(s, set) && store_sqlite_damaged(s), "nothing can be saved");
	store_sqlite_rollback(s);
	limit_files(RLIM_INFINITY);
	ok(!store_sqlite_renew(s), "it is not tried again at once");
	ahead_ms += REOPEN_MS;
	ok(store_sqlite_renew(s), "but soon");
	ok(!store_sqlite_damaged(s) && save(s, set), "then it takes a route");
	ok(!store_sqlite_renew(s), "and is not begun anew again");
	store_sqlite_close(s);
}

/* Version 1 had one destination of a route. */
static void
test_older(void)
{
	empty_directory();
	write_database("CREATE TABLE route (key TEXT NOT NULL, pattern TEXT NOT"
		       " NULL, destination TEXT NOT NULL, origin INTEGER NOT"
		       " NULL, version INTEGER NOT NULL, since_ms INTEGER NOT"
		       " NULL, PRIMARY KEY (key, pattern)) STRICT, WITHOUT"
		       " ROWID;"
		       "CREATE TABLE canonical (key TEXT NOT NULL PRIMARY KEY)"
		       " STRICT, WITHOUT ROWID;"
		       "INSERT INTO route VALUES"
		       " ('talpha', '.*', 'http://192.0.2.1:2000', 1, 2, 3),"
		       " ('talpha', '/x', 'http://192.0.2.1:2001', 0, 2, 3);"
		       "INSERT INTO canonical VALUES ('talpha');"
		       "PRAGMA user_version = 1");
	is_str(content(),
	    "talpha .* http://192.0.2.1:2000 1 canonical\n"
	    "talpha /x http://192.0.2.1:2001 0 canonical\n",
	    "a file of version 1 is brought forward");
	is_int((long long)files_like(".broken-"), 0, "in its place");
}

/* A row for each destination, replaced and struck together. */
static void
test_several(void)
{
	struct destination to[] = { { .url = "http://192.0.2.1:2000" },
		{ .url = "http://192.0.2.2:2000" },
		{ .url = "http://192.0.2.3:2000" } };
	struct change set =
	    change_of(CHANGE_SET, "f*.example.org", ".*", NULL, false);
	struct store_sqlite *s;

	empty_directory();
	set.to = (struct destinations){ to, 3 };
	s = store_sqlite_open(directory);
	ok(save(s, set), "three destinations");
	store_sqlite_close(s);
	is_str(content(),
	    "f*.example.org .* http://192.0.2.1:2000 http://192.0.2.2:2000 "
	    "http://192.0.2.3:2000 1\n",
	    "are kept");
	to[1].lease = "node-1";
	to[1].since_ms = 1700000000000;
	to[1].drained = to[1].stale = true;
	set.to = (struct destinations){ to + 1, 1 };
	s = store_sqlite_open(directory);
	ok(save(s, set), "and one instead");
	store_sqlite_close(s);
	is_str(content(),
	    "f*.example.org .* http://192.0.2.2:2000,lease=node-1,"
	    "since=1700000000000,drained,stale 1\n",
	    "replaces them all");
	s = store_sqlite_open(directory);
	set.kind = CHANGE_STRIKE;
	set.to.n = 0;
	ok(save(s, set), "struck");
	store_sqlite_close(s);
	is_str(content(), "", "nothing is left");
}

static void
append_policy(void *arg, const struct stored_policy *p)
{
	char *text = arg;
	size_t len = strlen(text);

	snprintf(text + len, 1024 - len, "%s %s %llu\n", p->kind, p->subject,
	    (unsigned long long)p->until_ms);
}

static const struct {
	const char *what;
	bool strike;
	enum policy_kind kind;
	const char *subject;
	uint64_t until_ms;
	const char *then;
} policy_steps[] = {
	{ "a ban", false, POLICY_BAN, "10.0.0.0/8", 0, "ban 10.0.0.0/8 0\n" },
	{ "with an end", false, POLICY_BAN, "10.0.0.0/8", 500,
	    "ban 10.0.0.0/8 500\n" },
	{ "another kind", false, POLICY_MAINTENANCE, "", 0,
	    "ban 10.0.0.0/8 500\nmaintenance  0\n" },
	{ "the end of another ban's time", true, POLICY_BAN, "10.0.0.0/8", 499,
	    "ban 10.0.0.0/8 500\nmaintenance  0\n" },
	{ "its own", true, POLICY_BAN, "10.0.0.0/8", 500, "maintenance  0\n" },
	{ "struck before its time", true, POLICY_MAINTENANCE, "", 0, "" },
};

static void
test_policy(void)
{
	struct policy_change change = { .since_ms = 1 };
	struct store_sqlite *s;
	char text[1024];

	empty_directory();
	for (size_t i = 0; i < nitems(policy_steps); i++) {
		change.strike = policy_steps[i].strike;
		change.kind = policy_steps[i].kind;
		change.until_ms = policy_steps[i].until_ms;
		snprintf(change.subject, sizeof(change.subject), "%s",
		    policy_steps[i].subject);
		s = store_sqlite_open(directory);
		ok(store_sqlite_begin(s) &&
		        store_sqlite_save_policy(s, &change) &&
		        store_sqlite_commit(s),
		    "%s", policy_steps[i].what);
		store_sqlite_close(s);
		s = store_sqlite_open(directory);
		*text = '\0';
		store_sqlite_each_policy(s, append_policy, text);
		is_str(text, policy_steps[i].then, "  is kept so");
		store_sqlite_close(s);
	}
}

static void
test_newer(void)
{
	empty_directory();
	write_database("CREATE TABLE future (a); PRAGMA user_version = 99");
	ok(store_sqlite_open(directory) == NULL,
	    "a newer file is not touched: no start");
	is_int((long long)files_like(".broken-"), 0, "and not moved");
}

static void
test_unusable(void)
{
	ok(store_sqlite_open("/nonexistent") == NULL,
	    "no such directory: no start");
	empty_directory();
	write_file("routes.sqlite", "", 0);
	is_str(content(), "", "an empty file is a new one");
	is_int((long long)files_like(".broken-"), 0, "and not a broken one");
}

int
main(void)
{
	log_open(LOG_TO_STDERR, "test", LOG_ALERT);
	signal(SIGXFSZ, SIG_IGN);
	if (mkdtemp(directory) == NULL)
		return 1;
	test_steps();
	test_rollback();
	test_left_open();
	test_broken();
	test_no_renewal();
	test_older();
	test_several();
	test_policy();
	test_newer();
	test_unusable();
	empty_directory();
	rmdir(directory);
	return done();
}
