/* Reads, keeps and writes the values of each type of setting. */
#include "conf/type.h"

#include <assert.h>
#include <bsd/stdlib.h>
#include <bsd/string.h>

#include "conf/directives.h"
#include "conf/value.h"

static void *
place(const struct conf *conf, const struct directive *d)
{
	return (char *)conf + d->at;
}

static void
clear_nothing(struct conf *conf, const struct directive *d)
{
	(void)conf;
	(void)d;
}

static size_t
count_one(const struct conf *conf, const struct directive *d)
{
	(void)conf;
	(void)d;
	return 1;
}

void
type_print_text(const char *text, FILE *out)
{
	for (; *text != '\0'; text++) {
		if (*text == '\n') {
			fputs("\\n", out);
			continue;
		}
		if (strchr("\"\\$", *text) != NULL)
			putc('\\', out);
		putc(*text, out);
	}
}

/* Numbers: their members have different widths. */

static void
store_number(struct conf *conf, const struct directive *d, uint64_t n)
{
	uint16_t n16 = (uint16_t)n;
	uint32_t n32 = (uint32_t)n;

	assert(d->size == 2 || d->size == 4 || d->size == 8);
	memcpy(place(conf, d),
	    d->size == 2   ? (void *)&n16
	    : d->size == 4 ? (void *)&n32
			   : (void *)&n,
	    d->size);
}

static uint64_t
load_number(const struct conf *conf, const struct directive *d)
{
	uint64_t n64;
	uint32_t n32;
	uint16_t n16;

	switch (d->size) {
	case 2:
		memcpy(&n16, place(conf, d), sizeof(n16));
		return n16;
	case 4:
		memcpy(&n32, place(conf, d), sizeof(n32));
		return n32;
	default:
		memcpy(&n64, place(conf, d), sizeof(n64));
		return n64;
	}
}

static enum set_result
set_number(
    struct conf *conf, const struct directive *d, bool parsed, uint64_t n)
{
	if (!parsed)
		return SET_MALFORMED;
	if (n < d->min)
		return SET_BELOW;
	if (n > d->max)
		return SET_ABOVE;
	store_number(conf, d, n);
	return SET_DONE;
}

static enum set_result
set_count(struct conf *conf, const struct directive *d, const char *text)
{
	uint64_t n = 0;
	bool parsed = count_parse(&n, text);

	return set_number(conf, d, parsed, n);
}

static enum set_result
set_duration(struct conf *conf, const struct directive *d, const char *text)
{
	uint64_t ms = 0;
	bool parsed = duration_parse(&ms, text);

	return set_number(conf, d, parsed, ms);
}

static enum set_result
set_size(struct conf *conf, const struct directive *d, const char *text)
{
	uint64_t bytes = 0;
	bool parsed = size_parse(&bytes, text);

	return set_number(conf, d, parsed, bytes);
}

static void
print_number(
    const struct conf *conf, const struct directive *d, size_t at, FILE *out)
{
	char text[VALUE_TEXT_MAX];

	(void)at;
	fputs(d->type->format(load_number(conf, d), text), out);
}

/* Words. */

static enum set_result
set_choice(struct conf *conf, const struct directive *d, const char *text)
{
	for (const struct choice *c = d->choices; c->name != NULL; c++)
		if (strcmp(c->name, text) == 0) {
			store_number(conf, d, (uint64_t)c->value);
			return SET_DONE;
		}
	return SET_MALFORMED;
}

static void
print_choice(
    const struct conf *conf, const struct directive *d, size_t at, FILE *out)
{
	const struct choice *c = d->choices;
	int value = (int)load_number(conf, d);

	(void)at;
	while (c->name != NULL && c->value != value)
		c++;
	assert(c->name != NULL);
	fputs(c->name, out);
}

/* Strings. */

static void
clear_string(struct conf *conf, const struct directive *d)
{
	char **string = place(conf, d);

	free(*string);
	*string = NULL;
}

static enum set_result
set_string(struct conf *conf, const struct directive *d, const char *text)
{
	size_t len = strlen(text);
	char *copy;

	if (len < d->min || len > d->max)
		return SET_MALFORMED;
	copy = strdup(text);
	if (copy == NULL)
		return SET_NO_MEMORY;
	clear_string(conf, d);
	*(char **)place(conf, d) = copy;
	return SET_DONE;
}

