/* qstat -xml is read, also when it is not quite XML (5-webservice.md). */
#include "tools/qstat.h"

#include "t/tap.h"

#define JOB(name, owner, state)                                                \
	"<job_list state=\"x\"><JB_job_number>7</JB_job_number><JB_name>" name \
	"</JB_name><JB_owner>" owner "</JB_owner><state>" state                \
	"</state></job_list>"

static const struct {
	const char *what, *xml;
	bool read;
	const char *jobs; /* "name owner state;" each */
} cases[] = {
	{ "none", "<job_info/>", true, "" },
	{ "one", "<job_info>" JOB("a-b", "tools.b", "r") "</job_info>", true,
	    "a-b tools.b r;" },
	{ "two", "<a>" JOB("x", "u", "qw") "\n" JOB("y", "v", "Eqw") "</a>",
	    true, "x u qw;y v Eqw;" },
	{ "an element that is no name",
	    "<a><JATASK: 1,2 x=>" JOB("x", "u", "r") "</JATASK: 1,2 x=></a>",
	    true, "x u r;" },
	{ "an empty name",
	    "<a><unknown_jobs><><ST_name>z</ST_name></></unknown_jobs>" JOB(
		"x", "u", "r") "</a>",
	    true, "x u r;" },
	{ "text in pieces", "<a>" JOB("a&amp;b", "u", "r") "</a>", true,
	    "a&b u r;" },
	{ "a name outside of a job", "<a><JB_name>x</JB_name></a>", true, "" },
	{ "cut off", "<a>" JOB("x", "u", "r"), false, "x u r;" },
	{ "no XML", "error: commlib error", false, "" },
	{ "nothing", "", false, "" },
};

static void
found(void *arg, const struct qstat_job *job)
{
	char *list = arg;
	size_t len = strlen(list);

	snprintf(list + len, 256 - len, "%s %s %s;", job->name, job->owner,
	    job->state);
}

static void
long_name(void *arg, const struct qstat_job *job)
{
	*(bool *)arg = job->name[0] == '\0';
}

int
main(void)
{
	char jobs[256], big[512];
	bool empty = false;

	for (size_t i = 0; i < nitems(cases); i++) {
		jobs[0] = '\0';
		is_int(qstat_parse(span_str(cases[i].xml), found, jobs),
		    cases[i].read, "%s", cases[i].what);
		is_str(jobs, cases[i].jobs, "%s: its jobs", cases[i].what);
	}
	snprintf(big, sizeof(big),
	    "<a><job_list><JB_name>%0300d</JB_name>"
	    "</job_list></a>",
	    1);
	ok(qstat_parse(span_str(big), long_name, &empty) && empty,
	    "a name that is too long is nobody's");
	return done();
}
