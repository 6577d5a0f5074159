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
#include "lib/logsink.h"

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
	logsink_open(sink);
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

/* RFC 3164 section 4.1, as syslog(3) writes it: in local time. */
static size_t
stamp_syslog(char *to, size_t size, int priority)
{
	time_t seconds = (time_t)(clock_real_ms() / 1000);
	struct tm tm;
	size_t n;

	localtime_r(&seconds, &tm);
	n = (size_t)snprintf(to, size, "<%d>", LOG_DAEMON | priority);
	n += strftime(to + n, size - n, "%b %e %H:%M:%S", &tm);
	return n + (size_t)snprintf(to + n, size - n,
		       " dynproxy[%d]: %s: ", (int)getpid(), out.role);
}

static size_t
stamp_stderr(char *to, size_t size, int priority)
{
	size_t n = out.journal ? (size_t)snprintf(to, size, "<%d>", priority)
			       : stamp(to, size);

	return n +
	       (size_t)snprintf(to + n, size - n, "dynproxy[%s]: ", out.role);
}

static void
write_line(int priority, const char *text)
{
	bool to_syslog = out.sink == LOG_TO_SYSLOG;
	char line[LINE_MAX_BYTES];
	size_t n = (to_syslog ? stamp_syslog : stamp_stderr)(
	    line, sizeof(line), priority);

	n += escape(line + n, sizeof(line) - n - 1, text);
	if (!to_syslog)
		line[n++] = '\n';
	logsink_write(line, n);
}

/* Who reads the log is to know that there was more. */
static void
tell_dropped(void)
{
	uint64_t dropped = logsink_take_dropped();

	if (dropped > 0)
		log_event(LOG_WARNING, "log-dropped", "lines=%llu",
		    (unsigned long long)dropped);
}

bool
log_waits(void)
{
	return logsink_waits();
}

void
log_flush(void)
{
	logsink_flush();
	tell_dropped();
}

void
log_finish(void)
{
	logsink_finish();
	tell_dropped();
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
	if (priority <= out.priority) {
		write_line(priority, text);
		tell_dropped();
	}
	tell_watcher(text);
}

void
log_event(int priority, const char *event, const char *fmt, ...)
{
	int saved = errno; /* who logs a failure may still return it */
	va_list ap;

	if (priority > out.priority &&
	    (watcher.watch == NULL || priority > LOG_INFO))
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
