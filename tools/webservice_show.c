/* Shows a tool's address and what the proxy thinks of the tool. */
#include "tools/webservice_show.h"

#include <stdlib.h>

#include "tools/proxy_list.h"
#include "tools/service.h"

void
webservice_show_url(const struct account *a)
{
	printf("https://%s.%s/\n", a->tool, service_domain());
}

/* {"routes": [{...}, ...]}: what is told of each, in the proxy's own words. */
static void
show_routes(const json_t *tool)
{
	json_t *route, *value;
	const char *key;
	size_t i;

	json_array_foreach(json_object_get(tool, "routes"), i, route)
	{
		printf(" ");
		json_object_foreach(route, key, value)
		{
			if (json_is_string(value))
				printf(" %s=%s", key, json_string_value(value));
		}
		printf("\n");
	}
}

void
webservice_show_proxy(const struct account *a)
{
	char why[PROXY_LIST_WHY_MAX];
	json_t *list = proxy_list(NULL, "?full=1", why);
	const json_t *tool = json_object_get(list, a->tool);

	if (list == NULL) {
		printf("The proxy cannot be asked: %s\n", why);
	} else if (tool == NULL) {
		puts("The proxy has no route to it: see webservice logs");
	} else {
		puts("The proxy has a route to it:");
		show_routes(tool);
	}
	json_decref(list);
}
