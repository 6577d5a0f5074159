/* Every setting there is, in the order in which -T writes them. */
#ifndef CONF_DIRECTIVES_H
#define CONF_DIRECTIVES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "conf/changes.h"
#include "conf/conf.h"
#include "conf/machine.h"
#include "conf/type.h"

/* A word that stands for a number; a list of them ends with a NULL. */
struct choice {
	const char *name;
	int value;
};

struct directive {
	const char *name;
	const struct type *type;
	size_t at;       /* offset in struct conf */
	size_t size;     /* a number's bytes there */
	size_t count_at; /* offset of a list's number of values */
	uint64_t min, max; /* ms, bytes, pieces; a string's length */
	const struct choice *choices;
	enum listener_kind kind;
	const char *preset; /* the default, as one would write it; a list's
	                       values stand between ", " */
	void (*automatic)(char out[MACHINE_TEXT_MAX]); /* what "auto" is here */
	enum applied applied; /* by a reload */
	const char *help;
};

extern const struct directive directives[];
extern const size_t ndirectives;

#endif
