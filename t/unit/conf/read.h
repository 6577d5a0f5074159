/* Read a text as a configuration, and keep what is said of it. */
#ifndef T_UNIT_CONF_READ_H
#define T_UNIT_CONF_READ_H

#include <stdlib.h>

#include "conf/conf.h"
#include "t/tap.h"

/* What the reader said about the last text; empty when it took it. */
static char *said;

static inline struct conf *
read_text(const char *text)
{
	size_t size;
	FILE *err;
	struct conf *conf;

	free(said);
	err = open_memstream(&said, &size);
	conf = conf_read_text(text, "f", err);
	fclose(err);
	return conf;
}

#endif
