/* Which name a request's host stands for (2-http.md 2.2). */
#ifndef ROUTE_HOST_H
#define ROUTE_HOST_H

#include <stdbool.h>

#include "conf/conf.h"
#include "lib/span.h"

enum host_kind {
	HOST_TOOL,   /* `<tool>.<web_domain>`; the tool is one label */
	HOST_LEGACY, /* a legacy host or a web domain: the path has the tool */
	HOST_OTHER,  /* a frontend's, or nobody's */
};

struct host {
	enum host_kind kind;
	struct span tool;   /* HOST_TOOL: a part of the host */
	struct span domain; /* where tools are: the configured web domain */
};

/*
 * Compare with what is configured: a full name must match, never its first
 * label alone.
 *
 * host   normalised by http_host_normalize()
 */
void host_classify(const struct conf *conf, struct span host, struct host *out);

/* Is host a label, a dot and domain?  Then *label is that label. */
bool host_is_label_below(
    struct span host, struct span domain, struct span *label);

/* The domain that host is one label below; empty: it is a single label. */
struct span host_parent(struct span host);

/*
 * Take the tool off a legacy path: `/<tool>/rest`, or `/<tool>` with an empty
 * rest.  False: its first segment cannot be a tool's name.
 *
 * path   raw, without the query
 */
bool host_legacy_path(struct span path, struct span *tool, struct span *rest);

#endif
