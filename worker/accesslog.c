/* Writes lines of the access log into this worker's ring. */
#include "worker/accesslog.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "lib/clock.h"
#include "lib/log.h"
#include "shm/logring.h"
#include "worker/asked.h"
#include "worker/process.h"

struct accesslog {
	struct logring_writer ring;
	int wake; /* borrowed: a pipe to the logger */
	struct logline_style style;
	char node[65]; /* gethostname(2) */

	/* of a second, made once; a line's time is found without a clock */
	char second[40];
	size_t second_len;
	uint64_t next_ms; /* CLOCK_MONOTONIC: then it is another second */
	char time[48];	  /* with the fraction, JSON only */

	char *line; /* owned: the one at hand, logline_max() bytes */
};

static void
set_style(struct worker *w)
{
	struct accesslog *log = w->accesslog;

	log->style = (struct logline_style){
		.format = w->conf->access_log_format,
		.address = w->conf->access_log_address,
		.node = span_str(log->node),
		.worker = w->boot.number,
	};
	log->next_ms = 0; /* its time is written in another way */
}

int
accesslog_open(struct worker *w)
{
	const struct conf *conf = w->conf;
	size_t line_max = logline_max(conf->request_head_max);
	struct accesslog *log;
	int saved;

	if (conf->access_log[0] == '\0')
		return 0;
	log = calloc(1, sizeof(*log));
	if (log == NULL)
		return -1;
	log->line = malloc(line_max);
	if (log->line == NULL || gethostname(log->node, 64) == -1 ||
	    logring_writer_open(&log->ring,
		w->boot.segment_fds[SEGMENT_LOG_RINGS],
		w->boot.segment_fds[SEGMENT_LOG_MARKS], w->boot.slot) == -1) {
		saved = errno;
		free(log->line);
		free(log);
		errno = saved;
		return -1;
	}
	log->wake = w->boot.log_wake;
	w->accesslog = log;
	set_style(w);
	return 0;
}

int
accesslog_apply(struct worker *w)
{
	if (w->accesslog == NULL)
		return accesslog_open(w);
	if (w->conf->access_log[0] == '\0')
		accesslog_close(w);
	else
		set_style(w);
	return 0;
}

void
accesslog_close(struct worker *w)
{
	if (w->accesslog == NULL)
		return;
	logring_writer_close(&w->accesslog->ring);
	free(w->accesslog->line);
	free(w->accesslog);
	w->accesslog = NULL;
}

/* A route as it was registered; it is a path, or a pattern for some. */
static void
say_route(struct logline *line, const struct route *route)
{
	static const struct span any = { ".*", 2 };
	char text[ROUTE_PATTERN_MAX + 2];
	size_t n = route->text.len;

	if (n > ROUTE_PATTERN_MAX)
		return;
	memcpy(text, route->text.ptr, n);
	if (route->kind == ROUTE_PREFIX) {
		memcpy(text + n, any.ptr, any.len);
		n += any.len;
	}
	logline_say(line, LINE_ROUTE, (struct span){ text, n });
}

static void
say_tool(
    const struct worker *w, struct logline *line, const struct route *route)
{
	const struct span key = w->router.tool.key;

	if (*key.ptr == KEY_TOOL)
		logline_say(line, LINE_TOOL, span_from(key, 1));
	say_route(line, route);
}

/* What it is known by elsewhere, and how it came here. */
static void
say_ids(struct logline *line, const struct asked *asked,
    const struct logline_client *client)
{
	logline_say(line, LINE_ID, asked_id(asked));
	logline_say(line, LINE_TRACE, asked_trace(asked));
	if (client->ssl != NULL)
		logline_say_tls(line, client->ssl);
}

void
accesslog_begin(struct worker *w, struct logline *line,
    const struct asked *asked, const struct logline_client *client,
    const struct http_msg *msg, const struct decision *d)
{
	logline_begin(line, client, w->loop.now_ms);
	if (w->accesslog == NULL)
		return;
	logline_say(line, LINE_HOST, asked_host(asked));
	logline_say_head(line, msg);
	if (w->accesslog->style.format != ACCESS_LOG_JSON)
		return;
	if (d->action == ACTION_PROXY)
		say_tool(w, line, d->route);
	say_ids(line, asked, client);
}

void
accesslog_begin_refused(struct worker *w, struct logline *line,
    const struct asked *asked, const struct logline_client *client,
    struct span bytes, const struct http_msg *msg)
{
	logline_begin(line, client, w->loop.now_ms);
	if (w->accesslog == NULL)
		return;
	if (msg != NULL)
		logline_say_head(line, msg);
	else
		logline_say_bytes(line, bytes);
	if (w->accesslog->style.format == ACCESS_LOG_JSON)
		say_ids(line, asked, client);
}

static void
make_second(struct accesslog *log, uint64_t now_ms)
{
	uint64_t real_ms = clock_real_ms();
	time_t seconds = (time_t)(real_ms / 1000);
	struct tm tm;

	if (log->style.format == ACCESS_LOG_JSON) {
		gmtime_r(&seconds, &tm);
		log->second_len = strftime(
		    log->second, sizeof(log->second), "%Y-%m-%dT%H:%M:%S", &tm);
	} else {
		localtime_r(&seconds, &tm);
		log->second_len = strftime(log->second, sizeof(log->second),
		    "%d/%b/%Y:%H:%M:%S %z", &tm);
	}
	log->next_ms = now_ms + 1000 - real_ms % 1000;
}

static struct span
time_text(struct accesslog *log, uint64_t now_ms)
{
	int n;

	if (now_ms >= log->next_ms)
		make_second(log, now_ms);
	if (log->style.format != ACCESS_LOG_JSON)
		return (struct span){ log->second, log->second_len };
	n = snprintf(log->time, sizeof(log->time), "%s.%03u000Z", log->second,
	    (unsigned)(1000 - (log->next_ms - now_ms)));
	return (struct span){ log->time, (size_t)n };
}

static void
wake_logger(const struct accesslog *log)
{
	if (write(log->wake, "", 1) == -1)
		log_event(
		    LOG_DEBUG, "logger-unwoken", "%m"); /* it looks soon */
}

void
accesslog_end(struct worker *w, struct logline *line)
{
	struct accesslog *log = w->accesslog;
	size_t n;

	if (!line->open)
		return;
	line->open = false;
	if (log == NULL) /* none is kept any more */
		return;
	log->style.now_ms = w->loop.now_ms;
	log->style.time = time_text(log, w->loop.now_ms);
	n = logline_write(line, &log->style, log->line);
	if (logring_put(&log->ring, (struct span){ log->line, n }) ==
	    LOGRING_HALF)
		wake_logger(log);
}
