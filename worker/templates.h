/*
 * The operator's error pages, made ready when settings are: which of them is
 * for a reason, a form and a language.
 */
#ifndef WORKER_TEMPLATES_H
#define WORKER_TEMPLATES_H

#include "http/msg.h"
#include "http/negotiate.h"
#include "http/reason.h"
#include "lib/span.h"

struct template
{
	struct span text;
	struct span language; /* empty: it is not said */
};

struct templates;

/*
 * files  what the master read, a bundle by http/error_file.h, which has to
 *        outlive this; empty: none.  NULL: no memory.
 */
struct templates *templates_new(struct span files);
void templates_free(struct templates *templates);

/* The language that a request likes best, for templates_find(); 0: none. */
unsigned templates_language(
    const struct templates *templates, const struct http_msg *request);

/* NULL: there is none, and our own page is sent. */
const struct template *templates_find(const struct templates *templates,
    enum reason reason, enum media media, unsigned language);

#endif
