/* One event is one line, written at once, that no stranger can forge. */
#include "lib/log.h"

#include <errno.h>
#include <fcntl.h>
#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "t/tap.h"

static int reader;
static char line[8192];

/* stderr becomes a socket that keeps the writes apart. */
static void
capture(void)
{
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, pair) == -1)
		diag("socketpair: %m");
	dup2(pair[1], STDERR_FILENO);
	close(pair[1]);
	reader = pair[0];
}

/* What the next write(2) wrote; "" if there was none. */
static const char *
written(void)
{
	ssize_t n = read(reader, line, sizeof(line) - 1);

	line[n > 0 ? n : 0] = '\0';
	return line;
}

static bool
matches(const char *text, const char *pattern)
{
	regex_t re;
	bool match;

	regcomp(&re, pattern, REG_EXTENDED | REG_NOSUB);
	match = regexec(&re, text, 0, NULL, 0) == 0;
	regfree(&re);
	return match;
}

static void
prefixes(void)
{
	unsetenv("JOURNAL_STREAM");
	log_open(LOG_TO_STDERR, "worker 0", LOG_INFO);
	log_event(LOG_INFO, "route-registered", "tool=%s", "a");
	ok(matches(written(),
	       "^20[0-9]{2}-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:"
	       "[0-6][0-9]\\.[0-9]{3}Z dynproxy\\[worker 0\\]: "
	       "route-registered tool=a\n$"),
	    "a terminal gets the time: %s", line);

	setenv("JOURNAL_STREAM", "8:1", 1);
	log_open(LOG_TO_STDERR, "master", LOG_INFO);
	log_event(LOG_ERR, "store-lost", "host=%s", "b");
	is_str(written(), "<3>dynproxy[master]: store-lost host=b\n",
	    "the journal gets the priority");
}

static void
priorities(void)
{
	log_event(LOG_DEBUG, "noise", "a=1");
	is_str(written(), "", "less urgent than asked for: not written");
	log_open(LOG_TO_STDERR, "master", LOG_DEBUG);
	log_event(LOG_DEBUG, "noise", "a=1");
	is_str(written(), "<7>dynproxy[master]: noise a=1\n", "asked for");
	errno = EXDEV;
	log_event(LOG_ERR, "bind", "%m");
	is_str(written(),
	    "<3>dynproxy[master]: bind Invalid cross-device link\n",
	    "%%m is the errno of before");
}

static const struct {
	const char *what, *said, *line;
} hostile[] = {
	{ "a newline", "a\n<0>b", "a\\x0a<0>b" },
	{ "a carriage return and a tab", "\r\t", "\\x0d\\x09" },
	{ "an escape sequence", "\033[2J", "\\x1b[2J" },
	{ "delete", "\177", "\\x7f" },
	{ "a C1 control byte", "\233", "\\x9b" },
	{ "no UTF-8", "\377", "\\xff" },
	{ "what printf(3) would read", "%s%n", "%s%n" },
};

static void
forgeries(void)
{
	char want[128];

	for (size_t i = 0; i < nitems(hostile); i++) {
		log_event(LOG_INFO, "ident", "%s", hostile[i].said);
		snprintf(want, sizeof(want), "<6>dynproxy[master]: ident %s\n",
		    hostile[i].line);
		is_str(written(), want, "%s", hostile[i].what);
	}
}

/* However long, and however much longer by escaping. */
static void
lengths(void)
{
	static char text[5000];

	for (size_t n = 1990; n < 2060; n++) {
		size_t len;

		snprintf(text, sizeof(text), "%0*d\n\n\n\n", (int)n, 0);
		log_event(LOG_INFO, "e", "%s", text);
		len = strlen(written());
		if (len > 2048 || strchr(line, '\n') != line + len - 1)
			ok(false, "%zu bytes: a line of %zu", n, len);
	}
	memset(text, '\n', sizeof(text) - 1);
	log_event(LOG_INFO, "e", "%s", text);
	ok(strlen(written()) <= 2048, "a long line is cut: %zu", strlen(line));
	ok(strchr(line, '\n') == line + strlen(line) - 1, "and still a line");
	is_str(written(), "", "with one write");
}

/* The disk is full, the terminal gone: the caller's errno is its own. */
static void
unwritable(void)
{
	int saved = dup(STDERR_FILENO);

	close(STDERR_FILENO);
	errno = EXDEV;
	log_event(LOG_ERR, "bind", "%m");
	is_int(errno, EXDEV, "errno survives");
	dup2(saved, STDERR_FILENO);
	close(saved);
	log_event(LOG_INFO, "e", "a=1");
	is_str(written(), "<6>dynproxy[master]: e a=1\n", "it is back");
	is_str(written(), "<4>dynproxy[master]: log-dropped lines=1\n",
	    "with what was missed");
}

