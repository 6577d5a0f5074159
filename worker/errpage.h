/*
 * Answers of our own: a page for each reason of http/reason.h, in the form
 * that the client likes best (2-http.md 2.3).  It is the operator's, where
 * there is one that with its variables is not too long; else ours.
 */
#ifndef WORKER_ERRPAGE_H
#define WORKER_ERRPAGE_H

#include <stdbool.h>
#include <stdint.h>

#include "http/msg.h"
#include "http/reason.h"
#include "lib/buf.h"
#include "worker/asked.h"
#include "worker/templates.h"

#define ERRPAGE_MAX 8192 /* bytes of a page */

/* Room for the field values that msg points to. */
struct errpage_text {
	char date[32], retry_after[16], length[24];
};

struct errpage {
	enum reason reason;
	unsigned retry_after; /* seconds; 0: as the reason has it */
	const struct asked *asked;
	const char *contact; /* whom to ask about a tool, see conf.h */
	const char *node;    /* our name */
	const struct templates *templates; /* the operator's pages */
	uint64_t unix_seconds;
};

/*
 * Make the head and the page.  False: no memory.
 *
 * msg   set: status and fields; good as long as *text is
 * page  the body; empty at first
 */
bool errpage_make(const struct errpage *e, struct errpage_text *text,
    struct http_msg *msg, struct buf *page);

/*
 * A redirect.
 *
 * page  the location at first, and then the body behind it; the location can
 *       be dropped when msg was written
 */
bool errpage_redirect(unsigned status, enum media media, uint64_t unix_seconds,
    struct errpage_text *text, struct http_msg *msg, struct buf *page);

/* 200 with a line of text behind what page has: the health check. */
bool errpage_health(struct span line, uint64_t unix_seconds,
    struct errpage_text *text, struct http_msg *msg, struct buf *page);

/* The head of a 200 with that content, which may be kept for a day. */
void errpage_file(struct span type, struct span content, uint64_t unix_seconds,
    struct errpage_text *text, struct http_msg *msg);

#endif
