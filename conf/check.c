/* Checks what a single value cannot say. */
#include "conf/check.h"

#include <stdarg.h>
#include <string.h>

#include "conf/directives.h"
#include "conf/setting.h"
#include "conf/value.h"

struct checking {
	const struct conf *conf;
	const char *name; /* of the file, for what no line says */
	FILE *err;
	bool good;
};

static void __attribute__((format(printf, 3, 4)))
fault(struct checking *c, const char *setting, const char *fmt, ...)
{
	size_t i = (size_t)(directive_find(setting) - directives);
	const struct conf_origin *origin = &c->conf->origins[i];
	va_list ap;

	if (origin->line != 0)
		fprintf(c->err, "%s:%u: ", origin->file, origin->line);
	else
		fprintf(c->err, "%s: ", c->name);
	fprintf(c->err, "%s: ", setting);
	va_start(ap, fmt);
	vfprintf(c->err, fmt, ap);
	va_end(ap);
	putc('\n', c->err);
	c->good = false;
}

static const char *
listener_setting(enum listener_kind kind)
{
	for (size_t i = 0; i < ndirectives; i++)
		if (directives[i].kind == kind &&
		    (directives[i].type == &type_listeners ||
			directives[i].type == &type_tcp_listeners ||
			directives[i].type == &type_unix_listener))
			return directives[i].name;
	return NULL;
}

static void
check_listeners(struct checking *c)
{
	const struct listener_conf *l = c->conf->listeners;
	char one[ADDR_TEXT_MAX], other[ADDR_TEXT_MAX];

	/* the default of https may come to nothing: certs_settle() */
	if (c->conf->nlisteners == 0 || !listener_is_web(l[0].kind) ||
	    (l[0].kind == LISTEN_HTTPS && conf_is_default(c->conf, "https")))
		fault(c, "http",
		    "clients need an address: write http = \"*:80\"");
	for (size_t i = 0; i < c->conf->nlisteners; i++)
		for (size_t j = 0; j < i; j++)
			if (strcmp(addr_format(&l[i].addr, one),
				addr_format(&l[j].addr, other)) == 0)
				fault(c, listener_setting(l[i].kind),
				    "\"%s\" is taken by %s: write another", one,
				    listener_setting(l[j].kind));
}

static void
check_names(struct checking *c)
{
	const struct conf *conf = c->conf;

	if (conf->nweb_domains == 0)
		fault(c, "web_domain",
		    "tools need a domain: write one, "
		    "as in web_domain = toolforge.org");
	for (size_t i = 0; i < conf->nweb_domains; i++)
		for (size_t j = 0; j < i; j++)
			if (strcmp(conf->web_domains[i],
				conf->web_domains[j]) == 0)
				fault(c, "web_domain",
				    "\"%s\" stands there twice: write it once",
				    conf->web_domains[i]);
	if (*conf->admin_tool != '\0' && !tool_name_valid(conf->admin_tool))
		fault(c, "admin_tool",
		    "\"%s\" is no tool's name: write a-z, 0-9 and -, "
		    "or \"\" for none",
		    conf->admin_tool);
	if (!node_name_valid(conf->node_name))
		fault(c, "node_name",
		    "\"%s\" is no node's name: write letters, digits, dots, "
		    "hyphens and underscores",
		    conf->node_name);
	for (size_t i = 0; i < conf->nlocal_tools; i++)
		for (size_t j = 0; j < i; j++)
			if (conf->local_tools[i].uid ==
			    conf->local_tools[j].uid)
				fault(c, "local_tools",
				    "uid %u has two tools: write one",
				    conf->local_tools[i].uid);
}

/* What has another name now must not come back to where it was. */
static void
check_redirects(struct checking *c)
{
	const struct redirect_conf *r = c->conf->redirects;

	for (size_t i = 0; i < c->conf->nredirects; i++)
		for (size_t j = 0; j < c->conf->nredirects; j++) {
			if (r[i].below != r[j].below)
				continue;
			if (j < i && strcmp(r[i].from, r[j].from) == 0)
				fault(c, "redirects",
				    "\"%s\" is redirected twice: write once "
				    "where to",
				    r[i].from);
			if (strcmp(r[i].to, r[j].from) == 0)
				fault(c, "redirects",
				    "\"%s\" is redirected to \"%s\", which "
				    "is redirected: write where that ends",
				    r[i].from, r[i].to);
		}
}

/* A part cannot be larger than the whole. */
static void
check_sizes(struct checking *c)
{
	const struct conf *conf = c->conf;

	if (conf->request_line_max > conf->request_head_max)
		fault(c, "request_line_max",
		    "is above request_head_max: the line is a part of it");
	if (conf->request_field_max > conf->request_head_max)
		fault(c, "request_field_max",
		    "is above request_head_max: a field is a part of it");
}

static void
check_redis(struct checking *c)
{
	const struct conf *conf = c->conf;

	if (conf->redis.len != 0 && conf->nredis_sentinels > 0)
		fault(c, "redis",
		    "the sentinels say where it is: write either redis or "
		    "redis_sentinels");
	if (conf->redis_replica.len != 0 && !conf_has_redis(conf))
		fault(c, "redis_replica",
		    "it is a replica of nothing: write redis or "
		    "redis_sentinels, too");
	if (*conf->redis_user != '\0' && *conf->redis_password == '\0')
		fault(c, "redis_user",
		    "it needs a password: write redis_password");
}

bool
conf_check(const struct conf *conf, const char *name, FILE *err)
{
	struct checking c = { conf, name, err, true };

	check_listeners(&c);
	check_names(&c);
	check_redirects(&c);
	check_sizes(&c);
	check_redis(&c);
	return c.good;
}
