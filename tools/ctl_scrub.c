/* dynproxyctl stale, scrub: backends that are not proved to be their tool's. */
#include "tools/ctl_commands.h"

#include <err.h>

static const char *
text_of(const json_t *route, const char *member)
{
	const char *text = json_string_value(json_object_get(route, member));

	return text != NULL ? text : "";
}

static bool
is_stale(const json_t *route)
{
	return strcmp(text_of(route, "state"), "stale") == 0;
}

static bool
is_unknown(const json_t *route)
{
	return strcmp(text_of(route, "proof"), "unknown") == 0;
}

/* Those of all routes that are stale, and perhaps unknown. */
static int
find(const struct ctl *ctl, bool and_unknown, json_t **found)
{
	char *none[] = { NULL };
	json_t *all, *route;
	size_t i;
	int status = ctl_ask(ctl, "list", none, &all);

	if (status != CTL_DONE)
		return status;
	*found = json_array();
	json_array_foreach(all, i, route)
	{
		if (is_stale(route) || (and_unknown && is_unknown(route)))
			json_array_append(*found, route);
	}
	json_decref(all);
	return CTL_DONE;
}

int
cmd_stale(const struct ctl *ctl, char **args)
{
	json_t *found;
	int status = find(ctl, true, &found);

	(void)args;
	return status == CTL_DONE
		   ? ctl_show_take(ctl, ctl_columns_routes, found)
		   : status;
}

static int
strike(const struct ctl *ctl, const json_t *route)
{
	char *args[] = { (char *)text_of(route, "tool"),
		(char *)text_of(route, "pattern"),
		(char *)text_of(route, "destination"), NULL };
	json_t *data;
	int status = ctl_ask(ctl, "strike", args, &data);

	if (status == CTL_DONE)
		json_decref(data);
	return status;
}

int
cmd_scrub(const struct ctl *ctl, char **args)
{
	bool dry = false, unknown = false;
	json_t *found, *route;
	int status;
	size_t i;

	for (; *args != NULL; args++) {
		if (strcmp(*args, "-n") == 0) {
			dry = true;
		} else if (strcmp(*args, "--unknown") == 0) {
			unknown = true;
		} else {
			warnx("scrub: write -n, --unknown, both or nothing");
			return CTL_USAGE;
		}
	}
	status = find(ctl, unknown, &found);
	if (status != CTL_DONE)
		return status;
	json_array_foreach(found, i, route)
	{
		if (!dry && status == CTL_DONE)
			status = strike(ctl, route);
	}
	if (status == CTL_DONE && !ctl->quiet)
		return ctl_show_take(ctl, ctl_columns_routes, found);
	json_decref(found);
	return status;
}
