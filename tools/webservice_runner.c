/*
 * webservice-runner(1): run a tool's web server where the proxy finds it.
 * Takes a free port, runs the server with PORT set, registers it when it
 * answers, holds the lease, passes signals on, and unregisters at the end.
 */
#include <bsd/stdlib.h>
#include <err.h>
#include <errno.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/array.h"
#include "lib/clock.h"
#include "lib/stdfd.h"
#include "tools/lease.h"
#include "tools/listening.h"
#include "tools/options.h"
#include "tools/own_address.h"
#include "tools/server_type.h"

#define LOOK_MS 100	      /* how often we look whether the server answers */
#define COMPLAIN_MS 30000     /* how often we say that it does not */
#define KILL_AFTER_MS 5000    /* who has to go, and does not */
#define EXIT_CANNOT_START 125 /* as env(1) and timeout(1) have it */

struct runner {
	const struct server_type *type;
	bool registers;
	const char *proxy;   /* NULL: the active one */
	const char *address; /* NULL: what our host name resolves to */
	uint16_t port;	     /* told to the server; 0: any free one */
	struct account account;
	bool is_tool; /* account is set */
	struct server_request request;
	struct server_command command;

	struct reg reg;
	struct ip ip;
	char url[OWN_URL_MAX];
	struct lease lease;
	bool registered;
	bool refused;	  /* the server has to go */
	uint64_t kill_ms; /* when, if it has not; 0: it was not told yet */

	sigset_t signals;
	int signal_fd;
	pid_t child;
	uint64_t complain_ms; /* when, if it does not answer until then */
};

static const int passed_on[] = { SIGTERM, SIGINT, SIGHUP, SIGQUIT };

static void
usage(FILE *out)
{
	char names[256];

	fprintf(out,
	    "usage: webservice-runner --type TYPE [--register-proxy] "
	    "[--port N]\n\t[--address IP] [--proxy HOST[:PORT]|SOCKET] "
	    "[--] [argument ...]\ntypes: %s\n",
	    server_type_names(names, sizeof(names)));
}

static uint16_t
parse_port(const char *text)
{
	const char *wrong;
	uint16_t port = (uint16_t)strtonum(text, 1024, 65535, &wrong);

	if (wrong != NULL)
		errx(EXIT_CANNOT_START, "--port %s is %s: give 1024 to 65535",
		    text, wrong);
	return port;
}

static const struct server_type *
parse_type(const char *name)
{
	const struct server_type *type = server_type_find(name);
	char names[256];

	if (type == NULL)
		errx(EXIT_CANNOT_START, "no type \"%s\": the types are %s",
		    name, server_type_names(names, sizeof(names)));
	return type;
}

static void
parse_options(struct runner *r, int argc, char **argv)
{
	const char *type = NULL, *port = NULL;
	const struct option_row rows[] = {
		{ "address", .text = &r->address },
		{ "canonical",
		    .flag = NULL }, /* of the original: so it is always */
		{ "port", .text = &port },
		{ "proxy", .text = &r->proxy },
		{ "register-proxy", .flag = &r->registers },
		{ "type", .text = &type },
		{ NULL },
	};
	int operand = options_read(argc, argv, rows, usage, EXIT_CANNOT_START);

	if (port != NULL)
		r->port = parse_port(port);
	if (type != NULL)
		r->type = parse_type(type);
	r->request.args = argv + operand;
	r->request.nargs = (size_t)(argc - operand);
	if (r->type != NULL && (!r->type->own_command || operand < argc))
		return;
	usage(stderr);
	errx(EXIT_CANNOT_START, "%s is missing",
	    r->type == NULL ? "--type" : "the command");
}

