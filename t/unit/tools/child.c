/* A command is bounded in time and in what it prints, and says what it said. */
#include "tools/child.h"

#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lib/clock.h"
#include "t/tap.h"

#define OUT_MAX 65536
#define LONG_MS 20000

static struct buf *heard;	 /* NULL: nobody listens */
static const char *awaited = ""; /* what is said before anything hangs */
static bool slow;

/* It has said it before its time is up, on a machine that is slow, too. */
int
poll(struct pollfd *fds, nfds_t n, int timeout_ms)
{
	const struct timespec timeout = { timeout_ms / 1000,
		timeout_ms % 1000 * 1000000L };
	bool waits = heard != NULL && buf_len(heard) < strlen(awaited);

	return ppoll(fds, n, waits ? NULL : &timeout, NULL);
}

/* Slower, perhaps, than who writes. */
ssize_t
read(int fd, void *to, size_t n)
{
	if (slow)
		poll(NULL, 0, 5);
	return syscall(SYS_read, fd, to, n);
}

static const struct {
	const char *what, *command;
	unsigned timeout_ms;
	int status;
	const char *out, *said;
} cases[] = {
	{ "it prints", "echo one; echo two >&2", LONG_MS, 0, "one\n", "two" },
	{ "it fails", "echo first >&2; echo last >&2; exit 3", LONG_MS, 3, "",
	    "last" },
	{ "it says nothing", "exit 1", LONG_MS, 1, "", "" },
	{ "a line without an end", "printf 'a\\nb' >&2", LONG_MS, 0, "", "b" },
	{ "much before the last line",
	    "yes | head -c 100000 >&2; echo last >&2", LONG_MS, 0, "", "last" },
	{ "nothing on its standard input", "cat; echo end", LONG_MS, 0, "end\n",
	    "" },
	{ "killed by somebody", "kill -9 $$", LONG_MS, -1, "",
	    "it was ended by signal 9" },
	{ "it hangs", "echo begin; sleep 1000", 200, -1, "begin\n",
	    "it took too long" },
	{ "it hangs with its output closed", "exec >&- 2>&-; sleep 1000", 200,
	    -1, "", "it took too long" },
	{ "a child of it hangs", "sleep 1000 & exit 0", 200, -1, "",
	    "it took too long" },
};

static int
run(const char *command, unsigned timeout_ms, struct buf *out, char *said)
{
	const char *argv[] = { "sh", "-c", command, NULL };

	heard = out;
	return child_run(argv, timeout_ms, out, said);
}

static void
test_cases(void)
{
	char said[CHILD_SAID_MAX];
	struct buf out;

	for (size_t i = 0; i < nitems(cases); i++) {
		buf_init(&out, OUT_MAX);
		awaited = cases[i].out;
		is_int(run(cases[i].command, cases[i].timeout_ms, &out, said),
		    cases[i].status, "%s: its status", cases[i].what);
		is_span(buf_span(&out), cases[i].out, "%s: its output",
		    cases[i].what);
		is_str(said, cases[i].said, "%s: what it said", cases[i].what);
		buf_release(&out);
	}
	awaited = "";
}

static void
test_too_much(void)
{
	uint64_t began_ms = clock_mono_ms();
	char said[CHILD_SAID_MAX];
	struct buf out;

	buf_init(&out, OUT_MAX);
	is_int(run("yes", LONG_MS, &out, said), -1, "one that never stops");
	is_str(said, "it printed too much", "is told so");
	ok(buf_len(&out) <= OUT_MAX, "and kept within bounds");
	buf_release(&out);
	slow = true;
	is_int(run("yes", 200, NULL, said), -1, "unless nobody listens,");
	is_str(said, "it took too long",
	    "where time is what ends it, however much is still to be read");
	slow = false;
	ok(clock_mono_ms() - began_ms < LONG_MS, "neither was waited for");
}

int
main(void)
{
	const char *missing[] = { "/nonexistent/qstat", NULL };
	char said[CHILD_SAID_MAX];

	alarm(120); /* a command that is waited for for ever fails the test */
	test_cases();
	test_too_much();
	is_int(child_run(missing, LONG_MS, NULL, said), -1, "no such command");
	is_str(said, "No such file or directory", "is said");
	signal(SIGCHLD, SIG_IGN);
	is_int(run("exit 4", LONG_MS, NULL, said), 4,
	    "whoever ignores SIGCHLD is told as well");
	return done();
}
