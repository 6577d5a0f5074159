/*
 * What is to be done with a request, in the order of 2-http.md 2.1.  Workers
 * obey the decision, `explain` prints it; nothing here does I/O.
 */
#ifndef ROUTE_DECIDE_H
#define ROUTE_DECIDE_H

#include "conf/conf.h"
#include "http/reason.h"
#include "http/target.h"
#include "route/admit.h"
#include "route/redirect.h"
#include "shm/table_read.h"

enum action {
	ACTION_PROXY,    /* to one of decision->route's backends */
	ACTION_HEALTH,   /* 200, text/plain, HEALTH_TEXT */
	ACTION_CHALLENGE, /* decision->token of ACME */
	ACTION_REDIRECT, /* decision->status and location */
	ACTION_REFUSE,   /* an answer of our own: decision->reason */
};

#define HEALTH_PATH "/.well-known/healthz"
#define CHALLENGE_PATH "/.well-known/acme-challenge/" /* RFC 8555 8.3 */
#define HEALTH_TEXT "proxy ok!" /* these bytes, for who compares them */

struct decision {
	enum action action;
	enum reason reason;        /* ACTION_REFUSE only */
	unsigned retry_after;      /* ACTION_REFUSE only; 0: the reason's */
	const struct route *route; /* ACTION_PROXY only; in router->tool */
	unsigned status;           /* ACTION_REDIRECT only: 301, 302, 307, 308 */
	struct span token;         /* ACTION_CHALLENGE only; of the target */
	struct span location;      /* ACTION_REDIRECT only; in router */
};

/* What decisions are made from; a process has one. */
struct router {
	const struct conf *conf;   /* borrowed */
	const struct table *table; /* borrowed */
	struct gate gate;
	struct table_copy copy;    /* what tool points into */
	struct tool tool;          /* of the last decision, if it had a name */
	char key[KEY_MAX];	     /* that was looked up last */
	char location[LOCATION_MAX]; /* of the last redirect */
};

/*
 * What a decision points to is good until the next call.
 *
 * target   as http_target() has filled it
 */
void route_decide(struct router *router, const struct visitor *visitor,
    const struct http_target *target, struct decision *decision);

/* Is it sent to where TLS is spoken, before anything else is looked at? */
bool route_wants_tls(const struct conf *conf, const struct visitor *visitor);

#endif