/* What is to be run, for whom, where. */
static void
prepare(struct runner *r)
{
	char why[SERVER_WHY_MAX];

	r->is_tool = account_of_uid(&r->account, getuid(), why);
	if (!r->is_tool && !r->type->own_command)
		errx(EXIT_CANNOT_START, "%s", why);
	if (r->port == 0)
		r->port = own_free_port();
	if (r->port == 0)
		err(EXIT_CANNOT_START, "no free port");
	r->request.account = r->is_tool ? &r->account : NULL;
	r->request.port = r->port;
	if ((r->is_tool && !r->type->check(&r->account, why)) ||
	    !r->type->command(&r->request, &r->command, why))
		errx(EXIT_CANNOT_START, "%s", why);
}

/* Whom to tell; an empty /etc/active-proxy tells us to tell nobody. */
static void
find_proxy(struct runner *r)
{
	if (!reg_init(&r->reg, r->proxy))
		errx(EXIT_CANNOT_START, "whom to register with? %s",
		    r->reg.said);
	for (size_t i = 0; i < nitems(passed_on); i++)
		sigaddset(&r->reg.stops, passed_on[i]);
	if (r->reg.host[0] == '\0') {
		warnx("%s is empty: not registering", REG_ACTIVE_PROXY);
		r->registers = false;
	} else if (!own_address(&r->reg, r->address, &r->ip)) {
		errx(EXIT_CANNOT_START, "no own address: %s%s", r->reg.said,
		    r->address == NULL ? ": give --address" : "");
	}
}

static void
enter_directory(const struct runner *r)
{
	const struct passwd *pw = getpwuid(getuid());
	const char *home = r->command.directory;

	if (home[0] == '\0')
		home = pw != NULL ? pw->pw_dir : NULL;
	if (home == NULL)
		warnx(
		    "user %u is unknown: staying in this directory", getuid());
	else if (chdir(home) == -1)
		warn("staying in this directory: %s", home);
}

/* In the child: become the server. */
static void
exec_server(const struct runner *r)
{
	char *const *argv = r->command.argv;
	char port[6];
	sigset_t none;

	/* without us nobody would tell the proxy of its end */
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	enter_directory(r);
	snprintf(port, sizeof(port), "%u", r->port);
	if (setenv("PORT", port, 1) == -1 ||
	    setenv("TOOL_WEB_PORT", port, 1) == -1)
		err(EXIT_CANNOT_START, "setenv");
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	execvp(argv[0], argv);
	err(127, "cannot run %s", argv[0]);
}

static void
start_server(struct runner *r)
{
	r->child = fork();
	if (r->child == 0)
		exec_server(r);
	if (r->child == -1)
		err(EXIT_CANNOT_START, "cannot run %s", r->command.argv[0]);
	r->complain_ms = clock_mono_ms() + COMPLAIN_MS;
}

/* Say why nobody can be served yet, from time to time. */
static void
complain(struct runner *r, bool loopback)
{
	if (clock_mono_ms() < r->complain_ms)
		return;
	r->complain_ms += COMPLAIN_MS;
	if (loopback)
		warnx("%s listens on 127.0.0.1 only, where the proxy cannot "
		      "reach it: let it listen on 0.0.0.0, port $PORT (%u)",
		    r->command.argv[0], r->port);
	else
		warnx("%s does not listen on port $PORT (%u) yet: not "
		      "registered",
		    r->command.argv[0], r->port);
}

/*
 * Is there a server to be registered?  Many do not look at PORT; where such a
 * one listens the kernel knows.
 */
static bool
server_answers(struct runner *r)
{
	bool loopback;
	uint16_t port;

	if (listening_answers(&r->ip, r->port)) {
		own_url(&r->ip, r->port, r->url);
		return true;
	}
	if (listening_port(r->child, &port, &loopback) && port != r->port &&
	    listening_answers(&r->ip, port)) {
		warnx("%s listens on port %u, not on $PORT (%u): so be it",
		    r->command.argv[0], port, r->port);
		own_url(&r->ip, port, r->url);
		return true;
	}
	complain(r, loopback);
	return false;
}

