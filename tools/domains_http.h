/*
 * A small HTTP/1.1 server: some threads, each with one connection at a time,
 * which closes when it is slow.  It is for few clients that are known.
 */
#ifndef TOOLS_DOMAINS_HTTP_H
#define TOOLS_DOMAINS_HTTP_H

#include <jansson.h>
#include <stdbool.h>

#include "http/msg.h"
#include "lib/addr.h"
#include "lib/buf.h"

#define HTTP_BODY_MAX (64 * 1024) /* bytes */

struct http_request {
	const struct http_msg *head; /* borrowed, like all spans */
	struct span path;	     /* of its target, without the query */
	struct span body;
	bool too_large; /* its body is over HTTP_BODY_MAX, and was not read */
	bool no_length; /* it has a body of unknown length: likewise */
};

struct http_answer {
	unsigned status;
	json_t *body;	       /* owned; NULL: an empty object */
	const char *header;    /* one more line, without CRLF; NULL: none */
	char header_text[128]; /* may hold it */
};

struct http_server {
	/* Answer a request; on any of the threads. */
	void (*serve)(void *arg, const struct http_request *request,
	    struct http_answer *answer);
	void *arg;
};

/*
 * Serve until SIGTERM or SIGINT, which every thread of the caller's has
 * blocked; requests under way are finished.  -1 with errno: it cannot
 * listen, or has no thread.
 */
int http_serve(const struct http_server *server, const struct addr *listen);

#endif
