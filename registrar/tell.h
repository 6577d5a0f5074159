/*
 * What is to be seen of this node and of its tools, as JSON: for the status
 * page, and for dynproxyctl.
 */
#ifndef REGISTRAR_TELL_H
#define REGISTRAR_TELL_H

#include <jansson.h>

#include "registrar/book.h"

struct registrar;

#define TELL_TOOLS_MAX 200 /* of all, or of those that are looked for */

/* readyz, and {"processes", "bans", "maintenance", "requests", ...}. */
json_t *tell_node(struct registrar *r);

/*
 * {"total", "tools": [...]}: the busiest first.
 *
 * part   that their names have; empty: any
 */
json_t *tell_tools(const struct registrar *r, const char *part, size_t max);

/* One tool, its routes, its last errors, why it was refused what. */
json_t *tell_tool(const struct registrar *r, const struct book_name *name);

#endif
