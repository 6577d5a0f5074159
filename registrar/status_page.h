/* The files of the status page: registrar/status_page/, in the binary. */
#ifndef REGISTRAR_STATUS_PAGE_H
#define REGISTRAR_STATUS_PAGE_H

#include <stdbool.h>

#include "lib/span.h"

struct status_file {
	struct span type, bytes;
};

/* False: it is none of them. */
bool status_page_file(struct span path, struct status_file *file);

/* What a browser may do with them: nothing that is not of this origin. */
#define STATUS_PAGE_POLICY                                                     \
	"default-src 'none'; script-src 'self'; style-src 'self'; "            \
	"connect-src 'self'; img-src data:; base-uri 'none'; "                 \
	"form-action 'none'; frame-ancestors 'none'"

#endif