/* What a reader who slept makes of it. */
static struct {
	char bytes[1 << 20];
	size_t len;
	int next;    /* that he expects */
	int missing; /* as he was told */
	bool disorder;
} heard;

static void
hear(int from)
{
	char *at = heard.bytes, *end;
	unsigned long missing;
	ssize_t n;
	int number;

	while ((n = read(from, heard.bytes + heard.len,
		    sizeof(heard.bytes) - heard.len - 1)) > 0)
		heard.len += (size_t)n;
	heard.bytes[heard.len] = '\0';
	for (; (end = strchr(at, '\n')) != NULL; at = end + 1) {
		if (sscanf(at, "<6>dynproxy[master]: e n=%d", &number) == 1) {
			heard.disorder |= number < heard.next;
			heard.next = number + 1;
			heard.missing--;
		} else if (sscanf(at,
			       "<4>dynproxy[master]: log-dropped lines=%lu",
			       &missing) == 1) {
			heard.missing -= (int)missing;
		} else {
			heard.disorder = true;
		}
	}
	heard.len = strlen(at);
	memmove(heard.bytes, at, heard.len);
}

/*
 * He sleeps, at the end of a pipe or a socket that blocks: nobody waits for
 * him; when he wakes he gets what was kept, in its order, and how many are
 * missing.
 */
static void
sleeper(const char *what, const int end[2], int events, void (*meanwhile)(void))
{
	int saved = dup(STDERR_FILENO);

	heard.len = 0;
	heard.next = 0;
	heard.missing = events + 1;
	heard.disorder = false;
	dup2(end[1], STDERR_FILENO);
	close(end[1]);
	fcntl(end[0], F_SETFL, O_NONBLOCK);
	alarm(60); /* or the test ends here */
	for (int i = 0; i < events; i++)
		log_event(LOG_INFO, "e", "n=%d %0*d", i, 900, 0);
	alarm(0);
	ok(log_waits(), "%s: %d events, and nobody waited", what, events);
	if (meanwhile != NULL)
		meanwhile();
	hear(end[0]);
	log_event(LOG_INFO, "e", "n=%d", events);
	for (int i = 0; i < 10000 && log_waits(); i++) {
		hear(end[0]);
		log_flush();
	}
	hear(end[0]);
	ok(!log_waits() && !heard.disorder, "he gets them in their order");
	is_int(heard.missing, 0, "and hears of those that he does not get");
	dup2(saved, STDERR_FILENO);
	close(saved);
	close(end[0]);
}

/* As a reload does. */
static void
open_again(void)
{
	log_open(LOG_TO_STDERR, "master", LOG_DEBUG);
}

/* As a daemon does that leaves its terminal. */
static void
open_other(void)
{
	log_open(LOG_TO_SYSLOG, "master", LOG_DEBUG);
	ok(!log_waits(), "nothing is kept for another reader");
	open_again();
}

/* The child goes on with what its parent kept, as a daemon's does. */
static void
open_in_child(void)
{
	int status = 0;
	pid_t pid = fork();

	if (pid != 0) {
		waitpid(pid, &status, 0);
		_exit(WIFEXITED(status) ? WEXITSTATUS(status) : 1);
	}
	open_again();
}

/* As before exec(2); he is awake again. */
static int woken;

static void
finish(void)
{
	hear(woken);
	log_finish();
	ok(!log_waits(), "nothing is kept at the end");
}

static void
sleepers(void)
{
	int end[2];

	if (pipe(end) == 0)
		sleeper("a pipe", end, 1000, NULL);
	if (pipe(end) == 0)
		sleeper("some that can be kept", end, 100, NULL);
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, end) == 0)
		sleeper("a socket", end, 1000, NULL);
	if (pipe(end) == 0)
		sleeper("opened again", end, 100, open_again);
	if (pipe(end) == 0)
		sleeper("opened in a child", end, 100, open_in_child);
	if (pipe(end) == 0)
		sleeper("elsewhere meanwhile", end, 100, open_other);
	if (pipe(end) == 0) {
		woken = end[0];
		sleeper("at the end", end, 100, finish);
	}
}

static void
fatality(void)
{
	int status = 0;
	pid_t pid = fork();

	if (pid == 0)
		fatal("%s:%d: no such thing", "dynproxy.conf", 3);
	waitpid(pid, &status, 0);
	ok(WIFEXITED(status) && WEXITSTATUS(status) == 1, "fatal() exits 1");
	is_str(written(),
	    "<2>dynproxy[master]: fatal dynproxy.conf:3: no such thing\n",
	    "and says why");
}

int
main(void)
{
	capture();
	prefixes();
	priorities();
	forgeries();
	lengths();
	unwritable();
	sleepers();
	fatality();
	return done();
}
