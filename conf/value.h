/* Single values as a configuration file has them: text to binary and back. */
#ifndef CONF_VALUE_H
#define CONF_VALUE_H

#include <stdbool.h>
#include <stdint.h>

#define VALUE_TEXT_MAX 32 /* a number and its unit; with the NUL */

/* "500ms", "2s", "5m", "1h", "7d": a whole number and its unit. */
bool duration_parse(uint64_t *ms, const char *text);
const char *duration_format(uint64_t ms, char out[VALUE_TEXT_MAX]);

/* "512b", "8k", "128m", "1g": powers of 1024. */
bool size_parse(uint64_t *bytes, const char *text);
const char *size_format(uint64_t bytes, char out[VALUE_TEXT_MAX]);

/* "20000": decimal, no sign. */
bool count_parse(uint64_t *n, const char *text);
const char *count_format(uint64_t n, char out[VALUE_TEXT_MAX]);

/* Labels of a-z, 0-9 and -, joined by dots, as RFC 1123 wants; lower case. */
bool host_name_valid(const char *name);

/* What may stand before a web domain: [a-z0-9][a-z0-9-]{0,62}. */
bool tool_name_valid(const char *name);

/* A node's: 1 to NODE_NAME_MAX letters, digits, dots, hyphens, underscores. */
#define NODE_NAME_MAX 64
bool node_name_valid(const char *name);

#endif
