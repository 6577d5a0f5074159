/*
 * The access log as a worker sees it: one line an exchange, into this worker's
 * ring; the logger writes them to the file.  No system call, but for waking
 * the logger when half of the ring is full.
 */
#ifndef WORKER_ACCESSLOG_H
#define WORKER_ACCESSLOG_H

#include "route/decide.h"
#include "worker/logline.h"

struct asked;
struct worker;

/* Sets w->accesslog: NULL when no log is configured.  -1 with errno. */
int accesslog_open(struct worker *w);
void accesslog_close(struct worker *w);

/* The settings are others: open, close, or write other lines.  As above. */
int accesslog_apply(struct worker *w);

/*
 * A request has come, and this is decided about it.  What it was is kept for
 * a log only; how it goes, for the counters, too.
 */
void accesslog_begin(struct worker *w, struct logline *line,
    const struct asked *asked, const struct logline_client *client,
    const struct http_msg *msg, const struct decision *decision);

/*
 * One has come that is refused.
 *
 * bytes   as far as they came
 * msg     its head; NULL: it could not be parsed
 */
void accesslog_begin_refused(struct worker *w, struct logline *line,
    const struct asked *asked, const struct logline_client *client,
    struct span bytes, const struct http_msg *msg);

/* Write the line of a request that is over; none is open: nothing. */
void accesslog_end(struct worker *w, struct logline *line);

#endif
