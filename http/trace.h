/*
 * What a request is known by on its way: X-Request-Id, and traceparent and
 * tracestate of the W3C's Trace Context, level 2.
 */
#ifndef HTTP_TRACE_H
#define HTTP_TRACE_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/span.h"

#define REQUEST_ID_MAX 128  /* bytes of one that is kept */
#define TRACE_PARENT_LEN 55 /* bytes of the one version there is */

/* Numbers that nobody can foretell who does not know the key. */
struct trace_source {
	uint64_t key[2]; /* random */
	uint64_t count;
};

/* Is it one to keep: 8 to 128 of [A-Za-z0-9._-]? */
bool request_id_valid(struct span id);

/* Make one of 128 bits, in hexadecimal; returns its length. */
#define REQUEST_ID_LEN 32
size_t request_id_make(struct trace_source *source, char *out);

/*
 * Write the traceparent that goes to the backend: the trace and its flags that
 * were received, with a span of our own; or a new trace, not sampled, if there
 * is none that is valid.
 *
 * received  empty: none, or several
 * Returns   whether the trace goes on, so that its tracestate does
 */
bool trace_parent(struct trace_source *source, struct span received,
    const char *id, char out[TRACE_PARENT_LEN]);

/* Is it one line of a tracestate: members of the form key=value? */
bool trace_state_valid(struct span state);

#endif
