/* Writes the event log. */
#include "lib/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "lib/clock.h"

#define LINE_MAX_BYTES 2048 /* with the newline; what is longer is cut */

static struct {
	enum log_sink sink;
	int priority;
	bool journal; /* stderr is read by the journal, which stamps lines */
	char role[32];
	FILE *copy; /* of errors; borrowed; NULL: none */
} out = { .priority = LOG_INFO, .role = "start" };

void
log_open(enum log_sink sink, const char *role, int priority)
{
	out.sink = sink;
	out.priority = priority;
	out.journal = getenv("JOURNAL_STREAM") != NULL;
	snprintf(out.role, sizeof(out.role), "%s", role);
	closelog();		   /* it may have been syslog before */
	if (sink == LOG_TO_SYSLOG) /* now: a sandbox may follow */
		openlog("dynproxy", LOG_PID | LOG_NDELAY, LOG_DAEMON);
}

void
log_copy_to(FILE *to)
{
	out.copy = to;
}

void
log_set_priority(int priority)
{
	out.priority = priority;
}

/*
 * Copy, with \xHH for what is not printable ASCII: a newline forges a line,
 * and a terminal obeys some bytes above 0x7f too.
 */
static size_t
escape(char *to, size_t size, const char *text)
{
	static const char hex[] = "0123456789abcdef";
	size_t n = 0;

	for (; *text != '\0'; text++) {
		unsigned char c = (unsigned char)*text;

		if (n + 4 > size)
			break;
		if (c >= ' ' && c < 0x7f) {
			to[n++] = (char)c;
			continue;
		}
		to[n++] = '\\';
		to[n++] = 'x';
		to[n++] = hex[c >> 4];
		to[n++] = hex[c & 15];
	}
	return n;
}

/* RFC 3339, UTC, milliseconds: what journal and syslog would have added. */
static size_t
stamp(char *to, size_t size)
{
	uint64_t now_ms = clock_real_ms();
	time_t seconds = (time_t)(now_ms / 1000);
	struct tm tm;
	size_t n;

	gmtime_r(&seconds, &tm);
	n = strftime(to, size, "%Y-%m-%dT%H:%M:%S", &tm);
	n += (size_t)snprintf(
	    to + n, size - n, ".%03uZ ", (unsigned)(now_ms % 1000));
	return n;
}

/* One write(2) a line: the processes share stderr, lines do not mix. */
static void
write_stderr(int priority, const char *text)
{
	char line[LINE_MAX_BYTES];
	size_t n;

	if (out.journal)
		n = (size_t)snprintf(line, sizeof(line), "<%d>", priority);
	else
		n = stamp(line, sizeof(line));
	n += (size_t)snprintf(
	    line + n, sizeof(line) - n, "dynproxy[%s]: ", out.role);
	n += escape(line + n, sizeof(line) - n - 1, text);
	line[n++] = '\n';
	if (write(STDERR_FILENO, line, n) == -1)
		return; /* and there is nobody to tell */
}

static void
write_syslog(int priority, const char *text)
{
	char line[LINE_MAX_BYTES];
	size_t n = escape(line, sizeof(line), text);

	syslog(priority, "%s: %.*s", out.role, (int)n, line);
}

static _Thread_local struct {
	void (*watch)(void *arg, const char *line);
	void *arg;
} watcher;

void
log_watch(void (*watch)(void *arg, const char *line), void *arg)
{
	watcher.watch = watch;
	watcher.arg = arg;
}

static void
tell_watcher(const char *text)
{
	char line[LINE_MAX_BYTES];

	if (watcher.watch == NULL)
		return;
	line[escape(line, sizeof(line) - 1, text)] = '\0';
	watcher.watch(watcher.arg, line);
}

static void __attribute__((format(printf, 3, 0)))
write_event(int priority, const char *event, const char *fmt, va_list ap)
{
	char text[LINE_MAX_BYTES];
	int n = snprintf(text, sizeof(text), "%s ", event);

	vsnprintf(text + n, sizeof(text) - (size_t)n, fmt, ap);
	if (out.copy != NULL && priority <= LOG_ERR)
		fprintf(out.copy, "%s\n", text);
	if (out.sink == LOG_TO_SYSLOG)
		write_syslog(priority, text);
	else
		write_stderr(priority, text);
	tell_watcher(text);
}

void
log_event(int priority, const char *event, const char *fmt, ...)
{
	int saved = errno; /* who logs a failure may still return it */
	va_list ap;

	if (priority > out.priority)
		return;
	va_start(ap, fmt);
	write_event(priority, event, fmt, ap);
	va_end(ap);
	errno = saved;
}

void
fatal(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	write_event(LOG_CRIT, "fatal", fmt, ap);
	va_end(ap);
	exit(1);
}
