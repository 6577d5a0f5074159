/* dynproxyctl(8): what an operator says to a running dynproxyd. */
#include <err.h>
#include <getopt.h>
#include <unistd.h>

#include "lib/array.h"
#include "lib/version.h"
#include "tools/ctl_commands.h"
#include "tools/ctl_prompt.h"

#define DEFAULT_CONF "/etc/dynproxy/dynproxy.conf"

/* dynproxyctl(8) has the same rows; t/00-man.t compares. */
static const struct command {
	const char *name, *operands;
	int min, max; /* number of operands */
	int (*run)(const struct ctl *ctl, char **args);
	const char *does;
} commands[] = {
	{ "status", "", 0, 0, cmd_status, "processes, routes and stores" },
	{ "reopen", "", 0, 0, cmd_reopen, "begin a new access log" },
	{ "reload", "", 0, 0, cmd_reload, "read the configuration again" },
	{ "upgrade", "", 0, 0, cmd_upgrade, "become the program that is installed now" },
	{ "stop", "[--now]", 0, 1, cmd_stop, "end dynproxyd, and wait for it" },
	{ "list", "[tool]", 0, 1, cmd_list, "routes and their backends" },
	{ "explain", "url [--client ip] [--agent text]", 1, 5, cmd_explain,
	    "why a request goes where it goes" },
	{ "add", "tool route url", 3, 3, cmd_add, "register a route" },
	{ "del", "tool [route]", 1, 2, cmd_del,
	    "unregister a route, or all of a tool" },
	{ "believe", "", 0, 0, cmd_believe,
	    "Redis is right, however much it lacks" },
	{ "stale", "", 0, 0, cmd_stale, "backends that nobody can prove" },
	{ "scrub", "[-n] [--unknown]", 0, 2, cmd_scrub,
	    "remove those that are somebody else's" },
	{ "drain", "backend", 1, 1, cmd_drain, "no new requests to it" },
	{ "undrain", "backend", 1, 1, cmd_undrain, "and again" },
	{ "export", "", 0, 0, cmd_export, "all routes, a line of JSON each" },
	{ "import", "[-n] file", 1, 2, cmd_import,
	    "register what export wrote" },
	{ "registration", "[on|off [--reason text]]", 0, 3, cmd_registration,
	    "refuse registrations" },
	{ "watch", "", 0, 0, cmd_watch, "events, as they happen" },
	{ "tool", "tool", 1, 1, cmd_tool, "how a tool is, its last errors" },
	{ "top", "[--once]", 0, 1, cmd_top, "what is going on, live" },
	{ "registrations", "", 0, 0, cmd_registrations, "who is connected to register" },
	{ "sessions", "[--tool tool] [--older duration]", 0, 4, cmd_sessions,
	    "running requests, the oldest first" },
	{ "tail", "[tool]", 0, 1, cmd_tail, "the access log, as it comes" },
	{ "doctor", "", 0, 0, cmd_doctor, "what may be wrong here" },
	{ "diff", "node", 1, 1, cmd_diff, "what another node has, or lacks" },
	{ "bans", "", 0, 0, cmd_bans, "banned networks" },
	{ "ban", "network [--for duration | --until time]", 1, 3, cmd_ban,
	    "refuse a network" },
	{ "unban", "network", 1, 1, cmd_unban, "and no more" },
	{ "blocks", "", 0, 0, cmd_blocks, "refused User-Agents, Referers" },
	{ "block", "agent|referer pattern [--for ... | --until ...]", 2, 4,
	    cmd_block, "refuse them" },
	{ "unblock", "agent|referer pattern", 2, 2, cmd_unblock,
	    "and no more" },
	{ "maintenance", "[on|off [tool] [--for ... | --until ...]]", 0, 4,
	    cmd_maintenance, "503 for a tool, or all" },
	{ "standby", "[on|off]", 0, 1, cmd_standby,
	    "leave the floating address to others" },
};

static void
usage(FILE *out)
{
	fputs("usage: dynproxyctl [-q] [--json] [-c file] [-s socket] "
	      "command [operand ...]\n",
	    out);
	for (size_t i = 0; i < nitems(commands); i++)
		fprintf(out, "  %-14s%-48s%s\n", commands[i].name,
		    commands[i].operands, commands[i].does);
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
			return c->run(ctl, argv + 1);
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

int
main(int argc, char **argv)
{
	enum { OPT_JSON = 256, OPT_HELP, OPT_VERSION };
	static const struct option options[] = {
		{ "json", no_argument, NULL, OPT_JSON },
		{ "help", no_argument, NULL, OPT_HELP },
		{ "version", no_argument, NULL, OPT_VERSION },
		{ NULL, 0, NULL, 0 },
	};
	struct ctl ctl = { .conf_path = DEFAULT_CONF };
	int c, status;

	/* "+": what follows the command is the command's */
	while ((c = getopt_long(argc, argv, "+c:qs:", options, NULL)) != -1) {
		switch (c) {
		case 'c':
			ctl.conf_path = optarg;
			break;
		case 'q':
			ctl.quiet = true;
			break;
		case 's':
			ctl.control = optarg;
			break;
		case OPT_JSON:
			ctl.json = true;
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
	if (optind == argc && !isatty(STDIN_FILENO)) {
		usage(stderr);
		return CTL_USAGE;
	}
	status = optind == argc ? ctl_prompt(&ctl, run) : run(&ctl, argc - optind, argv + optind);
	if (fflush(stdout) == EOF)
		err(CTL_REFUSED, "standard output");
	return status;
}
