/* dynproxyctl registrations: who is connected to 8282 now. */
#include "tools/ctl_commands.h"

const char *
ctl_text(const json_t *item, const char *member)
{
	const char *value = json_string_value(json_object_get(item, member));

	return value != NULL ? value : "-";
}

const char *
ctl_format_age(json_int_t seconds, char out[32])
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
	ctl_format_age(
	    json_integer_value(json_object_get(session, "age")), age);
	printf("%-24s  %-28s  %4s  %-9s  %-17s  %s\n",
	    ctl_text(session, "tool"), ctl_text(session, "peer"), age,
	    ctl_text(session, "state"), ctl_text(session, "last"),
	    ctl_text(session, "lease"));
}

int
cmd_registrations(const struct ctl *ctl, char **args)
{
	return ctl_ask_items(
	    ctl, "registrations", args, print_session, (void *)ctl);
}
