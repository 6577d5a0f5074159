/*
 * webservice-runner(1): run a tool's web server where the proxy finds it.
 * Takes a free port, registers it, runs the command with PORT set, passes
 * signals on, and unregisters when the command has ended.
 */
#include <bsd/stdlib.h>
#include <err.h>
#include <getopt.h>
#include <netdb.h>
#include <pwd.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/array.h"
#include "lib/sock.h"
#include "tools/reg.h"

#define ROUTE ".*"
#define REGISTER_PATIENCE_MS 15000
#define UNREGISTER_PATIENCE_MS 5000
#define EXIT_CANNOT_START 125 /* as env(1) and timeout(1) have it */

struct runner {
	bool registers;
	const char *proxy;   /* NULL: the active one */
	const char *address; /* NULL: what our host name resolves to */
	uint16_t port;	     /* 0: any free one */
	char **command;	     /* NULL-terminated */
	struct reg reg;
	sigset_t old_mask; /* the command gets it back */
};

static const int passed_on[] = { SIGTERM, SIGINT, SIGHUP, SIGQUIT };
#define NPASSED nitems(passed_on)

static void
usage(FILE *out)
{
	fputs("usage: webservice-runner --type generic [--register-proxy] "
	      "[--port N]\n\t[--address IP] [--proxy HOST[:PORT]|SOCKET] "
	      "[--] command [argument ...]\n",
	    out);
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

static void
parse_options(struct runner *r, int argc, char **argv)
{
	static const struct option options[] = {
		{ "address", required_argument, NULL, 'a' },
		{ "help", no_argument, NULL, 'h' },
		{ "port", required_argument, NULL, 'p' },
		{ "proxy", required_argument, NULL, 'x' },
		{ "register-proxy", no_argument, NULL, 'r' },
		{ "type", required_argument, NULL, 't' },
		{ NULL, 0, NULL, 0 },
	};
	const char *type = NULL;
	int c;

	while ((c = getopt_long(argc, argv, "+", options, NULL)) != -1) {
		switch (c) {
		case 'a':
			r->address = optarg;
			break;
		case 'p':
			r->port = parse_port(optarg);
			break;
		case 'r':
			r->registers = true;
			break;
		case 't':
			type = optarg;
			break;
		case 'x':
			r->proxy = optarg;
			break;
		case 'h':
			usage(stdout);
			exit(0);
		default:
			usage(stderr);
			exit(EXIT_CANNOT_START);
		}
	}
	r->command = argv + optind;
	if (type == NULL || optind == argc) {
		usage(stderr);
		errx(EXIT_CANNOT_START, "%s is missing",
		    type == NULL ? "--type" : "the command");
	}
	if (strcmp(type, "generic") != 0)
		errx(EXIT_CANNOT_START,
		    "no type \"%s\": this version knows generic", type);
}

/* A port that nobody listens on now; the command is quick to take it. */
static uint16_t
free_port(void)
{
	struct addr a = { .u.in.sin_family = AF_INET,
		.len = sizeof(struct sockaddr_in) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd == -1 || bind(fd, &a.u.sa, a.len) == -1 ||
	    getsockname(fd, &a.u.sa, &a.len) == -1)
		err(EXIT_CANNOT_START, "no free port");
	close(fd);
	return addr_port(&a);
}

/* What our fully qualified name resolves to, loopback not counted. */
static bool
own_name_address(struct ip *ip)
{
	struct addrinfo hints = { .ai_family = AF_INET,
		.ai_socktype = SOCK_STREAM };
	struct addrinfo *found;
	struct cidr loopback;
	struct addr a;
	char name[256];
	bool known = false;

	if (gethostname(name, sizeof(name)) == -1 ||
	    getaddrinfo(name, NULL, &hints, &found) != 0)
		return false;
	a.len = found->ai_addrlen;
	memcpy(&a.u, found->ai_addr, found->ai_addrlen);
	known = addr_ip(&a, ip) && cidr_parse(&loopback, "127.0.0.0/8") &&
		!cidr_contains(&loopback, ip);
	freeaddrinfo(found);
	return known;
}

/* Where the proxy is to find our server: a URL. */
static void
own_url(struct runner *r, char *url, size_t size)
{
	char text[INET6_ADDRSTRLEN];
	struct ip ip;

	if (r->address != NULL) {
		if (!ip_parse(&ip, span_str(r->address)))
			errx(EXIT_CANNOT_START,
			    "--address %s: not an IP address", r->address);
	} else if (r->reg.port[0] == '\0' || !own_name_address(&ip)) {
		if (!reg_source(&r->reg, &ip))
			errx(EXIT_CANNOT_START,
			    "no own address (%s): give --address", r->reg.said);
	}
	snprintf(url, size,
	    ip.family == AF_INET6 ? "http://[%s]:%u" : "http://%s:%u",
	    ip_format(&ip, text), r->port);
}

static void
register_self(struct runner *r)
{
	char url[80];

	if (!reg_init(&r->reg, r->proxy))
		errx(EXIT_CANNOT_START, "whom to register with? %s",
		    r->reg.said);
	r->reg.patience_ms = REGISTER_PATIENCE_MS;
	for (size_t i = 0; i < NPASSED; i++)
		sigaddset(&r->reg.stops, passed_on[i]);
	if (r->reg.host[0] == '\0') {
		warnx("%s is empty: not registering", REG_ACTIVE_PROXY);
		return;
	}
	own_url(r, url, sizeof(url));
	switch (reg_say(&r->reg, "registerCanonical", ROUTE, url)) {
	case REG_OK:
	case REG_OFF:
		return;
	case REG_REFUSED:
		errx(EXIT_CANNOT_START, "%s refused %s: %s", r->reg.host, url,
		    r->reg.said);
	case REG_UNREACHABLE:
		errx(EXIT_CANNOT_START, "cannot register with %s: %s",
		    r->reg.host, r->reg.said);
	case REG_STOPPED:
		errx(EXIT_CANNOT_START, "stopped while waiting for %s: %s",
		    r->reg.host, r->reg.said);
	}
}

static void
unregister_self(struct runner *r)
{
	enum reg_result result;

	r->reg.patience_ms = UNREGISTER_PATIENCE_MS;
	result = reg_say(&r->reg, "unregister", ROUTE, NULL);
	if (result == REG_REFUSED || result == REG_UNREACHABLE)
		warnx("the route stays registered with %s: %s", r->reg.host,
		    r->reg.said);
}

/* In the child: become the command, in the home directory. */
static void
exec_command(const struct runner *r)
{
	const struct passwd *pw = getpwuid(getuid());
	char port[6];

	if (pw == NULL)
		warnx("user %u is unknown: staying in this directory",
		    getuid());
	else if (chdir(pw->pw_dir) == -1)
		warn("staying in this directory: %s", pw->pw_dir);
	snprintf(port, sizeof(port), "%u", r->port);
	if (setenv("PORT", port, 1) == -1 ||
	    setenv("TOOL_WEB_PORT", port, 1) == -1)
		err(EXIT_CANNOT_START, "setenv");
	sigprocmask(SIG_SETMASK, &r->old_mask, NULL);
	execvp(r->command[0], r->command);
	err(127, "cannot run %s", r->command[0]);
}

/* Pass signals on until the child is gone; its wait status. */
static int
attend(pid_t child, const sigset_t *signals)
{
	int signo, status;

	for (;;) {
		if (sigwait(signals, &signo) != 0)
			continue;
		if (signo != SIGCHLD)
			kill(child, signo);
		else if (waitpid(child, &status, WNOHANG) == child)
			return status;
	}
}

static int
run_command(const struct runner *r, const sigset_t *signals)
{
	pid_t child = fork();
	int status;

	if (child == 0)
		exec_command(r);
	if (child == -1) {
		warn("cannot run %s", r->command[0]);
		return EXIT_CANNOT_START;
	}
	status = attend(child, signals);
	if (WIFEXITED(status)) {
		if (WEXITSTATUS(status) != 0)
			warnx("%s ended with status %d", r->command[0],
			    WEXITSTATUS(status));
		return WEXITSTATUS(status);
	}
	warnx("%s was ended by signal %d (%s)", r->command[0], WTERMSIG(status),
	    strsignal(WTERMSIG(status)));
	return 128 + WTERMSIG(status);
}

int
main(int argc, char **argv)
{
	struct runner r = { 0 };
	sigset_t signals;
	int status;

	parse_options(&r, argc, argv);
	sigemptyset(&signals);
	sigaddset(&signals, SIGCHLD);
	for (size_t i = 0; i < NPASSED; i++)
		sigaddset(&signals, passed_on[i]);
	sigprocmask(SIG_BLOCK, &signals, &r.old_mask);

	if (r.port == 0)
		r.port = free_port();
	if (r.registers)
		register_self(&r);
	status = run_command(&r, &signals);
	if (r.registers)
		unregister_self(&r);
	return status;
}
