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

/* NULL: there is no such setting. */
const struct directive *directive_find(const char *name);

/* The setting whose name is most like it; NULL: none is. */
const struct directive *directive_nearest(const char *name);

/*
 * Set a value, at the end of a list.  False: not done, and why says what is
 * wrong and what to write instead.
 */
#define DIRECTIVE_WHY_MAX 384
bool directive_set(struct conf *conf, const struct directive *d,
    const char *text, char why[DIRECTIVE_WHY_MAX]);

/* Give it its default, in place of any value; false as above. */
bool directive_preset(struct conf *conf, const struct directive *d,
    char why[DIRECTIVE_WHY_MAX]);

#endif
