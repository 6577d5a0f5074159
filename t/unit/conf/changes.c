/* Which settings differ, and what it takes: conf/changes.c. */
#include "conf/changes.h"

#include <stdio.h>
#include <string.h>

#include "lib/array.h"
#include "t/tap.h"

#define WORKERS (1u << APPLIED_WORKERS)
#define REGISTRAR (1u << APPLIED_REGISTRAR)
#define ALL (1u << APPLIED_PROCESSES | WORKERS | REGISTRAR)

static const struct {
	const char *after; /* besides nothing */
	unsigned changes;
	const char *restart; /* NULL: none */
} cases[] = {
	{ "", 0, NULL },
	{ "body_timeout = 11s", 1u << APPLIED_IN_PLACE, NULL },
	{ "pid_file = \"/run/other\"", 1u << APPLIED_IN_PLACE, NULL },
	{ "user_worker = 1001", WORKERS, NULL },
	{ "user_registrar = 1001", REGISTRAR, NULL },
	{ "user_logger = 1001", 1u << APPLIED_IN_PLACE, NULL },
	{ "sandbox = off", ALL, NULL },
	{ "log_sink = syslog", ALL, NULL },
	{ "table_size = 8m", 1u << APPLIED_RESTART, "table_size" },
};

/* With what is found out by itself given, which may differ otherwise. */
static struct conf *
conf_of(const char *more)
{
	char text[256];
	const char *sandbox = strstr(more, "sandbox") ? "" : "sandbox = on\n";

	snprintf(text, sizeof(text), "%s%s\n", sandbox, more);
	return conf_read_text(text, "test", stderr);
}

int
main(void)
{
	for (size_t i = 0; i < nitems(cases); i++) {
		struct conf *before = conf_of(""),
			    *after = conf_of(cases[i].after);
		const char *restart;

		is_int(conf_changes(before, after, &restart), cases[i].changes,
		    "'%s'", cases[i].after);
		ok(restart == cases[i].restart ||
			(restart != NULL && cases[i].restart != NULL &&
			    strcmp(restart, cases[i].restart) == 0),
		    "takes a restart: %s",
		    cases[i].restart ? cases[i].restart : "none");
		conf_free(before);
		conf_free(after);
	}
	return done();
}
