/* dynproxyctl tool: what a tool's maintainers want to know. */
#include "tools/ctl_commands.h"

static const char *
text(const json_t *object, const char *name)
{
	const char *value = json_string_value(json_object_get(object, name));

	return value != NULL ? value : "-";
}

static long long
number(const json_t *object, const char *name)
{
	return (long long)json_integer_value(json_object_get(object, name));
}

static void
print_errors(const json_t *errors)
{
	const json_t *e;
	size_t i;

	json_array_foreach(errors, i, e)
	    printf("  %s  %3lld  %-26s  %6lld ms  %s  %s\n", text(e, "time"),
		number(e, "status"), text(e, "reason"), number(e, "ms"),
		text(e, "backend"), text(e, "request"));
}

static void
print_reasons(json_t *reasons)
{
	const char *reason;
	json_t *n;

	json_object_foreach(reasons, reason, n)
	    printf("  %-28s%lld\n", reason, (long long)json_integer_value(n));
}

static void
print_events(const json_t *events)
{
	const json_t *e;
	size_t i;

	json_array_foreach(events, i, e) printf("  %s  %-20s  %s\n",
	    text(e, "time"), text(e, "event"), text(e, "text"));
}

static void
print_use(const json_t *tool)
{
	printf("%.2f requests/s in the last minute, %.1f %% errors, %lld ms, "
	       "%lld under way\n",
	    json_real_value(json_object_get(tool, "rate")),
	    100 * json_real_value(json_object_get(tool, "errors")),
	    number(tool, "ms"), number(tool, "under_way"));
	if (json_is_string(json_object_get(tool, "hit")))
		printf("last request %s\n", text(tool, "hit"));
}

/* One that has no route has a name, a state and events only. */
static void
print_tool(const struct ctl *ctl, const json_t *tool)
{
	json_t *routes = json_object_get(tool, "routes");
	json_t *errors = json_object_get(tool, "last_errors");
	json_t *reasons = json_object_get(tool, "reasons");
	json_t *events = json_object_get(tool, "events");

	printf("%s: %s\n", text(tool, "name"), text(tool, "state"));
	if (json_array_size(routes) > 0) {
		print_use(tool);
		puts("\nroutes:");
		ctl_print_table(ctl, ctl_columns_tool_routes, routes);
	}
	if (json_object_size(reasons) > 0) {
		puts("\nrefused or failed, since the start "
		     "(dynproxy-errors(7)):");
		print_reasons(reasons);
	}
	if (json_array_size(errors) > 0) {
		puts("\nlast errors:");
		print_errors(errors);
	}
	if (json_array_size(events) > 0) {
		puts("\nlast events (dynproxy-errors(7)):");
		print_events(events);
	}
}

int
cmd_tool(const struct ctl *ctl, char **args)
{
	json_t *tool;
	int status = ctl_ask(ctl, "tool", args, &tool);

	if (status != CTL_DONE)
		return status;
	if (ctl->json)
		ctl_print_json(tool);
	else
		print_tool(ctl, tool);
	json_decref(tool);
	return CTL_DONE;
}
