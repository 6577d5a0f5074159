/* dynproxyctl(8): what an operator says to a running dynproxyd. */
#include <err.h>
#include <getopt.h>
#include <unistd.h>

#include "conf/conf.h"
#include "conf/value.h"
#include "lib/array.h"
#include "lib/clock.h"
#include "lib/stdfd.h"
#include "lib/version.h"
#include "tools/ctl_commands.h"
#include "tools/ctl_prompt.h"

#define WAIT_MAX_MS (7ull * 86400 * 1000)

/* dynproxyctl(8) has the same rows; t/00-man.t compares. */
static const struct command {
	const char *name, *operands;
	int min, max; /* number of operands */
	int (*run)(const struct ctl *ctl, char **args);
	const char *does;
	const struct ctl_column *columns; /* of its table; NULL: has none */
} commands[] = {
	{ "status", "", 0, 0, cmd_status, "processes, routes and stores",
	    NULL },
	{ "reopen", "", 0, 0, cmd_reopen, "begin a new access log", NULL },
	{ "reload", "", 0, 0, cmd_reload, "read the configuration again",
	    NULL },
	{ "upgrade", "", 0, 0, cmd_upgrade,
	    "become the program that is installed now", NULL },
	{ "stop", "[--now]", 0, 1, cmd_stop, "end dynproxyd, and wait for it",
	    NULL },
	{ "list", "[tool]", 0, 1, cmd_list, "routes and their backends",
	    ctl_columns_routes },
	{ "explain", "url [--client ip] [--agent text]", 1, 5, cmd_explain,
	    "why a request goes where it goes", NULL },
	{ "add", "tool route url", 3, 3, cmd_add, "register a route", NULL },
	{ "del", "tool [route]", 1, 2, cmd_del,
	    "unregister a route, or all of a tool", NULL },
	{ "believe", "", 0, 0, cmd_believe,
	    "Redis is right, however much it lacks", NULL },
	{ "stale", "", 0, 0, cmd_stale, "backends that nobody can prove",
	    ctl_columns_routes },
	{ "scrub", "[-n] [--unknown]", 0, 2, cmd_scrub,
	    "remove those that are somebody else's", ctl_columns_routes },
	{ "drain", "backend", 1, 1, cmd_drain, "no new requests to it", NULL },
	{ "undrain", "backend", 1, 1, cmd_undrain, "and again", NULL },
	{ "export", "", 0, 0, cmd_export, "all routes, a line of JSON each",
	    NULL },
	{ "import", "[-n] file", 1, 2, cmd_import, "register what export wrote",
	    NULL },
	{ "registration", "[on | off [--reason text]]", 0, 3, cmd_registration,
	    "refuse registrations", NULL },
	{ "watch", "[tool]", 0, 1, cmd_watch, "events, as they happen", NULL },
	{ "wait", "ready|route tool [up] [--timeout duration]", 1, 5, cmd_wait,
	    "until it is so, for scripts", NULL },
	{ "tool", "tool", 1, 1, cmd_tool, "how a tool is, its last errors",
	    ctl_columns_tool_routes },
	{ "top", "[unknown | [--once] [--by rate|errors|ms]]", 0, 3, cmd_top,
	    "what is going on, live", ctl_columns_unknown },
	{ "registrations", "", 0, 0, cmd_registrations,
	    "who is connected to register", ctl_columns_registrations },
	{ "sessions", "[--tool tool] [--older duration]", 0, 4, cmd_sessions,
	    "running requests, the oldest first", ctl_columns_sessions },
	{ "tail", "[tool]", 0, 1, cmd_tail, "the access log, as it comes",
	    NULL },
	{ "doctor", "", 0, 0, cmd_doctor, "what may be wrong here",
	    ctl_columns_findings },
	{ "diff", "node", 1, 1, cmd_diff, "what another node has, or lacks",
	    NULL },
	{ "bans", "", 0, 0, cmd_bans, "banned networks", ctl_columns_policy },
	{ "ban", "network [--for duration | --until time]", 1, 3, cmd_ban,
	    "refuse a network", NULL },
	{ "unban", "network", 1, 1, cmd_unban, "and no more", NULL },
	{ "blocks", "", 0, 0, cmd_blocks, "refused User-Agents, Referers",
	    ctl_columns_blocks },
	{ "block", "agent|referer pattern [--for ... | --until ...]", 2, 4,
	    cmd_block, "refuse them", NULL },
	{ "unblock", "agent|referer pattern", 2, 2, cmd_unblock, "and no more",
	    NULL },
	{ "maintenance", "[on [tool] [--for ...|--until ...]|off [tool]]", 0, 4,
	    cmd_maintenance, "503 for a tool, or all", ctl_columns_policy },
	{ "standby", "[on|off]", 0, 1, cmd_standby,
	    "leave the floating address to others", NULL },
};

