/* What explain.c and explain_route.c share. */
#ifndef REGISTRAR_EXPLAIN_PARTS_H
#define REGISTRAR_EXPLAIN_PARTS_H

#include "http/msg.h"
#include "http/target.h"
#include "registrar/explain.h"
#include "registrar/process.h"
#include "route/decide.h"

#define EXPLAIN_REQUEST_MAX 16384

struct explainer {
	struct table *table;
	struct policy *policy;
	struct rules *rules;
	struct router router;
	struct http_msg msg;
	char request[EXPLAIN_REQUEST_MAX]; /* what the question would look like */
};

/* One explanation on its way. */
struct telling {
	struct explainer *e;
	const struct registrar *r;
	struct decision d;
	struct http_target target;
	struct ip client;
	bool https;    /* by the URL, or since we speak it */
	json_t *steps; /* owned by the answer */
};

/* Add a step: what it is about, what came of it, and why. */
void explain_tell(struct telling *t, const char *step, const char *result,
    const char *fmt, ...) __attribute__((format(printf, 4, 5)));

/* What the table has of the name, and which of its routes were passed over. */
void explain_name(struct telling *t);

/* ACTION_PROXY: its backends, and what the one that serves it is told. */
void explain_backends(struct telling *t);
void explain_headers(struct telling *t, const struct listener_conf *listener);

#define EXPLAIN_BACKEND_TEXT 80
const char *explain_backend(
    const struct backend *b, char text[EXPLAIN_BACKEND_TEXT]);

#endif