static void
print_string(
    const struct conf *conf, const struct directive *d, size_t at, FILE *out)
{
	(void)at;
	type_print_text(*(char **)place(conf, d), out);
}

/* Paths. */

#define NO_PATH "off" /* "" in memory, and also read */

static enum set_result
set_path(struct conf *conf, const struct directive *d, const char *text)
{
	if (d->min == 0 && strcmp(text, NO_PATH) == 0)
		text = "";
	return text[0] == '/' || (text[0] == '\0' && d->min == 0)
		   ? set_string(conf, d, text)
		   : SET_MALFORMED;
}

static void
print_path(
    const struct conf *conf, const struct directive *d, size_t at, FILE *out)
{
	const char *path = *(char **)place(conf, d);

	(void)at;
	type_print_text(path[0] == '\0' ? NO_PATH : path, out);
}

/*
 * What a file of its own holds, up to its first newline: read when the
 * setting is, so that what children get needs no file.
 */
#define SECRET_FILE "file:"
#define SECRET_MAX 512

static enum set_result
set_secret(struct conf *conf, const struct directive *d, const char *text)
{
	char secret[SECRET_MAX + 2];
	FILE *file;
	bool got;

	if (strncmp(text, SECRET_FILE, strlen(SECRET_FILE)) != 0)
		return set_string(conf, d, text);
	file = fopen(text + strlen(SECRET_FILE), "re");
	if (file == NULL)
		return SET_MALFORMED;
	got = fgets(secret, sizeof(secret), file) != NULL;
	fclose(file);
	if (!got || strncmp(secret, SECRET_FILE, strlen(SECRET_FILE)) == 0)
		return SET_MALFORMED; /* a child would look for another file */
	secret[strcspn(secret, "\n")] = '\0';
	return set_string(conf, d, secret);
}

/* One address, or none. */

static enum set_result
set_address(struct conf *conf, const struct directive *d, const char *text)
{
	struct addr addr = { .len = 0 };

	if (strcmp(text, "none") != 0 && !addr_parse(&addr, text))
		return SET_MALFORMED;
	memcpy(place(conf, d), &addr, sizeof(addr));
	return SET_DONE;
}

static void
print_address(
    const struct conf *conf, const struct directive *d, size_t at, FILE *out)
{
	const struct addr *addr = place(conf, d);
	char text[ADDR_TEXT_MAX];

	(void)at;
	type_print_text(addr->len == 0 ? "none" : addr_format(addr, text), out);
}

/* Lists: an array and, elsewhere, the number of its elements. */

static size_t *
list_count(const struct conf *conf, const struct directive *d)
{
	return (size_t *)((char *)conf + d->count_at);
}

static size_t
count_list(const struct conf *conf, const struct directive *d)
{
	return *list_count(conf, d);
}

static void
clear_list(struct conf *conf, const struct directive *d)
{
	void **array = place(conf, d);

	free(*array);
	*array = NULL;
	*list_count(conf, d) = 0;
}

/* Room for one more at the end of a list.  NULL: no memory. */
static void *
append(struct conf *conf, const struct directive *d, size_t size)
{
	void **array = place(conf, d);
	size_t *n = list_count(conf, d);
	char *grown = reallocarray(*array, *n + 1, size);

	if (grown == NULL)
		return NULL;
	*array = grown;
	return grown + (*n)++ * size;
}

static void
clear_hosts(struct conf *conf, const struct directive *d)
{
	char **hosts = *(char ***)place(conf, d);

	for (size_t i = 0; i < count_list(conf, d); i++)
		free(hosts[i]);
	clear_list(conf, d);
}

static enum set_result
set_host(struct conf *conf, const struct directive *d, const char *text)
{
	char *host, **to;

	if (!host_name_valid(text))
		return SET_MALFORMED;
	host = strdup(text);
	to = host == NULL ? NULL : append(conf, d, sizeof(*to));
	if (to == NULL) {
		free(host);
		return SET_NO_MEMORY;
	}
	*to = host;
	return SET_DONE;
}

static void
print_host(
    const struct conf *conf, const struct directive *d, size_t at, FILE *out)
{
	type_print_text((*(char ***)place(conf, d))[at], out);
}

static enum set_result
set_one_address(struct conf *conf, const struct directive *d, const char *text)
{
	struct addr addr = { .len = 0 }, *to;

	if (!addr_parse(&addr, text))
		return SET_MALFORMED;
	if (count_list(conf, d) >= d->max)
		return SET_ABOVE;
	to = append(conf, d, sizeof(*to));
	if (to == NULL)
		return SET_NO_MEMORY;
	*to = addr;
	return SET_DONE;
}

