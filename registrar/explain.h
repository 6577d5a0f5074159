/*
 * What would become of a request, and why: by the code of route/ that the
 * workers run, on the live table, step by step (4-operations.md 4.2).
 */
#ifndef REGISTRAR_EXPLAIN_H
#define REGISTRAR_EXPLAIN_H

#include <jansson.h>

struct explainer;
struct registrar;

struct explain_question {
	const char *url;    /* "[http[s]://]host[:port][/path][?query]" */
	const char *client; /* IP address; empty: nobody in particular */
	const char *agent;  /* User-Agent; empty: a browser's */
};

void explainer_free(struct explainer *e);

/*
 * {"steps": [{"step", "result", "text"}], "action", "status", "reason",
 * "host", "tool", "route", "location", "backends": [...]}; it counts for no
 * limit.  NULL: why (256 bytes) says what is wrong with the question.
 */
json_t *explain(struct explainer *e, const struct registrar *r,
    const struct explain_question *q, char *why);

/* The same; what it needs is made at the first question, and kept in r. */
json_t *explain_live(
    struct registrar *r, const struct explain_question *q, char *why);

#endif
