/* Settings that are good one by one and bad together. */
#ifndef CONF_CHECK_H
#define CONF_CHECK_H

#include <stdbool.h>
#include <stdio.h>

#include "conf/conf.h"

/* False: something was wrong, and told to err; name is the file's. */
bool conf_check(const struct conf *conf, const char *name, FILE *err);

#endif
