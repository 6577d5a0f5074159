/* dynproxyctl watch: what happens to routes, a line each. */
#include "tools/ctl_commands.h"

static void
print_event(void *arg, const json_t *event)
{
	const struct ctl *ctl = arg;
	const char *time = "-", *name = "-", *text = "";

	if (ctl->json)
		json_dumpf(event, stdout, JSON_COMPACT);
	else if (json_unpack((json_t *)event, "{s?s, s?s, s?s}", "time", &time,
		     "event", &name, "text", &text) == 0)
		printf("%s  %-18s  %s", time, name, text);
	putchar('\n');
	fflush(stdout);
}

int
cmd_watch(const struct ctl *ctl, char **args)
{
	(void)args;
	return ctl_follow(ctl, "watch", print_event, (void *)ctl);
}
