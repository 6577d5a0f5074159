/* Builds Location fields and knows the configured redirects. */
#include "route/redirect.h"

#include <stdio.h>

#include "route/host.h"

/* Appends that remember whether everything has fitted. */
struct line {
	char *out;
	size_t len;
};

static void
put(struct line *line, struct span s)
{
	if (s.len > LOCATION_MAX - line->len) {
		line->len = LOCATION_MAX; /* full: what is there is no line */
		return;
	}
	if (s.len > 0)
		memcpy(line->out + line->len, s.ptr, s.len);
	line->len += s.len;
}

static size_t
length(const struct line *line)
{
	return line->len < LOCATION_MAX ? line->len : 0;
}

static struct span
scheme(const struct conf *conf)
{
	bool https = conf->redirect_scheme == SCHEME_AUTO
			 ? conf_has_https(conf)
			 : conf->redirect_scheme == SCHEME_HTTPS;

	return https ? SPAN("https://") : SPAN("http://");
}

/* The path, the query and the end of it. */
static size_t
put_rest(struct line *line, struct span rest)
{
	if (span_eq(rest, SPAN("*"))) /* OPTIONS for the server itself */
		rest = SPAN("");
	if (rest.len == 0 || rest.ptr[0] != '/')
		put(line, SPAN("/"));
	put(line, rest);
	return length(line);
}

size_t
redirect_https(const struct conf *conf, struct span host, struct span raw,
    char out[LOCATION_MAX])
{
	struct line line = { out, 0 };
	char port[8];
	int n;

	put(&line, SPAN("https://"));
	put(&line, host);
	for (size_t i = 0; i < conf->nlisteners; i++)
		if (conf->listeners[i].kind == LISTEN_HTTPS) {
			n = snprintf(port, sizeof(port), ":%u",
			    addr_port(&conf->listeners[i].addr));
			if (addr_port(&conf->listeners[i].addr) != 443)
				put(&line, (struct span){ port, (size_t)n });
			break;
		}
	return put_rest(&line, raw);
}

size_t
redirect_location(const struct conf *conf, struct span label,
    struct span domain, struct span rest, char out[LOCATION_MAX])
{
	struct line line = { out, 0 };

	put(&line, scheme(conf));
	if (label.len > 0) {
		put(&line, label);
		put(&line, SPAN("."));
	}
	put(&line, domain);
	return put_rest(&line, rest);
}

size_t
redirect_slash(const struct http_target *target, char out[LOCATION_MAX])
{
	struct line line = { out, 0 };

	put(&line, target->path);
	put(&line, SPAN("/"));
	put(&line, span_from(target->raw, target->path.len));
	return length(&line);
}

const struct redirect_conf *
redirect_find(const struct conf *conf, struct span host)
{
	const struct redirect_conf *r = conf->redirects;

	for (size_t i = 0; i < conf->nredirects; i++)
		if (!r[i].below && span_eq(host, span_str(r[i].from)))
			return &r[i];
	return NULL;
}

const struct redirect_conf *
redirect_find_below(
    const struct conf *conf, struct span host, struct span *label, size_t *at)
{
	const struct redirect_conf *r = conf->redirects;

	for (size_t i = *at; i < conf->nredirects; i++)
		if (r[i].below &&
		    host_is_label_below(host, span_str(r[i].from), label)) {
			*at = i + 1;
			return &r[i];
		}
	return NULL;
}
