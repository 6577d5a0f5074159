/*
 * What is remembered of a request when its bytes are gone: for what the
 * backend, the answer and the log say of it.
 */
#ifndef WORKER_ASKED_H
#define WORKER_ASKED_H

#include <stdbool.h>

#include "http/negotiate.h"
#include "http/target.h"
#include "http/trace.h"

#define ASKED_AUTHORITY_MAX (HOST_NAME_MAX_DNS + 8) /* a dot and a port */
#define ASKED_TOOL_MAX 64
#define ASKED_ACCEPT_MAX 512

struct asked {
	enum media media;   /* of our own answer; set by asked_weigh() */
	enum coding coding; /* of a body that is sent to it */
	uint8_t language;   /* of the pages, see worker/templates.h */
	bool https;	    /* it came by TLS */

	/* lengths of what follows; 0: not known, or none */
	uint8_t id_len, trace_len, tool_len;
	uint16_t host_len, authority_len, accept_len;
	char id[REQUEST_ID_MAX];
	char trace[TRACE_PARENT_LEN]; /* goes on to the backend */
	bool traced; /* a trace goes on, with its state; false: a new one */
	char tool[ASKED_TOOL_MAX];
	char host[HOST_NAME_MAX_DNS + 1];    /* normalised */
	char authority[ASKED_AUTHORITY_MAX]; /* as it came, with a port */
	char accept[ASKED_ACCEPT_MAX];	     /* as it came, as far as it fits */
};

/* Nothing is known but how it came (as below), and an id, which is made. */
void asked_nothing(
    struct asked *a, struct trace_source *source, struct span proto);

/*
 * A request that was understood.
 *
 * target  NULL: not understood, either
 * proto   the client's: "http" or "https"
 */
void asked_begin(struct asked *a, struct trace_source *source,
    const struct http_msg *msg, const struct http_target *target,
    struct span proto);

/*
 * It is we who answer: what the client likes best is found out only then, for
 * it takes longer than all else that is remembered.
 */
void asked_weigh(struct asked *a);

void asked_set_host(struct asked *a, struct span normalized);
void asked_set_tool(struct asked *a, struct span name);

static inline struct span
asked_id(const struct asked *a)
{
	return (struct span){ a->id, a->id_len };
}

static inline struct span
asked_trace(const struct asked *a)
{
	return (struct span){ a->trace, a->trace_len };
}

static inline struct span
asked_host(const struct asked *a)
{
	return (struct span){ a->host, a->host_len };
}

static inline struct span
asked_tool(const struct asked *a)
{
	return (struct span){ a->tool, a->tool_len };
}

static inline struct span
asked_authority(const struct asked *a)
{
	return (struct span){ a->authority, a->authority_len };
}

#endif
