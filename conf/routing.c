/* The types of settings that say where requests go: redirects, defaults. */
#include <bsd/stdlib.h>
#include <bsd/string.h>

#include "conf/directives.h"
#include "conf/type.h"
#include "conf/value.h"
#include "lib/array.h"

#define REDIRECT_TEXT_MAX 600 /* two names and a status, and blanks */
#define REDIRECT_WORDS 3

static size_t
count_redirects(const struct conf *conf, const struct directive *d)
{
	(void)d;
	return conf->nredirects;
}

static void
clear_redirects(struct conf *conf, const struct directive *d)
{
	(void)d;
	for (size_t i = 0; i < conf->nredirects; i++) {
		free(conf->redirects[i].from);
		free(conf->redirects[i].to);
	}
	free(conf->redirects);
	conf->redirects = NULL;
	conf->nredirects = 0;
}

/* Names that clients ask for may have underscores, whatever RFC 1123 says. */
static bool
asked_name_valid(const char *name)
{
	char strict[HOST_TEXT_MAX + 1];

	if (strlcpy(strict, name, sizeof(strict)) >= sizeof(strict))
		return false;
	for (char *p = strict; *p != '\0'; p++)
		if (*p == '_')
			*p = 'x';
	return host_name_valid(strict);
}

/* Take "*." off both names, or off none. */
static bool
take_stars(char **from, char **to, bool *below)
{
	*below = strncmp(*from, "*.", 2) == 0;
	if (*below != (strncmp(*to, "*.", 2) == 0))
		return false;
	if (*below) {
		*from += 2;
		*to += 2;
	}
	return true;
}

static bool
take_status(const char *text, uint16_t *status)
{
	static const uint16_t known[] = { 301, 302, 307, 308 };
	uint64_t n;

	if (!count_parse(&n, text))
		return false;
	for (size_t i = 0; i < nitems(known); i++)
		if (n == known[i]) {
			*status = known[i];
			return true;
		}
	return false;
}

static enum set_result
add_redirect(struct conf *conf, const char *from, const char *to,
    uint16_t status, bool below)
{
	struct redirect_conf r = { strdup(from), strdup(to), status, below };
	struct redirect_conf *grown;

	grown =
	    reallocarray(conf->redirects, conf->nredirects + 1, sizeof(*grown));
	if (grown != NULL)
		conf->redirects = grown;
	if (grown == NULL || r.from == NULL || r.to == NULL) {
		free(r.from);
		free(r.to);
		return SET_NO_MEMORY;
	}
	grown[conf->nredirects++] = r;
	return SET_DONE;
}

/* "FROM TO" or "FROM TO STATUS" */
static enum set_result
set_redirect(struct conf *conf, const struct directive *d, const char *text)
{
	char copy[REDIRECT_TEXT_MAX], *rest = copy, *word;
	char *words[REDIRECT_WORDS] = { NULL };
	uint16_t status = 301;
	bool below;
	size_t n = 0;

	(void)d;
	if (strlcpy(copy, text, sizeof(copy)) >= sizeof(copy))
		return SET_MALFORMED;
	while ((word = strsep(&rest, " \t")) != NULL) {
		if (*word == '\0')
			continue;
		if (n == REDIRECT_WORDS)
			return SET_MALFORMED;
		words[n++] = word;
	}
	if (n < 2 || !take_stars(&words[0], &words[1], &below) ||
	    !asked_name_valid(words[0]) || !host_name_valid(words[1]) ||
	    (n == 3 && !take_status(words[2], &status)))
		return SET_MALFORMED;
	return add_redirect(conf, words[0], words[1], status, below);
}

static void
print_redirect(
    const struct conf *conf, const struct directive *d, size_t at, FILE *out)
{
	const struct redirect_conf *r = &conf->redirects[at];
	const char *star = r->below ? "*." : "";

	(void)d;
	fprintf(out, "%s%s %s%s %u", star, r->from, star, r->to, r->status);
}

/* Default backends. */

static size_t
count_backends(const struct conf *conf, const struct directive *d)
{
	(void)d;
	return conf->ndefault_backends;
}

static void
clear_backends(struct conf *conf, const struct directive *d)
{
	(void)d;
	free(conf->default_backends);
	conf->default_backends = NULL;
	conf->ndefault_backends = 0;
}

/* ":<port>" up to the end, perhaps with a slash. */
static bool
take_port(const char *text, uint16_t *port)
{
	size_t n = strspn(text, ":0123456789");
	char digits[8];
	uint64_t value;

	if (text[0] != ':' || n > sizeof(digits) ||
	    (text[n] != '\0' && strcmp(text + n, "/") != 0))
		return false;
	strlcpy(digits, text + 1, n);
	if (!count_parse(&value, digits) || value == 0 || value > UINT16_MAX)
		return false;
	*port = (uint16_t)value;
	return true;
}

/* "http://10.0.0.1:8080", "https://[fd00::1]:443", "http://a.example:80" */
static bool
backend_parse(const char *text, struct default_backend *b)
{
	bool bracket;
	const char *end;
	size_t len;

	*b = (struct default_backend){ .https = false };
	if (strncmp(text, "https://", 8) == 0)
		b->https = true;
	else if (strncmp(text, "http://", 7) != 0)
		return false;
	text += b->https ? 8 : 7;
	bracket = *text == '[';
	text += bracket;
	end = strchr(text, bracket ? ']' : ':');
	len = end == NULL ? 0 : (size_t)(end - text);
	if (len == 0 || len >= sizeof(b->host) ||
	    !take_port(end + bracket, &b->port))
		return false;
	if (ip_parse(&b->ip, (struct span){ text, len }))
		return bracket == (b->ip.family == AF_INET6);
	b->ip.family = AF_UNSPEC;
	strlcpy(b->host, text, len + 1);
	return !bracket && host_name_valid(b->host);
}

static enum set_result
set_backend(struct conf *conf, const struct directive *d, const char *text)
{
	struct default_backend *grown, b;

	if (!backend_parse(text, &b))
		return SET_MALFORMED;
	if (conf->ndefault_backends == d->max)
		return SET_ABOVE;
	grown = reallocarray(
	    conf->default_backends, conf->ndefault_backends + 1, sizeof(b));
	if (grown == NULL)
		return SET_NO_MEMORY;
	conf->default_backends = grown;
	grown[conf->ndefault_backends++] = b;
	return SET_DONE;
}

static void
print_backend(
    const struct conf *conf, const struct directive *d, size_t at, FILE *out)
{
	const struct default_backend *b = &conf->default_backends[at];
	char text[INET6_ADDRSTRLEN];
	const char *host = b->host;
	bool bracket = b->ip.family == AF_INET6;

	(void)d;
	if (b->ip.family != AF_UNSPEC)
		host = ip_format(&b->ip, text);
	fprintf(out, "http%s://%s%s%s:%u", b->https ? "s" : "",
	    bracket ? "[" : "", host, bracket ? "]" : "", b->port);
}

const struct type type_redirects = { "redirect",
	"\"FROM TO\" or \"*.FROM *.TO\", both host names, and perhaps 301, "
	"302, 307 or 308",
	true, true, set_redirect, clear_redirects, count_redirects,
	print_redirect, NULL };
const struct type type_default_backends = { "default backend",
	"\"http://10.0.0.1:8080\", \"http://[fd00::1]:8080\" or "
	"\"http://a.example:8080\"",
	true, true, set_backend, clear_backends, count_backends, print_backend,
	count_format };
