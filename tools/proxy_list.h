/* The proxy's list of tools: GET :8081/list (1-registration.md 1.4). */
#ifndef TOOLS_PROXY_LIST_H
#define TOOLS_PROXY_LIST_H

#include <jansson.h>

#define PROXY_LIST_WHY_MAX 256

/*
 * Ask for it.  NULL: why (PROXY_LIST_WHY_MAX bytes) says what is wrong; the
 * object of tools else, the caller's to json_decref().
 *
 * url    NULL: http://<line of /etc/active-proxy>:8081/list
 * query  to be appended, "?full=1", or ""
 */
json_t *proxy_list(const char *url, const char *query, char *why);

#endif
