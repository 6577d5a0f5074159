/*
 * What a file of error_directory is for, by its name: NAME.FORM, or
 * LANGUAGE/NAME.FORM (dynproxy-errors(7)).
 */
#ifndef HTTP_ERROR_FILE_H
#define HTTP_ERROR_FILE_H

#include <stdbool.h>

#include "http/negotiate.h"
#include "http/reason.h"
#include "lib/span.h"

/* From what is for many to what is for one: the latter is taken. */
enum error_scope {
	ERROR_NONE, /* no file is like that */
	ERROR_ANY,
	ERROR_VOICE,
	ERROR_STATUS,
	ERROR_REASON,
};

struct error_file {
	struct span language; /* empty: none */
	enum media media;
	enum error_scope scope;
	unsigned which; /* enum voice, a status, enum reason */
};

/* Is it a template at all, by what its name ends with? */
bool error_file_form(struct span name, enum media *media);

/* Is it a language, as in Accept-Language (RFC 5646 section 2.1)? */
bool error_file_language(struct span name);

/* False: there is no such form, language, reason, status or voice. */
bool error_file_parse(struct span path, struct error_file *file);

/* Can it be the page for that reason? */
bool error_file_is_for(const struct error_file *file, enum reason reason);

#endif
