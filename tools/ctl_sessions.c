/* dynproxyctl sessions: requests that have been running for a while. */
#include <err.h>
#include <string.h>

#include "conf/value.h"
#include "tools/ctl_commands.h"

const struct ctl_column ctl_columns_sessions[] = {
	{ .name = "age", .cell = CELL_AGE },
	{ .name = "state" },
	{ .name = "protocol" },
	{ .name = "received", .cell = CELL_NUMBER },
	{ .name = "sent", .cell = CELL_NUMBER },
	{ .name = "client" },
	{ .name = "backend" },
	{ .name = "tool" },
	{ .name = "url" },
	{ .name = "worker", .cell = CELL_NUMBER, .asked = true },
	{ .name = NULL },
};

struct sessions {
	char *tool[2];	   /* borrowed: the operand, or none */
	uint64_t older_ms; /* than that, or as old */
	json_t *all;	   /* owned */
};

/* False: it was told what is wrong with them. */
static bool
read_operands(struct sessions *s, char **args)
{
	for (; *args != NULL; args += 2) {
		if (args[1] == NULL || (strcmp(*args, "--tool") != 0 &&
					   strcmp(*args, "--older") != 0)) {
			warnx("%s: write --tool and a tool, --older and a "
			      "duration",
			    *args);
			return false;
		}
		if (strcmp(*args, "--tool") == 0) {
			s->tool[0] = args[1];
		} else if (!duration_parse(&s->older_ms, args[1])) {
			warnx("\"%s\" is no duration: write 10s, 5m", args[1]);
			return false;
		}
	}
	return true;
}

static json_int_t
number(const json_t *request, const char *member)
{
	return json_integer_value(json_object_get(request, member));
}

static void
keep_old(void *arg, const json_t *request, const char *line)
{
	struct sessions *s = arg;

	(void)line;
	if (number(request, "age") >= 0 &&
	    (uint64_t)number(request, "age") * 1000 >= s->older_ms)
		json_array_append(s->all, (json_t *)request);
}

static int
oldest_first(const void *a, const void *b)
{
	json_int_t x = number(*(const json_t *const *)a, "age"),
		   y = number(*(const json_t *const *)b, "age");

	return (x < y) - (x > y);
}

static void
print(const struct ctl *ctl, const json_t *sorted)
{
	const json_t *request;
	size_t i;

	if (!ctl->json)
		ctl_print_table(ctl, ctl_columns_sessions, sorted);
	json_array_foreach(sorted, i, request)
	{
		if (!ctl->json)
			break;
		json_dumpf(request, stdout, JSON_COMPACT);
		putchar('\n');
	}
}

int
cmd_sessions(const struct ctl *ctl, char **args)
{
	struct sessions s = { .all = json_array() };
	int status = CTL_USAGE;

	if (read_operands(&s, args))
		status = ctl_ask_items(ctl, "sessions", s.tool, keep_old, &s);
	if (status == CTL_DONE) {
		s.all = ctl_sort_take(s.all, oldest_first);
		print(ctl, s.all);
	}
	json_decref(s.all);
	return status;
}