/* False: the server must not run on, since nobody will find it. */
static bool
register_server(struct runner *r)
{
	switch (lease_begin(&r->lease, &r->reg, REG_ROUTE, r->url)) {
	case REG_OK:
		r->registered = true;
		return true;
	case REG_REFUSED:
		warnx("%s refused %s: %s", r->reg.host, r->url, r->reg.said);
		return false;
	case REG_UNREACHABLE:
		warnx("cannot register with %s: %s", r->reg.host, r->reg.said);
		return false;
	default: /* a signal came, which is read next */
		return true;
	}
}

/* A signal for the server, or news of it; true: it has ended. */
static bool
take_signal(struct runner *r, int *status)
{
	struct signalfd_siginfo info;

	if (read(r->signal_fd, &info, sizeof(info)) != sizeof(info))
		return false;
	if (info.ssi_signo == SIGCHLD)
		return waitpid(r->child, status, WNOHANG) == r->child;
	if (info.ssi_signo == SIGTERM && r->registered)
		lease_drain(&r->lease);
	kill(r->child, (int)info.ssi_signo);
	return false;
}

/* It was refused: nobody but us would end it. */
static void
end_server(struct runner *r)
{
	uint64_t now_ms = clock_mono_ms();

	if (r->kill_ms == 0) {
		r->kill_ms = now_ms + KILL_AFTER_MS;
		kill(r->child, SIGTERM);
	} else if (now_ms >= r->kill_ms) {
		kill(r->child, SIGKILL);
	}
}

/* Until the server has ended; its wait status. */
static int
attend(struct runner *r)
{
	bool waits = r->registers;
	int status, wait_ms;

	for (;;) {
		struct pollfd p[2] = { { r->signal_fd, POLLIN, 0 },
			{ r->registered ? r->lease.fd : -1, POLLIN, 0 } };

		wait_ms = waits || r->refused ? LOOK_MS
			  : r->registered     ? lease_wait_ms(&r->lease)
					      : -1;
		poll(p, nitems(p), wait_ms);
		if (p[0].revents != 0) {
			if (take_signal(r, &status))
				break;
			continue;
		}
		if (r->registered)
			lease_tend(&r->lease);
		if (waits && server_answers(r)) {
			r->refused = !register_server(r);
			waits = !r->refused && !r->registered;
		}
		if (r->refused)
			end_server(r);
	}
	return status;
}

static void
unregister_server(struct runner *r)
{
	enum reg_result result = lease_end(&r->lease);

	if (result == REG_REFUSED || result == REG_UNREACHABLE)
		warnx("the route stays registered with %s: %s", r->reg.host,
		    r->reg.said);
}

/* Tell how it ended, and end so. */
static int
exit_status(const struct runner *r, int status)
{
	const char *name = r->command.argv[0];

	if (WIFEXITED(status)) {
		if (WEXITSTATUS(status) != 0)
			warnx("%s ended with status %d", name,
			    WEXITSTATUS(status));
		return WEXITSTATUS(status);
	}
	warnx("%s was ended by signal %d (%s)", name, WTERMSIG(status),
	    strsignal(WTERMSIG(status)));
	return 128 + WTERMSIG(status);
}

int
main(int argc, char **argv)
{
	struct runner r = { .child = -1 };
	int status;

	stdfd_open();
	parse_options(&r, argc, argv);
	prepare(&r);
	/* where it is ignored, nobody is told how the server has ended */
	signal(SIGCHLD, SIG_DFL);
	sigemptyset(&r.signals);
	sigaddset(&r.signals, SIGCHLD);
	for (size_t i = 0; i < nitems(passed_on); i++)
		sigaddset(&r.signals, passed_on[i]);
	sigprocmask(SIG_BLOCK, &r.signals, NULL);
	r.signal_fd = signalfd(-1, &r.signals, SFD_CLOEXEC | SFD_NONBLOCK);
	if (r.signal_fd == -1)
		err(EXIT_CANNOT_START, "signalfd");
	if (r.registers)
		find_proxy(&r);
	start_server(&r);
	status = attend(&r);
	if (r.registered)
		unregister_server(&r);
	return r.refused ? EXIT_CANNOT_START : exit_status(&r, status);
}
