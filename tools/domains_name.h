/* Domains: what is one, and who may have it, by the zones file. */
#ifndef TOOLS_DOMAINS_NAME_H
#define TOOLS_DOMAINS_NAME_H

#include <jansson.h>
#include <stdbool.h>

#define DOMAIN_MAX 253 /* bytes; RFC 1035 section 2.3.4 */

/*
 * Read a domain as the original does: labels of letters, digits and inner
 * hyphens, at most 63 bytes each, one "*." before them and one dot behind them
 * allowed.  out is it in lower case, without that dot.  False: it is none.
 */
bool domain_read(const char *text, char out[DOMAIN_MAX + 1]);

/* Of the zones file, for jsonfile_open(). */
const char *zones_check(const json_t *zones);

/* Those that a project may use: {"zones": [{"name", "deprecated", ...}]}. */
json_t *zones_of(const json_t *zones, const char *project);

/*
 * May it have this domain, as a new one?  NULL: yes; else why not.
 */
const char *zones_refuse(
    const json_t *zones, const char *project, bool admin, const char *domain);

#endif
