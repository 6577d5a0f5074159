/* Reads the proxy's list of tools. */
#include "tools/proxy_list.h"

#include <bsd/string.h>

#include "tools/fetch.h"
#include "tools/reg.h"

#define LIST_MAX (32 * 1024 * 1024) /* bytes; 1,000,000 tools have 35 each */
#define LIST_MS 10000

/* Where it is.  False: why. */
static bool
find_url(
    const char *given, const char *query, char *url, size_t size, char *why)
{
	struct reg reg;
	bool ipv6;
	int n;

	if (given != NULL) {
		n = snprintf(url, size, "%s%s", given, query);
	} else if (!reg_init(&reg, NULL)) {
		strlcpy(why, reg.said, PROXY_LIST_WHY_MAX);
		return false;
	} else if (reg.host[0] == '\0') {
		strlcpy(why, REG_ACTIVE_PROXY " is empty", PROXY_LIST_WHY_MAX);
		return false;
	} else if (reg.host[0] == '/') {
		strlcpy(why, "its address is a socket's", PROXY_LIST_WHY_MAX);
		return false;
	} else {
		ipv6 = strchr(reg.host, ':') != NULL;
		n = snprintf(url, size, "http://%s%s%s:8081/list%s",
		    ipv6 ? "[" : "", reg.host, ipv6 ? "]" : "", query);
	}
	if (n >= 0 && (size_t)n < size)
		return true;
	strlcpy(why, "the URL is too long", PROXY_LIST_WHY_MAX);
	return false;
}

json_t *
proxy_list(const char *given, const char *query, char *why)
{
	json_t *list = NULL;
	char url[1024];
	struct buf body;
	int status;

	if (!find_url(given, query, url, sizeof(url), why))
		return NULL;
	buf_init(&body, LIST_MAX);
	status = fetch(
	    &(struct fetch){ .url = url, .timeout_ms = LIST_MS }, &body, why);
	if (status == 200)
		list = json_loadb(buf_span(&body).ptr, buf_len(&body), 0, NULL);
	buf_release(&body);
	if (json_is_object(list))
		return list;
	json_decref(list);
	if (status == 200)
		strlcpy(
		    why, "the answer is not a JSON object", PROXY_LIST_WHY_MAX);
	else if (status != -1)
		snprintf(why, PROXY_LIST_WHY_MAX, "the status is %d", status);
	return NULL;
}
