/* webservice(1): start and stop the web service of a tool. */
#include <bsd/stdlib.h>
#include <bsd/string.h>
#include <curl/curl.h>
#include <err.h>
#include <fcntl.h>
#include <getopt.h>
#include <sys/file.h>
#include <unistd.h>

#include "lib/array.h"
#include "lib/clock.h"
#include "tools/manifest.h"
#include "tools/server_type.h"
#include "tools/service.h"
#include "tools/webservice_show.h"

#define WAIT_MS 15000 /* for a change of state, as in the original */
#define POLL_MS 500
#define SETTLE_MS 2000 /* what has run so long has not ended at once */
#define RELEASE_DEFAULT "buster"
#define WHY_MAX 256

struct webservice {
	struct account account;
	struct manifest manifest, template;
	struct service service;
	const struct backend *backend;
	const char *backend_option, *type_option, *template_option;
	const char *args[MANIFEST_ARGS_MAX];
	bool follow;
};

static int command_start(struct webservice *w);
static int command_stop(struct webservice *w);
static int command_restart(struct webservice *w);
static int command_status(struct webservice *w);
static int command_logs(struct webservice *w);

/* webservice(1) has the same rows. */
static const struct command {
	const char *name;
	int (*run)(struct webservice *w);
	bool begins; /* what is told and found of the service must be right */
	const char *does;
} commands[] = {
	{ "start", command_start, true, "start it" },
	{ "stop", command_stop, false, "stop it" },
	{ "restart", command_restart, true, "stop it if it runs; start it" },
	{ "status", command_status, false, "does it run? does it answer?" },
	{ "logs", command_logs, false, "its last lines; -f: and new ones" },
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
		w->args[s->nargs++] = argv[optind];
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
		s->release = RELEASE_DEFAULT;
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

#define STATE(s) (1u << SERVICE_##s)

/* Wait, with a dot for every while, as long as its state is one of these. */
static enum service_state
await(const struct webservice *w, unsigned these, unsigned wait_ms)
{
	uint64_t until_ms = clock_mono_ms() + wait_ms;
	enum service_state state;

	while ((these & 1u << (state = w->backend->state(&w->service))) != 0 &&
	       clock_mono_ms() < until_ms) {
		fputc('.', stderr);
		usleep(POLL_MS * 1000);
	}
	return state;
}

static bool
remember(struct webservice *w)
{
	struct service *s = &w->service;
	struct manifest *m = &w->manifest;
	char why[WHY_MAX], replicas[12];
	bool kept;

	snprintf(replicas, sizeof(replicas), "%u", s->replicas);
	kept = manifest_set(m, MANIFEST_BACKEND, w->backend->name) &&
	       manifest_set(m, MANIFEST_TYPE, s->type);
	if (kept && w->backend == &backend_gridengine)
		kept = manifest_set(m, MANIFEST_RELEASE, s->release);
	if (kept && s->memory != NULL)
		kept = manifest_set(m, MANIFEST_MEMORY, s->memory);
	if (kept && s->cpu != NULL)
		kept = manifest_set(m, MANIFEST_CPU, s->cpu);
	if (kept && s->replicas > 0)
		kept = manifest_set(m, MANIFEST_REPLICAS, replicas);
	if (kept && s->nargs > 0)
		kept = manifest_set_list(m, MANIFEST_ARGS, w->args, s->nargs);
	if (!kept)
		errx(1, "no memory");
	if (manifest_save(m, &w->account, why))
		return true;
	warnx("%s", why);
	warnx("it was started, but nothing remembers it: mend that, then "
	      "webservice restart");
	return false;
}

/* Does it run, and go on?  False: it has ended, and why has been shown. */
static bool
stays(const struct webservice *w, enum service_state state, off_t logged)
{
	const struct service *s = &w->service;

	if (state == SERVICE_STOPPED ||
	    (state == SERVICE_PENDING && service_log_size(s) > logged)) {
		warnx("it ended at once; the end of its log:");
		if (!service_show_log(s, logged))
			warnx("nothing was logged: see webservice logs");
		return false;
	}
	if (state != SERVICE_RUNNING)
		warnx("it is not running yet: see webservice status and "
		      "webservice logs");
	return true;
}

/* What has ended for good is not remembered: nobody is to start it again. */
static int
start_it(struct webservice *w, const char *message)
{
	off_t logged = service_log_size(&w->service);
	enum service_state state;
	bool well;

	if (!w->backend->start(&w->service))
		return 1;
	fprintf(stderr, "%s", message);
	state = await(w, STATE(PENDING), WAIT_MS);
	if (state == SERVICE_RUNNING)
		state = await(w, STATE(RUNNING), SETTLE_MS);
	fputc('\n', stderr);
	well = stays(w, state, logged);
	if (state != SERVICE_STOPPED && !remember(w))
		return 1;
	if (!well)
		return 1;
	webservice_show_url(&w->account);
	return 0;
}

static int
command_start(struct webservice *w)
{
	switch (w->backend->state(&w->service)) {
	case SERVICE_UNKNOWN:
		return 1;
	case SERVICE_STOPPED:
		return start_it(w, "Starting webservice");
	default:
		warnx("your webservice is running already: webservice restart "
		      "starts it anew, webservice stop stops it");
		return 1;
	}
}

static bool
stop_it(struct webservice *w)
{
	enum service_state state;

	/* it may have ended by itself just now */
	if (!w->backend->stop(&w->service) &&
	    w->backend->state(&w->service) != SERVICE_STOPPED)
		return false;
	fputs("Stopping webservice", stderr);
	state = await(w, STATE(PENDING) | STATE(RUNNING), WAIT_MS);
	fputc('\n', stderr);
	if (state == SERVICE_STOPPED)
		return true;
	warnx("it has not stopped after %d seconds: try again", WAIT_MS / 1000);
	return false;
}

static int
command_stop(struct webservice *w)
{
	static const char *const keys[] = { MANIFEST_BACKEND, MANIFEST_TYPE,
		MANIFEST_RELEASE, MANIFEST_MEMORY, MANIFEST_CPU,
		MANIFEST_REPLICAS, MANIFEST_ARGS };
	char why[WHY_MAX];

	switch (w->backend->state(&w->service)) {
	case SERVICE_UNKNOWN:
		return 1;
	case SERVICE_STOPPED:
		puts("Your webservice is not running");
		break;
	default:
		if (!stop_it(w))
			return 1;
	}
	if (manifest_get(&w->manifest, MANIFEST_TYPE) == NULL)
		return 0;
	for (size_t i = 0; i < nitems(keys); i++)
		manifest_remove(&w->manifest, keys[i]);
	if (manifest_save(&w->manifest, &w->account, why))
		return 0;
	warnx("%s", why);
	return 1;
}

static int
command_restart(struct webservice *w)
{
	enum service_state state = w->backend->state(&w->service);

	if (state == SERVICE_UNKNOWN)
		return 1;
	if (state != SERVICE_STOPPED && !stop_it(w))
		return 1;
	return start_it(w, state == SERVICE_STOPPED
			       ? "Your webservice is not running, starting"
			       : "Restarting");
}

static int
command_status(struct webservice *w)
{
	enum service_state state = w->backend->state(&w->service);

	if (state == SERVICE_UNKNOWN)
		return 1;
	if (state == SERVICE_STOPPED) {
		puts("Your webservice is not running");
		return 0;
	}
	printf("Your webservice of type %s is %s on backend %s\n",
	    w->service.type,
	    state == SERVICE_RUNNING ? "running" : "waiting to run",
	    w->backend->name);
	webservice_show_url(&w->account);
	webservice_show_proxy(&w->account);
	return 0;
}

static int
command_logs(struct webservice *w)
{
	return w->backend->logs(&w->service, w->follow) ? 0 : 1;
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
	char why[WHY_MAX];

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
	const struct command *command = parse(&w, argc, argv);
	char why[WHY_MAX];
	int status;

	find_account(&w);
	if (command->run != command_logs && command->run != command_status)
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
