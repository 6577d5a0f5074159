/* dynproxyctl watch, tail: what happens to routes, to requests: a line each. */
#include <err.h>

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
	return ctl_follow(ctl, "watch", args, print_event, (void *)ctl);
}

static void
print_line(void *arg, const json_t *value)
{
	const struct ctl *ctl = arg;
	const char *line = json_string_value(json_object_get(value, "line"));
	json_int_t missed =
	    json_integer_value(json_object_get(value, "missed"));

	if (missed > 0)
		warnx("%lld lines were missed: they came faster than they "
		      "were read",
		    (long long)missed);
	if (ctl->json) {
		json_dumpf(value, stdout, JSON_COMPACT);
		putchar('\n');
	} else if (line != NULL) {
		puts(line);
	}
	fflush(stdout);
}

int
cmd_tail(const struct ctl *ctl, char **args)
{
	return ctl_follow(ctl, "tail", args, print_line, (void *)ctl);
}
