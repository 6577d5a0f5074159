/* dynproxyctl list: a table of routes, as wide as it has to be. */
#include "lib/array.h"
#include "tools/ctl_commands.h"

#include <bsd/stdlib.h>
#include <string.h>

/* The members of a route, in the order in which they are shown. */
static const char *const columns[] = { "tool", "pattern", "destination",
	"origin", "lease", "state", "proof", "since" };

static const char *
cell(const json_t *route, size_t column)
{
	const char *text =
	    json_string_value(json_object_get(route, columns[column]));

	return text != NULL ? text : "-";
}

static int
compare(const void *a, const void *b)
{
	return strcmp(
	    cell(*(json_t *const *)a, 0), cell(*(json_t *const *)b, 0));
}

/* By tool; of one tool they stay as they are. */
static json_t *
sort_take(json_t *routes)
{
	size_t n = json_array_size(routes);
	json_t **all = reallocarray(NULL, n, sizeof(json_t *));
	json_t *sorted = json_array();

	if (n == 0 || all == NULL || sorted == NULL) {
		free(all);
		json_decref(sorted);
		return routes;
	}
	for (size_t i = 0; i < n; i++)
		all[i] = json_array_get(routes, i);
	mergesort(all, n, sizeof(json_t *), compare);
	for (size_t i = 0; i < n; i++)
		json_array_append(sorted, all[i]);
	free(all);
	json_decref(routes);
	return sorted;
}

void
ctl_print_routes(const json_t *routes)
{
	int width[nitems(columns)] = { 0 };

	for (size_t i = 0; i < json_array_size(routes); i++)
		for (size_t c = 0; c < nitems(columns); c++) {
			int len =
			    (int)strlen(cell(json_array_get(routes, i), c));

			if (len > width[c])
				width[c] = len;
		}
	for (size_t i = 0; i < json_array_size(routes); i++) {
		const json_t *route = json_array_get(routes, i);

		for (size_t c = 0; c < nitems(columns) - 1; c++)
			printf("%-*s  ", width[c], cell(route, c));
		printf("%s%s\n", cell(route, nitems(columns) - 1),
		    json_is_true(json_object_get(route, "canonical"))
			? "  canonical"
			: "");
	}
}

int
cmd_list(const struct ctl *ctl, char **args)
{
	json_t *routes;
	int status = ctl_ask(ctl, "list", args, &routes);

	if (status != CTL_DONE)
		return status;
	routes = sort_take(routes);
	if (ctl->json)
		ctl_print_json(routes);
	else
		ctl_print_routes(routes);
	json_decref(routes);
	return CTL_DONE;
}