static void
usage(FILE *out)
{
	fputs("usage: dynproxyctl [-q | -v] [--json] [--no-headers] "
	      "[--columns names]\n"
	      "                   [-c file] [-s socket] [-t duration] "
	      "command [operand ...]\n",
	    out);
	for (size_t i = 0; i < nitems(commands); i++)
		fprintf(out, "  %-14s%-48s%s\n", commands[i].name,
		    commands[i].operands, commands[i].does);
}

static int
call(const struct ctl *ctl, const struct command *c, char **operands)
{
	uint64_t begun = clock_mono_ms();
	int status = CTL_USAGE;

	if (ctl_table_fits(ctl, c->columns))
		status = c->run(ctl, operands);
	if (ctl->verbose)
		warnx("%s: exit status %d after %llu ms", c->name, status,
		    (unsigned long long)(clock_mono_ms() - begun));
	return status;
}

static int
run(const struct ctl *ctl, int argc, char **argv)
{
	const struct command *c;

	for (size_t i = 0; i < nitems(commands); i++) {
		c = &commands[i];
		if (strcmp(c->name, argv[0]) != 0)
			continue;
		if (argc - 1 >= c->min && argc - 1 <= c->max)
			return call(ctl, c, argv + 1);
		fprintf(
		    stderr, "usage: dynproxyctl %s %s\n", c->name, c->operands);
		return CTL_USAGE;
	}
	if (strcmp(argv[0], "help") == 0) {
		usage(stdout);
		return CTL_DONE;
	}
	warnx("no command \"%s\"", argv[0]);
	usage(stderr);
	return CTL_USAGE;
}

/* Take -t.  False: it is no duration, which was told. */
static bool
read_wait(struct ctl *ctl, const char *text)
{
	if (duration_parse(&ctl->wait_ms, text) && ctl->wait_ms > 0 &&
	    ctl->wait_ms <= WAIT_MAX_MS)
		return true;
	warnx("\"%s\" is no time to wait: write 500ms, 10s, 2m", text);
	return false;
}

/*
 * Read the options into ctl.  -1: a command comes next, or nothing; else the
 * exit code.
 */
static int
read_options(struct ctl *ctl, int argc, char **argv)
{
	enum {
		OPT_JSON = 256,
		OPT_NO_HEADERS,
		OPT_COLUMNS,
		OPT_HELP,
		OPT_VERSION
	};
	static const struct option options[] = {
		{ "json", no_argument, NULL, OPT_JSON },
		{ "no-headers", no_argument, NULL, OPT_NO_HEADERS },
		{ "columns", required_argument, NULL, OPT_COLUMNS },
		{ "help", no_argument, NULL, OPT_HELP },
		{ "version", no_argument, NULL, OPT_VERSION },
		{ NULL, 0, NULL, 0 },
	};
	int c;

	/* "+": what follows the command is the command's */
	while (
	    (c = getopt_long(argc, argv, "+c:qs:t:v", options, NULL)) != -1) {
		switch (c) {
		case 'c':
			ctl->conf_path = optarg;
			break;
		case 'q':
		case 'v':
			ctl->quiet = c == 'q';
			ctl->verbose = c == 'v';
			break;
		case 's':
			ctl->control = optarg;
			break;
		case 't':
			if (!read_wait(ctl, optarg))
				return CTL_USAGE;
			break;
		case OPT_JSON:
			ctl->json = true;
			break;
		case OPT_NO_HEADERS:
			ctl->no_headers = true;
			break;
		case OPT_COLUMNS:
			ctl->columns = optarg;
			break;
		case OPT_HELP:
			usage(stdout);
			return CTL_DONE;
		case OPT_VERSION:
			puts("dynproxyctl " DYNPROXY_VERSION);
			return CTL_DONE;
		default:
			usage(stderr);
			return CTL_USAGE;
		}
	}
	return -1;
}

int
main(int argc, char **argv)
{
	struct ctl ctl = { .conf_path = CONF_PATH_DEFAULT };
	int status;

	stdfd_open();
	status = read_options(&ctl, argc, argv);
	if (status == -1 && optind == argc && !isatty(STDIN_FILENO)) {
		usage(stderr);
		status = CTL_USAGE;
	} else if (status == -1) {
		status = optind == argc
			     ? ctl_prompt(&ctl, run)
			     : run(&ctl, argc - optind, argv + optind);
	}
	if (fflush(stdout) == EOF)
		err(CTL_REFUSED, "standard output");
	return status;
}
