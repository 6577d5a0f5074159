/* dynproxyctl export, import: all routes, a line of JSON for each. */
#include "tools/ctl_commands.h"

#include <err.h>

/* A route with several backends is as many items; here it is one line. */
static json_t *
join(const json_t *items)
{
	json_t *routes = json_array(), *item, *last = NULL, *urls;
	const char *members[] = { "tool", "pattern", "origin", "canonical" };
	size_t i;

	json_array_foreach(items, i, item)
	{
		if (last == NULL ||
		    !json_equal(json_object_get(last, "tool"),
			json_object_get(item, "tool")) ||
		    !json_equal(json_object_get(last, "pattern"),
			json_object_get(item, "pattern"))) {
			last = json_object();
			for (size_t m = 0; m < 4; m++)
				json_object_set(last, members[m],
				    json_object_get(item, members[m]));
			json_object_set_new(last, "destinations", json_array());
			json_array_append_new(routes, last);
		}
		urls = json_object_get(last, "destinations");
		json_array_append(urls, json_object_get(item, "destination"));
	}
	return routes;
}

int
cmd_export(const struct ctl *ctl, char **args)
{
	json_t *items, *routes, *route;
	int status = ctl_ask(ctl, "list", args, &items);
	size_t i;

	if (status != CTL_DONE)
		return status;
	items = ctl_sort_routes_take(items);
	routes = join(items);
	json_array_foreach(routes, i, route)
	{
		json_dumpf(route, stdout, JSON_COMPACT);
		putchar('\n');
	}
	json_decref(routes);
	json_decref(items);
	return CTL_DONE;
}

/* Their URLs with blanks between.  False: they are none, or too long. */
static bool
urls_of(const json_t *route, char *out, size_t size)
{
	const json_t *urls = json_object_get(route, "destinations"), *url;
	size_t i, len = 0;

	json_array_foreach(urls, i, url)
	{
		if (!json_is_string(url) || len >= size)
			return false;
		len += (size_t)snprintf(out + len, size - len, "%s%s",
		    i > 0 ? " " : "", json_string_value(url));
	}
	return len > 0 && len < size;
}

static int
import_route(const struct ctl *ctl, const json_t *route, bool dry)
{
	const char *tool, *pattern, *origin = "tool";
	int canonical = 0, status;
	char urls[6000];
	json_t *data;

	if (json_unpack((json_t *)route, "{s:s, s:s, s?s, s?b}", "tool", &tool,
		"pattern", &pattern, "origin", &origin, "canonical",
		&canonical) == -1 ||
	    !urls_of(route, urls, sizeof(urls)))
		return CTL_USAGE;
	status = ctl_ask(ctl, dry ? "import-dry" : "import",
	    (char *[]){ (char *)tool, (char *)pattern, urls, (char *)origin,
		canonical ? (char *)"canonical" : (char *)"", NULL },
	    &data);
	if (status != CTL_DONE)
		return status;
	json_decref(data);
	if (dry && ctl->json) {
		json_dumpf(route, stdout, JSON_COMPACT);
		putchar('\n');
	} else if (dry) {
		printf("%s: %s -> %s\n", tool, pattern, urls);
	}
	return CTL_DONE;
}

/* Each line on its own: a bad one is told, and the others are taken. */
static int
import(const struct ctl *ctl, FILE *file, const char *name, bool dry)
{
	int status, worst = CTL_DONE;
	bool whole = true;
	size_t size = 0, number = 0, done = 0;
	char *line = NULL;
	json_t *route;

	while (getline(&line, &size, file) != -1) {
		route = json_loads(line, 0, NULL);
		status = import_route(ctl, route, dry);
		json_decref(route);
		number++;
		done += status == CTL_DONE;
		if (status == CTL_DONE)
			continue;
		warnx("%s:%zu: %s", name, number,
		    dry ? "would not be imported" : "not imported");
		worst = status;
		whole = status == CTL_USAGE || status == CTL_REFUSED;
		if (!whole)
			break;
	}
	if (ferror(file)) {
		warn("%s", name);
		worst = CTL_USAGE; /* as where it cannot be opened */
	}
	free(line);
	if (!dry && ctl->json)
		printf("{\"imported\": %zu, \"refused\": %zu}\n", done,
		    number - done);
	else if (!dry && !ctl->quiet)
		printf(
		    "%zu routes imported, %zu refused\n", done, number - done);
	return worst != CTL_DONE && done > 0 && whole ? CTL_PARTIAL : worst;
}

int
cmd_import(const struct ctl *ctl, char **args)
{
	bool dry = strcmp(args[0], "-n") == 0;
	const char *name = args[dry];
	FILE *file;
	int status;

	if (name == NULL || (!dry && args[1] != NULL)) {
		warnx("import: write a file, or - for standard input");
		return CTL_USAGE;
	}
	file = strcmp(name, "-") == 0 ? stdin : fopen(name, "re");
	if (file == NULL) {
		warn("%s", name);
		return CTL_USAGE;
	}
	status = import(ctl, file, name, dry);
	if (file != stdin)
		fclose(file);
	return status;
}
