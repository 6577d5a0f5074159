/* The types of settings that say what responses have: header fields. */
#include <bsd/stdlib.h>
#include <bsd/string.h>
#include <ctype.h>

#include "conf/directives.h"
#include "conf/type.h"
#include "conf/value.h"
#include "lib/array.h"

static const struct {
	enum header_action action;
	const char *word; /* the field follows */
	bool valued;
} actions[] = {
	{ HEADER_SET, "set ", true },
	{ HEADER_DEFAULT, "default ", true },
	{ HEADER_REMOVE, "remove ", false },
};

/* RFC 9110 section 5.1 */
static bool
name_valid(const char *name, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (!isalnum((unsigned char)name[i]) &&
		    strchr("!#$%&'*+-.^_`|~", name[i]) == NULL)
			return false;
	return len > 0 && len <= HEADER_NAME_MAX;
}

/* Printable, blanks inside only. */
static bool
value_valid(const char *value)
{
	size_t len = strlen(value);

	for (size_t i = 0; i < len; i++)
		if ((unsigned char)value[i] < ' ' || value[i] == 0x7f)
			return false;
	return len == 0 || (value[0] != ' ' && value[len - 1] != ' ');
}

/* What says how long a message is, or is for the next connection only. */
static bool
is_framing(const char *name)
{
	static const char *const names[] = { "connection", "content-length",
		"content-encoding", "date", "keep-alive", "te", "trailer",
		"transfer-encoding", "upgrade" };

	for (size_t i = 0; i < nitems(names); i++)
		if (strcasecmp(name, names[i]) == 0)
			return true;
	return false;
}

static size_t
count_headers(const struct conf *conf, const struct directive *d)
{
	(void)d;
	return conf->nresponse_headers;
}

static void
free_header(struct response_header *h)
{
	free(h->zone);
	free(h->name);
	free(h->value);
}

static void
clear_headers(struct conf *conf, const struct directive *d)
{
	(void)d;
	for (size_t i = 0; i < conf->nresponse_headers; i++)
		free_header(&conf->response_headers[i]);
	free(conf->response_headers);
	conf->response_headers = NULL;
	conf->nresponse_headers = 0;
}

/* Takes the strings of h. */
static enum set_result
append(struct conf *conf, struct response_header *h)
{
	struct response_header *grown = reallocarray(conf->response_headers,
	    conf->nresponse_headers + 1, sizeof(*grown));

	if (grown != NULL)
		conf->response_headers = grown;
	if (grown == NULL || h->zone == NULL || h->name == NULL ||
	    h->value == NULL) {
		free_header(h);
		return SET_NO_MEMORY;
	}
	grown[conf->nresponse_headers++] = *h;
	return SET_DONE;
}

/* "for ZONE " before it; moves text behind it. */
static char *
take_zone(const char **text)
{
	char zone[HOST_TEXT_MAX + 1];
	const char *end;
	size_t len;

	if (strncmp(*text, "for ", 4) != 0)
		return strdup("");
	end = strchr(*text + 4, ' ');
	len = end == NULL ? 0 : (size_t)(end - *text - 4);
	if (len == 0 || len >= sizeof(zone))
		return NULL;
	strlcpy(zone, *text + 4, len + 1);
	*text = end + 1;
	return host_name_valid(zone) ? strdup(zone) : NULL;
}

/* "NAME: VALUE", or "NAME". */
static bool
take_field(const char *text, bool valued, struct response_header *h)
{
	size_t len = strcspn(text, ":");
	const char *value = "";

	if (valued != (text[len] == ':') || !name_valid(text, len))
		return false;
	if (valued)
		value = text + len + 1 + strspn(text + len + 1, " ");
	if (!value_valid(value) || valued == (*value == '\0') ||
	    strlen(value) > HEADER_VALUE_MAX)
		return false;
	h->name = strndup(text, len);
	h->value = strdup(value);
	return h->name == NULL || !is_framing(h->name);
}

/* "[for ZONE] set NAME: VALUE" and its like. */
static enum set_result
set_header(struct conf *conf, const struct directive *d, const char *text)
{
	struct response_header h = { .zone = take_zone(&text) };

	if (conf->nresponse_headers == d->max) {
		free_header(&h);
		return SET_ABOVE;
	}
	for (size_t i = 0; i < nitems(actions); i++) {
		size_t len = strlen(actions[i].word);

		if (h.zone == NULL || strncmp(text, actions[i].word, len) != 0)
			continue;
		h.action = actions[i].action;
		if (!take_field(text + len, actions[i].valued, &h))
			break;
		return append(conf, &h);
	}
	free_header(&h);
	return SET_MALFORMED;
}

static void
print_header(
    const struct conf *conf, const struct directive *d, size_t at, FILE *out)
{
	const struct response_header *h = &conf->response_headers[at];

	(void)d;
	if (*h->zone != '\0')
		fprintf(out, "for %s ", h->zone);
	fputs(actions[h->action].word, out);
	type_print_text(h->name, out);
	if (actions[h->action].valued) {
		fputs(": ", out);
		type_print_text(h->value, out);
	}
}

/* A field's value by itself: text without control characters. */
static enum set_result
set_value(struct conf *conf, const struct directive *d, const char *text)
{
	return value_valid(text) ? type_string.set(conf, d, text)
				 : SET_MALFORMED;
}

static void
clear_value(struct conf *conf, const struct directive *d)
{
	type_string.clear(conf, d);
}

static size_t
count_value(const struct conf *conf, const struct directive *d)
{
	return type_string.count(conf, d);
}

static void
print_value(
    const struct conf *conf, const struct directive *d, size_t at, FILE *out)
{
	type_string.print(conf, d, at, out);
}

const struct type type_response_headers = { "header rule",
	"\"set NAME: VALUE\", \"default NAME: VALUE\" or \"remove NAME\", "
	"perhaps behind \"for ZONE \"",
	true, true, set_header, clear_headers, count_headers, print_header,
	count_format };
const struct type type_header_value = { "field value",
	"printable text, or \"\" for none", false, true, set_value, clear_value,
	count_value, print_value, NULL };
