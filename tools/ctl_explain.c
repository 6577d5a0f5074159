/* dynproxyctl explain: the steps of a decision, one line each. */
#include <err.h>
#include <string.h>

#include "tools/ctl_commands.h"

/* The last line: what comes of it. */
static void
print_verdict(const json_t *answer)
{
	const char *action = "", *reason = "", *location = "";
	json_t *backends = json_object_get(answer, "backends");
	int status = 0;

	json_unpack((json_t *)answer, "{s:s, s?i, s?s, s?s}", "action", &action,
	    "status", &status, "reason", &reason, "location", &location);
	printf("=> %s", action);
	if (status != 0)
		printf(" %d", status);
	if (*reason != '\0' || *location != '\0')
		printf(" %s%s", reason, location);
	for (size_t i = 0; i < json_array_size(backends); i++)
		printf("%s%s", i == 0 ? " to " : " or ",
		    json_string_value(json_array_get(backends, i)));
	putchar('\n');
}

static void
print_steps(const json_t *answer)
{
	const char *step, *result, *text;
	json_t *one;
	size_t i;

	json_array_foreach(json_object_get(answer, "steps"), i, one)
	{
		if (json_unpack(one, "{s:s, s:s, s:s}", "step", &step, "result",
			&result, "text", &text) == 0)
			printf("%-12s %-10s %s\n", step, result, text);
	}
	print_verdict(answer);
}

int
cmd_explain(const struct ctl *ctl, char **args)
{
	char none[] = "", *question[] = { args[0], none, none, NULL };
	json_t *answer;
	int status;

	for (args++; *args != NULL; args += 2) {
		bool client = strcmp(*args, "--client") == 0;

		if ((!client && strcmp(*args, "--agent") != 0) ||
		    args[1] == NULL) {
			warnx("usage: dynproxyctl explain url [--client ip] "
			      "[--agent text]");
			return CTL_USAGE;
		}
		question[client ? 1 : 2] = args[1];
	}
	status = ctl_ask(ctl, "explain", question, &answer);
	if (status != CTL_DONE)
		return status;
	if (ctl->json)
		ctl_print_json(answer);
	else
		print_steps(answer);
	json_decref(answer);
	return CTL_DONE;
}
