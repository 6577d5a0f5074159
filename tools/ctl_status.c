/* dynproxyctl status: the master's processes and the registrar's numbers. */
#include "tools/ctl_commands.h"

static void
add_process(void *arg, const struct ctlmsg *process)
{
	json_t *processes = arg;

	json_array_append_new(processes,
	    json_pack("{s:i, s:I, s:s}", "slot", (int)process->arg, "pid",
		(json_int_t)process->value, "state", process->text));
}

static void
print_processes(const json_t *processes)
{
	const json_t *p;
	size_t i;

	json_array_foreach(processes, i, p) printf("%7lld  %s\n",
	    (long long)json_integer_value(json_object_get(p, "pid")),
	    json_string_value(json_object_get(p, "state")));
}

static void
print_scalar(const json_t *value)
{
	if (json_is_string(value))
		puts(json_string_value(value));
	else if (json_is_integer(value))
		printf("%lld\n", (long long)json_integer_value(value));
	else
		puts(json_is_true(value)   ? "yes"
		     : json_is_null(value) ? "none"
					   : "no");
}

/* What the registrar tells, as it tells it: one fact a line. */
static void
print_facts(json_t *facts, int indent)
{
	const char *name;
	json_t *value;

	json_object_foreach(facts, name, value)
	{
		printf("%*s%-*s ", indent, "", 20 - indent, name);
		if (json_is_object(value)) {
			putchar('\n');
			print_facts(value, indent + 2);
		} else {
			print_scalar(value);
		}
	}
}

int
cmd_status(const struct ctl *ctl, char **args)
{
	json_t *processes = json_array();
	json_t *registrar = NULL;
	int status, master;

	master = ctl_ask_master(ctl, CTL_STATUS, add_process, processes);
	status = ctl_ask(ctl, "status", args, &registrar);
	if (ctl->json) {
		json_t *both = json_pack("{s:O, s:O?}", "processes", processes,
		    "registrar", registrar);
		ctl_print_json(both);
		json_decref(both);
	} else {
		print_processes(processes);
		if (registrar != NULL)
			print_facts(registrar, 0);
	}
	json_decref(processes);
	json_decref(registrar);
	if (master == status)
		return status;
	return master == CTL_DONE || status == CTL_DONE ? CTL_PARTIAL : status;
}
