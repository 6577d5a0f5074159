/* Settings by their names, and their values as text. */
#ifndef CONF_SETTING_H
#define CONF_SETTING_H

#include <stdbool.h>

#include "conf/conf.h"

struct directive;

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
bool directive_preset(
    struct conf *conf, const struct directive *d, char why[DIRECTIVE_WHY_MAX]);

#endif
