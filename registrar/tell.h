/*
 * What is to be seen of this node and of its tools, as JSON: for the status
 * page, and for dynproxyctl.
 */
#ifndef REGISTRAR_TELL_H
#define REGISTRAR_TELL_H

#include <jansson.h>

#include "registrar/listing.h"

struct registrar;

#define TELL_TOOLS_MAX 200 /* of all, or of those that are looked for */

/* readyz, and {"processes", "bans", "maintenance", "requests", ...}. */
json_t *tell_node(struct registrar *r);

/* Which tools come first: what they were in the last minute. */
enum tell_order { TELL_BY_RATE, TELL_BY_ERRORS, TELL_BY_MS, TELL_ORDERS };

/* "rate", "errors", "ms"; TELL_ORDERS: none is called so. */
enum tell_order tell_order_of(const char *word);

/*
 * {"total", "tools": [...]}, in that order.
 *
 * part   that their names have; empty: any
 */
json_t *tell_tools(const struct registrar *r, const char *part,
    enum tell_order order, size_t max);

/* What a list says of a tool, once for all of its routes. */
struct listed_tool tell_listed(
    const struct registrar *r, const struct book_name *name);

/*
 * One tool, its routes, its last errors, why it was refused what, what happened
 * to it.
 */
json_t *tell_tool(const struct registrar *r, const struct book_name *name);

/*
 * [{"name", "requests", "last"}]: names that the last requests for nobody were
 * for, the one asked for last first.
 */
json_t *tell_unknown(const struct registrar *r);

/* The same of one that has no route any more; NULL: nothing is known of it. */
json_t *tell_gone(const struct registrar *r, const char *tool);

#endif
