/* Web services as jobs of Grid Engine: qsub, qdel, qstat. */
#include <err.h>
#include <stdio.h>
#include <string.h>

#include "tools/child.h"
#include "tools/oneline.h"
#include "tools/qstat.h"
#include "tools/server_type.h"
#include "tools/service.h"

#define COMMAND_MS 30000
#define MEMORY_DEFAULT "4G"
#define MEMORY_FILE "/data/project/.system/config/%s.web-memlimit"

struct search {
	char name[128]; /* of the job */
	bool found, running;
};

static void
job_name(const struct service *s, char *name, size_t size)
{
	snprintf(name, size, "%s-%s", s->type, s->account->tool);
}

static bool
grid_check(const struct service *s)
{
	const struct server_type *type = server_type_find(s->type);
	char names[256], why[SERVER_WHY_MAX];

	if (type == NULL) {
		warnx("there is no type \"%s\" on the grid: choose one of %s",
		    s->type, server_type_names(names, sizeof(names)));
		return false;
	}
	if (type->deprecated)
		warnx("the type %s is deprecated: choose another when you can",
		    type->name);
	if (type->own_command && s->nargs == 0) {
		warnx("%s needs the command to run: webservice %s start -- "
		      "COMMAND",
		    type->name, type->name);
		return false;
	}
	if (type->check(s->account, why))
		return true;
	warnx("%s", why);
	return false;
}

/* Run a command of the grid's; what it says goes to the user. */
static bool
run(const char *const argv[], struct buf *out)
{
	char said[CHILD_SAID_MAX];
	int status = child_run(argv, COMMAND_MS, out, said);

	if (status == 0)
		return true;
	if (status == -1)
		warnx("%s: %s", argv[0], said);
	else
		warnx("%s ended with status %d: %s", argv[0], status, said);
	return false;
}

/* How much memory the job may have: the administrators' word, or the usual. */
static void
memory_limit(const struct service *s, char *limit, size_t size)
{
	char path[256];

	snprintf(path, sizeof(path), MEMORY_FILE, s->account->tool);
	if (!oneline_read(path, limit, size) || limit[0] == '\0')
		snprintf(limit, size, "%s", MEMORY_DEFAULT);
}

static bool
grid_start(const struct service *s)
{
	const struct server_type *type = server_type_find(s->type);
	char log[512], name[128], limits[160], memory[64], runner[512];
	const char *argv[32 + SERVER_ARGS_MAX] = { "qsub", "-e", log, "-o", log,
		"-i", "/dev/null", "-q", type->queue, "-l", limits, "-b", "y",
		"-N", name, runner, "--register-proxy", "--type", type->name };
	size_t n = 0;

	account_path(s->account, "error.log", log, sizeof(log));
	job_name(s, name, sizeof(name));
	memory_limit(s, memory, sizeof(memory));
	snprintf(
	    limits, sizeof(limits), "h_vmem=%s,release=%s", memory, s->release);
	service_runner_path(runner, sizeof(runner));
	while (argv[n] != NULL)
		n++;
	if (s->nargs > SERVER_ARGS_MAX) {
		warnx("more than %d words for the server", SERVER_ARGS_MAX);
		return false;
	}
	for (size_t i = 0; i < s->nargs; i++)
		argv[n++] = s->args[i];
	return run(argv, NULL);
}

static bool
grid_stop(const struct service *s)
{
	char name[128];
	const char *argv[] = { "qdel", name, NULL };

	job_name(s, name, sizeof(name));
	return run(argv, NULL);
}

static void
job_found(void *arg, const struct qstat_job *job)
{
	struct search *search = arg;

	if (strcmp(job->name, search->name) != 0)
		return;
	search->found = true;
	if (strchr(job->state, 'r') != NULL)
		search->running = true;
}

static enum service_state
grid_state(const struct service *s)
{
	const char *argv[] = { "qstat", "-xml", NULL };
	struct search search = { .found = false };
	enum service_state state = SERVICE_UNKNOWN;
	struct buf xml;

	job_name(s, search.name, sizeof(search.name));
	buf_init(&xml, QSTAT_MAX);
	if (run(argv, &xml)) {
		if (!qstat_parse(buf_span(&xml), job_found, &search))
			warnx("qstat -xml printed what is not XML: try again");
		else if (!search.found)
			state = SERVICE_STOPPED;
		else
			state =
			    search.running ? SERVICE_RUNNING : SERVICE_PENDING;
	}
	buf_release(&xml);
	return state;
}

const struct backend backend_gridengine = { .name = "gridengine",
	.default_type = "lighttpd",
	.check = grid_check,
	.start = grid_start,
	.stop = grid_stop,
	.state = grid_state,
	.logs = service_tail_log };
