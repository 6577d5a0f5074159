/*
 * The types of settings that say where we listen: several share one array, in
 * the order of their kinds.
 */
#include <bsd/stdlib.h>
#include <bsd/string.h>

#include "conf/directives.h"
#include "conf/type.h"

static size_t
count_listeners(const struct conf *conf, const struct directive *d)
{
	size_t n = 0;

	for (size_t i = 0; i < conf->nlisteners; i++)
		n += conf->listeners[i].kind == d->kind;
	return n;
}

/* The place of the first listener that is not of a lower kind. */
static size_t
first_listener(const struct conf *conf, enum listener_kind kind)
{
	size_t at = 0;

	while (at < conf->nlisteners && conf->listeners[at].kind < kind)
		at++;
	return at;
}

static void
clear_listeners(struct conf *conf, const struct directive *d)
{
	size_t first = first_listener(conf, d->kind);
	size_t n = count_listeners(conf, d);

	if (n == 0)
		return;
	conf->nlisteners -= n;
	memmove(conf->listeners + first, conf->listeners + first + n,
	    (conf->nlisteners - first) * sizeof(*conf->listeners));
	if (conf->nlisteners == 0) {
		free(conf->listeners);
		conf->listeners = NULL;
	}
}

/* Behind the address of one whose clients come through a load balancer. */
#define PROXY_MARK " proxy"

static enum set_result
set_listener(struct conf *conf, const struct directive *d, const char *text)
{
	static const char mark[] = PROXY_MARK;
	struct listener_conf *grown;
	size_t at, len = strlen(text);
	char alone[ADDR_TEXT_MAX];
	struct addr addr;
	bool path, proxied;

	proxied = listener_is_web(d->kind) && len >= sizeof(mark) &&
		  strcmp(text + len - (sizeof(mark) - 1), mark) == 0;
	if (proxied)
		len -= sizeof(mark) - 1;
	if (len >= sizeof(alone))
		return SET_MALFORMED;
	memcpy(alone, text, len);
	alone[len] = '\0';
	if (!addr_parse(&addr, alone))
		return SET_MALFORMED;
	path = addr.u.sa.sa_family == AF_UNIX;
	if ((d->type == &type_tcp_listeners && path) ||
	    (d->type == &type_unix_listener && !path))
		return SET_MALFORMED;
	grown =
	    reallocarray(conf->listeners, conf->nlisteners + 1, sizeof(*grown));
	if (grown == NULL)
		return SET_NO_MEMORY;
	conf->listeners = grown;
	at = first_listener(conf, d->kind) + count_listeners(conf, d);
	memmove(grown + at + 1, grown + at,
	    (conf->nlisteners - at) * sizeof(*grown));
	grown[at] = (struct listener_conf){ d->kind, addr, proxied };
	conf->nlisteners++;
	return SET_DONE;
}

static void
print_listener(
    const struct conf *conf, const struct directive *d, size_t at, FILE *out)
{
	char text[ADDR_TEXT_MAX + sizeof(PROXY_MARK)];

	at += first_listener(conf, d->kind);
	addr_format(&conf->listeners[at].addr, text);
	if (conf->listeners[at].proxied)
		strlcat(text, PROXY_MARK, sizeof(text));
	type_print_text(text, out);
}

#define LISTENERS                                                              \
	set_listener, clear_listeners, count_listeners, print_listener, NULL

const struct type type_tcp_listeners = { "TCP address",
	"\"*:80\", \"127.0.0.1:80\" or \"[::1]:80\", in quotes", true, true,
	LISTENERS };
const struct type type_listeners = { "address",
	"\"*:80\", \"127.0.0.1:80\", \"[::1]:80\" or \"/run/a.sock\", in "
	"quotes",
	true, true, LISTENERS };
const struct type type_unix_listener = { "path of a Unix socket",
	"an absolute path of at most 107 bytes", false, true, LISTENERS };

bool
type_is_listener(const struct type *type)
{
	return type->count == count_listeners;
}
