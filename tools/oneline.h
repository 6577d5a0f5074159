/* Files of one line: /etc/active-proxy, /etc/wmcs-project and their like. */
#ifndef TOOLS_ONELINE_H
#define TOOLS_ONELINE_H

#include <stdbool.h>
#include <stddef.h>

/*
 * The first word of a file's first line; empty when there is none, or when it
 * does not fit.  False with errno: the file cannot be read.
 */
bool oneline_read(const char *path, char *line, size_t size);

#endif
