/* dynproxyctl list: routes and their backends, by tool. */
#include "tools/ctl_commands.h"

#include <bsd/stdlib.h>
#include <err.h>
#include <string.h>

/* The members of a route, in the order in which they are shown. */
const struct ctl_column ctl_columns_routes[] = {
	{ .name = "tool" },
	{ .name = "pattern" },
	{ .name = "destination" },
	{ .name = "origin" },
	{ .name = "lease" },
	{ .name = "state" },
	{ .name = "proof" },
	{ .name = "since" },
	{ .name = "canonical", .cell = CELL_FLAG },
	{ .name = "health" },
	{ .name = "hit" },
	{ .name = NULL },
};

static const char *
tool_of(const json_t *route)
{
	const char *tool = json_string_value(json_object_get(route, "tool"));

	return tool != NULL ? tool : "";
}

static int
compare(const void *a, const void *b)
{
	return strcmp(
	    tool_of(*(json_t *const *)a), tool_of(*(json_t *const *)b));
}

json_t *
ctl_sort_routes_take(json_t *routes)
{
	return ctl_sort_take(routes, compare);
}

/* As they came, to be printed as they are. */
struct lines {
	struct line {
		char *tool, *text; /* owned */
	} * at;			   /* owned */
	size_t n, size;
	bool complete; /* there was memory for all */
};

static void
keep_line(void *arg, const json_t *route, const char *text)
{
	struct lines *lines = arg;
	struct line line = { strdup(tool_of(route)), strdup(text) };

	if (lines->n == lines->size) {
		size_t size = lines->size * 2 + 64;
		void *more = reallocarray(lines->at, size, sizeof(line));

		if (more != NULL) {
			lines->at = more;
			lines->size = size;
		}
	}
	if (line.tool == NULL || line.text == NULL || lines->n == lines->size) {
		free(line.tool);
		free(line.text);
		lines->complete = false;
		return;
	}
	lines->at[lines->n++] = line;
}

static int
compare_lines(const void *a, const void *b)
{
	const struct line *one = a, *other = b;

	return strcmp(one->tool, other->tool);
}

/*
 * As JSON, a route on a line.  Of 10,000 routes most of the time would go into
 * taking them apart and putting them together again.
 */
static int
list_json(const struct ctl *ctl, char **args)
{
	struct lines lines = { .complete = true };
	int status = ctl_ask_items(ctl, "list", args, keep_line, &lines);

	if (status == CTL_DONE && !lines.complete) {
		warnx("no memory for all routes");
		status = CTL_REFUSED;
	}
	if (status == CTL_DONE && lines.n > 0)
		mergesort(lines.at, lines.n, sizeof(*lines.at), compare_lines);
	if (status == CTL_DONE)
		putchar('[');
	for (size_t i = 0; i < lines.n; i++) {
		if (status == CTL_DONE)
			printf("%s\n%s", i > 0 ? "," : "", lines.at[i].text);
		free(lines.at[i].tool);
		free(lines.at[i].text);
	}
	if (status == CTL_DONE)
		puts(lines.n > 0 ? "\n]" : "]");
	free(lines.at);
	return status;
}

int
cmd_list(const struct ctl *ctl, char **args)
{
	json_t *routes;
	int status;

	if (ctl->json)
		return list_json(ctl, args);
	status = ctl_ask(ctl, "list", args, &routes);
	if (status != CTL_DONE)
		return status;
	routes = ctl_sort_routes_take(routes);
	ctl_print_table(ctl, ctl_columns_routes, routes);
	json_decref(routes);
	return CTL_DONE;
}
