/* dynproxyctl top unknown: names that are asked for and that nobody has. */
#include "tools/ctl_commands.h"

const struct ctl_column ctl_columns_unknown[] = {
	{ .name = "requests", .cell = CELL_NUMBER },
	{ .name = "last" },
	{ .name = "name" },
	{ .name = NULL },
};

static json_int_t
requests_for(const json_t *name)
{
	return json_integer_value(json_object_get(name, "requests"));
}

static int
busiest_first(const void *a, const void *b)
{
	json_int_t x = requests_for(*(const json_t *const *)a),
		   y = requests_for(*(const json_t *const *)b);

	return (x < y) - (x > y);
}

int
ctl_show_unknown(const struct ctl *ctl)
{
	char *none[] = { NULL };
	json_t *names;
	int status = ctl_ask(ctl, "unknown", none, &names);

	if (status != CTL_DONE)
		return status;
	return ctl_show_take(
	    ctl, ctl_columns_unknown, ctl_sort_take(names, busiest_first));
}
