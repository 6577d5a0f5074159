/*
 * Pages with variables, {{name}}: error pages, ours and the operator's
 * (field/conventions.md section 11).
 */
#ifndef HTTP_TEMPLATE_H
#define HTTP_TEMPLATE_H

#include <stdbool.h>

#include "http/negotiate.h"
#include "lib/buf.h"
#include "lib/span.h"

#define TEMPLATE_MAX 6144 /* bytes; with its variables a page fits in 8 KiB */

enum template_variable {
	TEMPLATE_STATUS,   /* 404 */
	TEMPLATE_PHRASE,   /* Not Found */
	TEMPLATE_REASON,   /* no-route */
	TEMPLATE_HEADLINE, /* whose trouble it is, in a few words */
	TEMPLATE_MEANING,  /* the reason, in a sentence */
	TEMPLATE_WHOSE,	   /* whose trouble it is, in a sentence */
	TEMPLATE_CONTACT,  /* whom to ask; empty: nobody */
	TEMPLATE_ASK,	   /* " Ask: " and that, as a link; empty: nobody */
	TEMPLATE_TOOL,	   /* its name; empty: none is known */
	TEMPLATE_HOST,
	TEMPLATE_REQUEST, /* its id */
	TEMPLATE_NODE,
	TEMPLATE_TIME, /* 2026-11-22T10:00:00Z */
	TEMPLATE_VARIABLES
};

struct template_fault {
	unsigned line;
	char what[128]; /* and what to write instead */
};

/* Is this a template?  False: the fault is set. */
bool template_check(struct span text, struct template_fault *fault);

/*
 * Append a template with its variables.  All are escaped for the form but
 * TEMPLATE_ASK, which has markup.  False: no room, or no memory; a part of it
 * may be there.
 */
bool template_expand(struct span text, enum media media,
    const struct span values[TEMPLATE_VARIABLES], struct buf *out);

/* Append text, escaped for the form; the same. */
bool template_escape(enum media media, struct span text, struct buf *out);

#endif
