/* dynproxyctl registrations: who is connected to 8282 now. */
#include "tools/ctl_commands.h"

const struct ctl_column ctl_columns_registrations[] = {
	{ .name = "tool" },
	{ .name = "peer" },
	{ .name = "age", .cell = CELL_AGE },
	{ .name = "state" },
	{ .name = "last" },
	{ .name = "lease" },
	{ .name = NULL },
};

static void
print_line(void *arg, const json_t *session, const char *line)
{
	(void)arg;
	(void)session;
	puts(line);
}

static void
keep(void *arg, const json_t *session, const char *line)
{
	(void)line;
	json_array_append(arg, (json_t *)session);
}

int
cmd_registrations(const struct ctl *ctl, char **args)
{
	json_t *all;
	int status;

	if (ctl->json)
		return ctl_ask_items(
		    ctl, "registrations", args, print_line, NULL);
	all = json_array();
	status = ctl_ask_items(ctl, "registrations", args, keep, all);
	if (status == CTL_DONE)
		ctl_print_table(ctl, ctl_columns_registrations, all);
	json_decref(all);
	return status;
}
