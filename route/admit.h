/*
 * Who may come in, and how often: steps 3 to 5 of the order of decisions
 * (2-http.md 2.1).
 */
#ifndef ROUTE_ADMIT_H
#define ROUTE_ADMIT_H

#include "conf/conf.h"
#include "http/reason.h"
#include "http/target.h"
#include "lib/addr.h"
#include "route/rules.h"
#include "shm/counters.h"
#include "shm/limits.h"
#include "shm/policy.h"
#include "shm/route.h"

/* What admission is decided by; a process has one. */
struct gate {
	const struct policy *policy; /* borrowed; NULL: let everybody in */
	struct rules *rules;	     /* borrowed; as policy */
	struct limits *limits;	     /* borrowed; NULL: limit no client */
	struct counters *counters;   /* borrowed; NULL: limit no tool */
};

/* What a client tells of itself. */
struct visitor {
	const struct ip *ip; /* as a trusted proxy says, if there is one */
	struct span agent;   /* User-Agent; empty: none */
	struct span referer; /* empty: none */
	uint64_t now_ms;     /* CLOCK_MONOTONIC */
	bool https;          /* it came by TLS */
	bool safe;           /* GET or HEAD */
};

/*
 * REASON_NONE: it may come in, and was counted.
 *
 * host         normalised
 * retry_after  set for maintenance that has an end: seconds
 */
enum reason admit_client(const struct gate *gate, const struct conf *conf,
    const struct visitor *visitor, struct span host, struct span path,
    unsigned *retry_after);

/* The tool that a request names, as far as host and path tell; or empty. */
struct span admit_tool(
    const struct conf *conf, struct span host, struct span path);

/*
 * REASON_NONE: the tool that was found for it takes one more request.
 *
 * retry_after  as above
 */
enum reason admit_to_tool(const struct gate *gate, const struct conf *conf,
    const struct visitor *visitor, const struct tool *tool,
    unsigned *retry_after);

#endif
