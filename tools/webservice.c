/* webservice(1): start and stop the web service of a tool. */
#include <bsd/stdlib.h>
#include <bsd/string.h>
#include <curl/curl.h>
#include <err.h>
#include <fcntl.h>
#include <getopt.h>
#include <jansson.h>
#include <sys/file.h>
#include <unistd.h>

#include "lib/array.h"
#include "lib/stdfd.h"
#include "tools/server_type.h"
#include "tools/webservice_commands.h"

/* webservice(1) has the same rows. */
static const struct command {
	const char *name;
	int (*run)(struct webservice *w);
	bool begins; /* what is told and found of the service must be right */
	const char *does;
} commands[] = {
	{ "start", webservice_start, true, "start it" },
	{ "stop", webservice_stop, false, "stop it" },
	{ "restart", webservice_restart, true, "stop it if it runs; start it" },
	{ "status", webservice_status, false, "does it run? does it answer?" },
	{ "logs", webservice_logs, false, "its last lines; -f: and new ones" },
};

static const struct backend *const backends[] = { &backend_gridengine,
	&backend_kubernetes, &backend_local };

static void
usage(FILE *out)
{
	char names[256];

	fputs("usage: webservice [--backend gridengine|kubernetes|local] "
	      "[--release NAME]\n\t[--mem QUANTITY] [--cpu QUANTITY] "
	      "[--replicas N] [--template FILE]\n\t[TYPE] COMMAND [-f] "
	      "[[--] ARGUMENT ...]\ncommands:\n",
	    out);
	for (size_t i = 0; i < nitems(commands); i++)
		fprintf(out, "  %-9s%s\n", commands[i].name, commands[i].does);
	fprintf(out, "types: %s\n", server_type_names(names, sizeof(names)));
}

static const struct command *
find_command(const char *name)
{
	for (size_t i = 0; i < nitems(commands); i++)
		if (strcmp(commands[i].name, name) == 0)
			return &commands[i];
	return NULL;
}

static const struct backend *
find_backend(const char *name)
{
	for (size_t i = 0; i < nitems(backends); i++)
		if (strcmp(backends[i]->name, name) == 0)
			return backends[i];
	errx(2,
	    "there is no backend \"%s\": choose gridengine, kubernetes or "
	    "local",
	    name);
}

/* "500m", "2Gi": a number and a suffix that Kubernetes knows. */
static const char *
parse_quantity(const char *text)
{
	static const char *const suffixes[] = { "", "m", "k", "M", "G", "T",
		"Ki", "Mi", "Gi", "Ti" };
	size_t digits = strspn(text, "0123456789");

	for (size_t i = 0; digits > 0 && i < nitems(suffixes); i++)
		if (strcmp(text + digits, suffixes[i]) == 0)
			return text;
	errx(2, "\"%s\" is no quantity: write 500m, 2, 512Mi or 1Gi", text);
}

static unsigned
parse_replicas(const char *text)
{
	const char *wrong;
	unsigned n = (unsigned)strtonum(text, 1, 16, &wrong);

	if (wrong != NULL)
		errx(2, "replicas: %s is %s: give 1 to 16", text, wrong);
	return n;
}

enum { OPT_BACKEND = 256, OPT_RELEASE, OPT_REPLICAS, OPT_TEMPLATE };

static const struct option options[] = {
	{ "backend", required_argument, NULL, OPT_BACKEND },
	{ "cpu", required_argument, NULL, 'c' },
	{ "follow", no_argument, NULL, 'f' },
	{ "help", no_argument, NULL, 'h' },
	{ "mem", required_argument, NULL, 'm' },
	{ "release", required_argument, NULL, OPT_RELEASE },
	{ "replicas", required_argument, NULL, OPT_REPLICAS },
	{ "template", required_argument, NULL, OPT_TEMPLATE },
	{ NULL, 0, NULL, 0 },
};

static void
take_option(struct webservice *w, int option)
{
	struct service *s = &w->service;

	switch (option) {
	case OPT_BACKEND:
		w->backend_option = optarg;
		break;
	case OPT_RELEASE:
		s->release = optarg;
		break;
	case OPT_REPLICAS:
		s->replicas = parse_replicas(optarg);
		break;
	case OPT_TEMPLATE:
		w->template_option = optarg;
		break;
	case 'c':
		s->cpu = parse_quantity(optarg);
		break;
	case 'f':
		w->follow = true;
		break;
	case 'h':
		usage(stdout);
		exit(0);
	case 'm':
		s->memory = parse_quantity(optarg);
		break;
	default:
		usage(stderr);
		exit(2);
	}
}

/* The type, or the command, after which the words are the server's. */
static const struct command *
take_word(struct webservice *w, const char *word)
{
	const struct command *command = find_command(word);

	if (command == NULL && w->type_option != NULL)
		errx(2, "no command \"%s\": see webservice --help", word);
	if (command == NULL)
		w->type_option = word;
	return command;
}

