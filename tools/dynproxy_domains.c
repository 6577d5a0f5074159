/* dynproxy-domains(8): the API of those who own domain proxies. */
#include <curl/curl.h>
#include <err.h>
#include <errno.h>
#include <signal.h>

#include "conf/conf.h"
#include "lib/log.h"
#include "lib/stdfd.h"
#include "tools/domains_api.h"
#include "tools/options.h"

#define LISTEN "127.0.0.1:5668"
#define DATABASE "/var/lib/dynproxy-domains/data.db"
#define ZONES "/etc/dynproxy/zones.json"

struct options {
	const char *listen, *database, *zones;
	const char *tokens;				     /* or */
	const char *keystone, *keystone_token, *keystone_ca; /* those */
};

static void
usage(FILE *out)
{
	fputs("usage: dynproxy-domains [--listen ADDRESS:PORT] "
	      "[--database FILE] [--zones FILE]\n"
	      "\t--tokens FILE | --keystone URL --keystone-token FILE "
	      "[--keystone-ca FILE]\n"
	      "\t[--conf FILE] [--control SOCKET] [--dns-hook COMMAND]\n"
	      "\t[--live FILE | --live-hook COMMAND] [--read-only]\n",
	    out);
}

static void
parse(struct domains *d, struct options *o, int argc, char **argv)
{
	const struct option_row rows[] = {
		{ "conf", .text = &d->registrar.conf_path },
		{ "control", .text = &d->registrar.control },
		{ "database", .text = &o->database },
		{ "dns-hook", .text = &d->dns.hook },
		{ "keystone", .text = &o->keystone },
		{ "keystone-ca", .text = &o->keystone_ca },
		{ "keystone-token", .text = &o->keystone_token },
		{ "listen", .text = &o->listen },
		{ "live", .text = &d->live_file },
		{ "live-hook", .text = &d->live_hook },
		{ "read-only", .flag = &d->read_only },
		{ "tokens", .text = &o->tokens },
		{ "zones", .text = &o->zones },
		{ NULL },
	};

	if (options_read(argc, argv, rows, usage, 2) == argc &&
	    (o->tokens == NULL) != (o->keystone == NULL) &&
	    (o->keystone == NULL) == (o->keystone_token == NULL) &&
	    (d->live_file == NULL || d->live_hook == NULL))
		return;
	usage(stderr);
	exit(2);
}

/* What it reads, or an end. */
static void
open_files(struct domains *d, const struct options *o)
{
	char why[256];

	if (!jsonfile_open(&d->zones, o->zones, zones_check, why))
		errx(1, "%s", why);
	if (o->tokens == NULL)
		auth_by_keystone(
		    &d->auth, o->keystone, o->keystone_token, o->keystone_ca);
	else if (!auth_by_file(&d->auth, o->tokens, why))
		errx(1, "%s", why);
	d->store = store_open(o->database);
	if (d->store == NULL)
		exit(1);
}

/* Every thread is born with these blocked: http_serve() waits for them. */
static void
block_signals(void)
{
	sigset_t ends;

	sigemptyset(&ends);
	sigaddset(&ends, SIGTERM);
	sigaddset(&ends, SIGINT);
	sigprocmask(SIG_BLOCK, &ends, NULL);
	signal(SIGPIPE, SIG_IGN);
}

int
main(int argc, char **argv)
{
	static struct domains d = { .registrar.conf_path = CONF_PATH_DEFAULT,
		.dns = { .lock = PTHREAD_MUTEX_INITIALIZER,
		    .wake = PTHREAD_COND_INITIALIZER } };
	struct options o = { LISTEN, DATABASE, ZONES, NULL, NULL, NULL, NULL };
	const struct http_server server = { api_serve, &d };
	struct addr listen;
	int rc;

	stdfd_open();
	parse(&d, &o, argc, argv);
	log_open(LOG_TO_STDERR, "dynproxy-domains", LOG_INFO);
	if (!addr_parse(&listen, o.listen))
		errx(2, "--listen %s is no address with a port", o.listen);
	block_signals();
	curl_global_init(CURL_GLOBAL_DEFAULT);
	open_files(&d, &o);
	if (!changer_start(&d) || !dns_start(&d))
		errx(1, "cannot make a thread");
	log_event(LOG_NOTICE, "ready", "listen=%s%s", o.listen,
	    d.read_only ? " read-only" : "");
	rc = http_serve(&server, &listen);
	if (rc == -1)
		log_event(LOG_ERR, "listen-failed", "%s: %m", o.listen);
	dns_stop(&d);
	changer_stop(&d);
	store_close(d.store);
	jsonfile_close(&d.zones);
	if (o.tokens != NULL)
		jsonfile_close(&d.auth.tokens);
	return rc == 0 ? 0 : 1;
}