static void
print_one_address(
    const struct conf *conf, const struct directive *d, size_t at, FILE *out)
{
	char text[ADDR_TEXT_MAX];

	type_print_text(
	    addr_format(*(struct addr **)place(conf, d) + at, text), out);
}

static enum set_result
set_network(struct conf *conf, const struct directive *d, const char *text)
{
	struct cidr cidr, *to;

	if (!cidr_parse(&cidr, text))
		return SET_MALFORMED;
	to = append(conf, d, sizeof(*to));
	if (to == NULL)
		return SET_NO_MEMORY;
	*to = cidr;
	return SET_DONE;
}

static void
print_network(
    const struct conf *conf, const struct directive *d, size_t at, FILE *out)
{
	const struct cidr *cidr = *(struct cidr **)place(conf, d) + at;
	char ip[INET6_ADDRSTRLEN];

	fprintf(out, "%s/%u", ip_format(&cidr->ip, ip), cidr->bits);
}

/* "1000:hello" */
static enum set_result
set_local_tool(struct conf *conf, const struct directive *d, const char *text)
{
	const char *colon = strchr(text, ':');
	struct local_tool *to;
	char number[16];
	uint64_t uid;

	if (colon == NULL || (size_t)(colon - text) >= sizeof(number))
		return SET_MALFORMED;
	strlcpy(number, text, (size_t)(colon - text) + 1);
	if (!count_parse(&uid, number) || uid >= UINT32_MAX ||
	    !tool_name_valid(colon + 1))
		return SET_MALFORMED;
	to = append(conf, d, sizeof(*to));
	if (to == NULL)
		return SET_NO_MEMORY;
	to->uid = (uid_t)uid;
	strlcpy(to->name, colon + 1, sizeof(to->name)); /* was measured */
	return SET_DONE;
}

static void
print_local_tool(
    const struct conf *conf, const struct directive *d, size_t at, FILE *out)
{
	const struct local_tool *tool =
	    *(struct local_tool **)place(conf, d) + at;

	fprintf(out, "%u:%s", tool->uid, tool->name);
}

#define NUMBER clear_nothing, count_one, print_number
#define STRING clear_string, count_one, print_string, NULL

const struct type type_count = { "number", "a whole number, as in 100", false,
	false, set_count, NUMBER, count_format };
const struct type type_port = { "port", "a number from 1 to 65535", false,
	false, set_count, NUMBER, count_format };
const struct type type_duration = { "duration", "2s, 500ms, 5m, 1h or 1d",
	false, false, set_duration, NUMBER, duration_format };
const struct type type_size = { "size", "512b, 8k, 128m or 1g", false, false,
	set_size, NUMBER, size_format };

const struct type type_choice = { "word known here", NULL, false, false,
	set_choice, clear_nothing, count_one, print_choice, NULL };
const struct type type_string = { "text of the right length", NULL, false, true,
	set_string, STRING };
const struct type type_secret = { "text of the right length, or file of one",
	"at most 512 bytes, or \"file:/a/path\"", false, true, set_secret,
	STRING };
const struct type type_path = { "absolute path", "\"/a/path\"", false, true,
	set_path, clear_string, count_one, print_path, NULL };
const struct type type_address = { "address",
	"\"127.0.0.1:6379\", \"[::1]:6379\", \"/run/a.sock\" or none", false,
	true, set_address, clear_nothing, count_one, print_address, NULL };

const struct type type_addresses = { "address",
	"\"127.0.0.1:26379\", \"[::1]:26379\" or \"/run/a.sock\"", true, true,
	set_one_address, clear_list, count_list, print_one_address, NULL };

const struct type type_hosts = { "host name",
	"a-z, 0-9, - and dots, as in toolforge.org", true, true, set_host,
	clear_hosts, count_list, print_host, NULL };
const struct type type_networks = { "network",
	"10.0.0.0/8, fc00::/7 or one address, host bits zero", true, true,
	set_network, clear_list, count_list, print_network, NULL };
const struct type type_local_tools = { "local tool",
	"\"UID:NAME\", as in \"1000:hello\"", true, true, set_local_tool,
	clear_list, count_list, print_local_tool, NULL };
