/* Shows a tool's address and what the proxy thinks of the tool. */
#include "tools/webservice_show.h"

#include <stdlib.h>
#include <unistd.h>

#include "tools/ctl_client.h"
#include "tools/proxy_list.h"
#include "tools/service.h"

#define CONTROL_SOCKET "/run/dynproxy/control.sock"
#define HEALTH_WAIT_MS 3000

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

static double
number(const json_t *object, const char *name)
{
	return json_number_value(json_object_get(object, name));
}

/* "-": it is not known, as is a request where no access log is kept. */
static const char *
text(const json_t *object, const char *name)
{
	const char *value = json_string_value(json_object_get(object, name));

	return value != NULL && *value != '\0' ? value : "-";
}

/*
 * On the proxy's own host a tool may ask about itself: how it is, its routes,
 * its last error.  False: this is another host, or it may not.
 */
static bool
show_health(const struct account *a)
{
	const char *control = getenv("DYNPROXY_CONTROL");
	char said[CTL_SAID_MAX], *args[] = { (char *)a->tool, NULL };
	struct ctl ctl = { .control =
			       control != NULL ? control : CONTROL_SOCKET,
		.said = said,
		.wait_ms = HEALTH_WAIT_MS };
	const json_t *last;
	json_t *tool;

	if (access(ctl.control, F_OK) == -1 ||
	    ctl_ask(&ctl, "tool", args, &tool) != CTL_DONE)
		return false;
	printf("The proxy's word for it is \"%s\": in the last minute %.2f "
	       "requests/s, %.1f %% errors, %.0f ms\n",
	    text(tool, "state"), number(tool, "rate"),
	    100 * number(tool, "errors"), number(tool, "ms"));
	show_routes(tool);
	last = json_array_get(json_object_get(tool, "last_errors"), 0);
	if (last != NULL)
		printf("Its last error: %s, %.0f %s %s\n", text(last, "time"),
		    number(last, "status"), text(last, "reason"),
		    text(last, "request"));
	json_decref(tool);
	return true;
}

/* What everybody may know, of the proxy in use, wherever it is. */
static void
show_listed(const struct account *a)
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

void
webservice_show_proxy(const struct account *a)
{
	if (!show_health(a))
		show_listed(a);
}
