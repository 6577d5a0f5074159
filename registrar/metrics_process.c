/* Writes what each process uses, as the master has seen it last. */
#include "registrar/metrics_process.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "lib/array.h"

static double
cpu_seconds(const struct node_usage *u)
{
	return (double)u->cpu_us / 1e6;
}

static double
resident(const struct node_usage *u)
{
	return (double)u->resident;
}

static double
files(const struct node_usage *u)
{
	return (double)u->files;
}

static double
files_max(const struct node_usage *u)
{
	return (double)u->files_max;
}

static double
start_time(const struct node_usage *u)
{
	return (double)u->born_ms / 1e3;
}

static const struct family {
	const char *name, *type, *help;
	double (*value)(const struct node_usage *u); /* 0: it is not known */
} families[] = {
	{ "process_cpu_seconds_total", "counter",
	    "Processor time that the process has used.", cpu_seconds },
	{ "process_resident_memory_bytes", "gauge",
	    "Memory of the process, with what it shares.", resident },
	{ "process_open_fds", "gauge", "Descriptors that the process has.",
	    files },
	{ "process_max_fds", "gauge", "Descriptors that the process may have.",
	    files_max },
	{ "process_start_time_seconds", "gauge",
	    "When the process was started, unix time.", start_time },
};

/* Two generations of workers have the same names, but never a place. */
static bool
write_one(const struct family *f, const char *name, uint64_t place,
    const struct node_usage *u, const struct metrics_text *text)
{
	char worker[32] = "";
	int role = (int)strcspn(name, " ");

	if (u->pid == 0 || f->value(u) == 0)
		return true;
	if (name[role] != '\0')
		snprintf(
		    worker, sizeof(worker), ",worker=\"%" PRIu64 "\"", place);
	return buf_printf(text->out, "%s{role=\"%.*s\"%s} %.15g\n", f->name,
	    role, name, worker, f->value(u));
}

static bool
write_family(const struct family *f, const struct node *node,
    const struct metrics_text *text)
{
	bool fits = metrics_head(text, f->name, f->type, f->help) &&
		    write_one(f, "master", 0, &node->master, text);

	for (size_t i = 0; fits && i < node->nprocesses; i++)
		fits = write_one(f, node->process[i].name,
		    node->process[i].place, &node->process[i].usage, text);
	return fits;
}

bool
metrics_process_write(const struct node *node, const struct metrics_text *text)
{
	bool fits = true;

	for (size_t i = 0; fits && i < nitems(families); i++)
		fits = write_family(&families[i], node, text);
	return fits;
}
