/* Backends whose address is in no live instance. */
#ifndef TOOLS_DOMAINS_SCRUB_H
#define TOOLS_DOMAINS_SCRUB_H

#include <jansson.h>

struct domains;

/*
 * The live addresses, by the file or the hook: an object with a member for
 * each.  NULL: why (DOMAINS_WHY_MAX bytes); an empty list is a loss, too.
 */
json_t *scrub_live(const struct domains *d, char *why);

/* Those of a list of URLs that stay: names always do.  Two new lists. */
void scrub_split(
    const json_t *backends, const json_t *live, json_t **stay, json_t **go);

#endif
