/* Writes settings out, and frees them. */
#include "conf/conf.h"

#include <ctype.h>
#include <stdlib.h>

#include "conf/directives.h"
#include "conf/setting.h"

#define NAME_WIDTH 24

/* The name of a file, on this line whatever is in it. */
static void
print_origin(const struct conf_origin *origin, FILE *out)
{
	if (origin->file == NULL) {
		fputs("  # default\n", out);
		return;
	}
	fputs("  # ", out);
	for (const char *p = origin->file; *p != '\0'; p++)
		putc(iscntrl((unsigned char)*p) ? '?' : *p, out);
	if (origin->line != 0)
		fprintf(out, ":%u", origin->line);
	putc('\n', out);
}

static void
print_value(
    const struct conf *conf, const struct directive *d, size_t at, FILE *out)
{
	const char *quote = d->type->quoted ? "\"" : "";

	fputs(quote, out);
	d->type->print(conf, d, at, out);
	fputs(quote, out);
}

/* "name = value" or "name = {a, b}" */
static void
print_setting(const struct conf *conf, const struct directive *d, FILE *out)
{
	size_t n = d->type->count(conf, d);

	fprintf(
	    out, "%-*s = %s", NAME_WIDTH, d->name, d->type->list ? "{" : "");
	for (size_t i = 0; i < n; i++) {
		if (i > 0)
			fputs(", ", out);
		print_value(conf, d, i, out);
	}
	fputs(d->type->list ? "}" : "", out);
}

void
conf_dump(const struct conf *conf, FILE *out)
{
	for (size_t i = 0; i < ndirectives; i++) {
		print_setting(conf, &directives[i], out);
		print_origin(&conf->origins[i], out);
	}
}

bool
conf_is_default(const struct conf *conf, const char *setting)
{
	return conf->origins[directive_find(setting) - directives].file == NULL;
}

void
conf_clear(struct conf *conf, const char *setting)
{
	const struct directive *d = directive_find(setting);

	d->type->clear(conf, d);
}

bool
conf_has_https(const struct conf *conf)
{
	for (size_t i = 0; i < conf->nlisteners; i++)
		if (conf->listeners[i].kind == LISTEN_HTTPS)
			return true;
	return false;
}

void
conf_free(struct conf *conf)
{
	if (conf == NULL)
		return;
	for (size_t i = 0; i < ndirectives; i++) {
		directives[i].type->clear(conf, &directives[i]);
		if (conf->origins != NULL)
			free(conf->origins[i].file);
	}
	free(conf->origins);
	free(conf);
}

bool
conf_tells_client(const struct conf *conf, struct span tool, struct span host)
{
	for (size_t i = 0; i < conf->nclient_address_for; i++) {
		struct span name = span_str(conf->client_address_for[i]);

		if (span_eq(name, tool) || span_eq(name, host))
			return true;
	}
	return false;
}
