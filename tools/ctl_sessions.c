/* dynproxyctl sessions: who is connected to 8282 now. */
#include "tools/ctl_commands.h"

static const char *
text(const json_t *session, const char *member)
{
	const char *value = json_string_value(json_object_get(session, member));

	return value != NULL ? value : "-";
}

/* As many seconds, minutes, hours, or days. */
static const char *
format_age(json_int_t seconds, char out[32])
{
	static const struct {
		char unit;
		json_int_t seconds;
	} units[] = { { 'd', 86400 }, { 'h', 3600 }, { 'm', 60 }, { 's', 1 } };
	size_t i = 0;

	while (units[i].seconds > 1 && seconds < 2 * units[i].seconds)
		i++;
	snprintf(out, 32, "%lld%c", (long long)(seconds / units[i].seconds),
	    units[i].unit);
	return out;
}

static void
print_session(void *arg, const json_t *session, const char *line)
{
	const struct ctl *ctl = arg;
	char age[32];

	if (ctl->json) {
		puts(line);
		return;
	}
	format_age(json_integer_value(json_object_get(session, "age")), age);
	printf("%-24s  %-28s  %4s  %-9s  %-17s  %s\n", text(session, "tool"),
	    text(session, "peer"), age, text(session, "state"),
	    text(session, "last"), text(session, "lease"));
}

int
cmd_sessions(const struct ctl *ctl, char **args)
{
	return ctl_ask_items(ctl, "sessions", args, print_session, (void *)ctl);
}
