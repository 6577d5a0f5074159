/* Which name a request's host stands for (2-http.md 2.2). */
#ifndef ROUTE_HOST_H
#define ROUTE_HOST_H

#include <stdbool.h>

#include "conf/conf.h"
#include "lib/span.h"

/*
 * The tool of `<tool>.<web_domain>`: the full name must match a configured
 * domain, and the tool is one label.
 *
 * host   normalised by http_host_normalize()
 * tool   set to a part of host
 */
bool host_tool(const struct conf *conf, struct span host, struct span *tool);

#endif
