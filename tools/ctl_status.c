/* dynproxyctl status: the master's processes and the registrar's numbers. */
#include <time.h>

#include "lib/clock.h"
#include "tools/ctl_commands.h"

/* What the master tells. */
struct told {
	json_t *processes, *certificates; /* owned */
};

static void
add_process(json_t *processes, const struct ctlmsg *process)
{
	json_array_append_new(processes,
	    json_pack("{s:i, s:I, s:s}", "slot", (int)process->arg, "pid",
		(json_int_t)process->value, "state", process->text));
}

static void
add_certificate(json_t *certificates, const struct ctlmsg *certificate)
{
	time_t end = (time_t)certificate->value;
	char when[CLOCK_UTC_SIZE];

	json_array_append_new(certificates,
	    json_pack("{s:s, s:s, s:I}", "name", certificate->text, "not_after",
		clock_format_utc(certificate->value * 1000, when), "days",
		(json_int_t)((end - time(NULL)) / 86400)));
}

static void
add_told(void *arg, const struct ctlmsg *m)
{
	const struct told *told = arg;

	if (m->type == CTL_CERTIFICATE)
		add_certificate(told->certificates, m);
	else
		add_process(told->processes, m);
}

static void
print_certificates(const json_t *certificates)
{
	const json_t *c;
	size_t i;

	json_array_foreach(certificates, i, c)
	    printf("certificate %s until %s, %lld days\n",
		json_string_value(json_object_get(c, "name")),
		json_string_value(json_object_get(c, "not_after")),
		(long long)json_integer_value(json_object_get(c, "days")));
}

static void
print_processes(const json_t *processes)
{
	const json_t *p;
	char pid[16];
	size_t i;

	json_array_foreach(processes, i, p)
	{
		snprintf(pid, sizeof(pid), "%lld",
		    (long long)json_integer_value(json_object_get(p, "pid")));
		printf("%7s  %s\n", strcmp(pid, "0") == 0 ? "-" : pid,
		    json_string_value(json_object_get(p, "state")));
	}
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
	struct told told = { json_array(), json_array() };
	json_t *registrar = NULL;
	int status, master;

	master = ctl_ask_master(ctl, CTL_STATUS, add_told, &told);
	status = ctl_ask(ctl, "status", args, &registrar);
	if (ctl->json) {
		json_t *both = json_pack("{s:O, s:O, s:O?}", "processes",
		    told.processes, "certificates", told.certificates,
		    "registrar", registrar);
		ctl_print_json(both);
		json_decref(both);
	} else {
		print_processes(told.processes);
		print_certificates(told.certificates);
		if (registrar != NULL)
			print_facts(registrar, 0);
	}
	json_decref(told.processes);
	json_decref(told.certificates);
	json_decref(registrar);
	if (master == status)
		return status;
	return master == CTL_DONE || status == CTL_DONE ? CTL_PARTIAL : status;
}