/* The manifest and Kubernetes have UTF-8 only. */
static char *
take_argument(char *word)
{
	json_t *text = json_string(word);

	if (text == NULL)
		errx(2, "\"%s\" is not UTF-8, which words for the server are",
		    word);
	json_decref(text);
	return word;
}

/* Options may stand before and after the type and the command. */
static const struct command *
parse(struct webservice *w, int argc, char **argv)
{
	const struct command *command = NULL;
	struct service *s = &w->service;
	int c;

	for (;;) {
		c = getopt_long(argc, argv, "+c:fhm:", options, NULL);
		if (c != -1)
			take_option(w, c);
		else if (command == NULL && optind < argc)
			command = take_word(w, argv[optind++]);
		else
			break;
	}
	if (command == NULL) {
		usage(stderr);
		errx(2, "say what to do: start, stop, restart, status, logs");
	}
	for (; optind < argc; optind++) {
		if (s->nargs == nitems(w->args))
			errx(2, "more than %zu words for the server",
			    nitems(w->args));
		w->args[s->nargs++] = take_argument(argv[optind]);
	}
	s->args = w->args;
	return command;
}

/* What the user said, else what runs, else what the template says. */
static const char *
setting(struct webservice *w, const char *said, const char *key)
{
	if (said == NULL)
		said = manifest_get(&w->manifest, key);
	if (said == NULL)
		said = manifest_get(&w->template, key);
	return said;
}

/* Where there is no grid, this host is what there is. */
static const char *
usual_backend(void)
{
	return access("/usr/bin/qsub", X_OK) == 0 ? "gridengine" : "local";
}

static void
choose_backend(struct webservice *w)
{
	const char *runs_on = manifest_get(&w->manifest, MANIFEST_BACKEND);
	const char *name = setting(w, w->backend_option, MANIFEST_BACKEND);

	w->backend = find_backend(name != NULL ? name : usual_backend());
	if (runs_on != NULL && strcmp(runs_on, w->backend->name) != 0)
		errx(1,
		    "your webservice runs on the backend %s: stop it there "
		    "first:\n    webservice --backend=%s stop\nthen:\n    "
		    "webservice --backend=%s start",
		    runs_on, runs_on, w->backend->name);
}

static void
choose_settings(struct webservice *w)
{
	struct service *s = &w->service;
	const char *replicas = NULL;

	s->account = &w->account;
	s->type = setting(w, w->type_option, MANIFEST_TYPE);
	if (s->type == NULL)
		s->type = w->backend->default_type;
	s->release = setting(w, s->release, MANIFEST_RELEASE);
	if (s->release == NULL)
		s->release = MANIFEST_RELEASE_DEFAULT;
	s->memory = setting(w, s->memory, MANIFEST_MEMORY);
	s->cpu = setting(w, s->cpu, MANIFEST_CPU);
	if (s->replicas == 0)
		replicas = setting(w, NULL, MANIFEST_REPLICAS);
	if (replicas != NULL)
		s->replicas = parse_replicas(replicas);
	if (s->nargs == 0)
		s->nargs = manifest_list(&w->manifest, MANIFEST_ARGS, w->args);
	if (s->nargs == 0)
		s->nargs = manifest_list(&w->template, MANIFEST_ARGS, w->args);
}

/* Two of us at once would undo each other's work; the second is told so. */
static void
be_the_only_one(const struct account *a)
{
	int fd = open(a->home, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd == -1)
		err(1, "%s", a->home);
	if (flock(fd, LOCK_EX | LOCK_NB) == -1)
		errx(1,
		    "another webservice command of %s is at work: wait "
		    "for its end",
		    a->user);
}

/* On this very host anybody may run what he likes; elsewhere tools only. */
static void
find_account(struct webservice *w)
{
	const char *backend = w->backend_option;
	char why[WEBSERVICE_WHY_MAX];

	if (backend == NULL)
		backend = usual_backend();
	if (strcmp(backend, "local") == 0
		? !account_of_myself(&w->account, why)
		: !account_of_uid(&w->account, getuid(), why))
		errx(1, "%s", why);
}

int
main(int argc, char **argv)
{
	struct webservice w = { .follow = false };
	const struct command *command;
	char why[WEBSERVICE_WHY_MAX];
	int status;

	stdfd_open();
	command = parse(&w, argc, argv);
	find_account(&w);
	if (command->run != webservice_logs &&
	    command->run != webservice_status)
		be_the_only_one(&w.account);
	if (!manifest_read(&w.manifest, &w.account, AT_FDCWD, why) ||
	    !manifest_read_template(
		&w.template, &w.account, w.template_option, why))
		errx(1, "%s", why);
	choose_backend(&w);
	choose_settings(&w);
	curl_global_init(CURL_GLOBAL_DEFAULT);
	status = command->begins && !w.backend->check(&w.service)
		     ? 1
		     : command->run(&w);
	manifest_release(&w.template);
	manifest_release(&w.manifest);
	if (fflush(stdout) == EOF)
		err(1, "standard output");
	return status;
}
