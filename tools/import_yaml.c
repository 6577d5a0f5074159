/* Puppet's settings of the original, as settings and commands of dynproxy's. */
#include <err.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "conf/value.h"
#include "lib/addr.h"
#include "lib/array.h"
#include "tools/import.h"
#include "tools/yamlfile.h"

#define WHY_SIZE 256

struct row {
	const char *key; /* its last part: of profile::toolforge::KEY, too */
	void (*print)(const struct row *row, yaml_document_t *doc,
	    const yaml_node_t *node);
	const char *says; /* the setting, the command, or the comment */
};

/* What is told in two keys. */
static struct {
	const char *host, *port;
} fallback;

void
import_plain(const char *text)
{
	for (const char *c = text; *c != '\0'; c++)
		putchar((unsigned char)*c < ' ' || *c == 0x7f ? '?' : *c);
}

void
import_quote(const char *text)
{
	putchar('"');
	for (const char *c = text; *c != '\0'; c++) {
		if (strchr("\"\\$", *c) != NULL) /* $ is a variable there */
			putchar('\\');
		putchar((unsigned char)*c < ' ' || *c == 0x7f ? '?' : *c);
	}
	putchar('"');
}

/* A text, or a note that it is none; texts are what libyaml says, terminated.
 */
static const char *
text_of(const struct row *row, const yaml_node_t *node)
{
	const char *text = yamlfile_text(node);

	if (text == NULL)
		printf("# %s: it is no single value\n", row->key);
	return text;
}

static void
print_text(const struct row *row, yaml_document_t *doc, const yaml_node_t *node)
{
	const char *text = text_of(row, node);

	(void)doc;
	if (text == NULL)
		return;
	printf("%s = ", row->says);
	import_quote(text);
	putchar('\n');
}

static void
print_rate(const struct row *row, yaml_document_t *doc, const yaml_node_t *node)
{
	const char *text = text_of(row, node);
	uint64_t n;

	(void)doc;
	if (text != NULL && count_parse(&n, text))
		printf("rate_limit = %llu\nrate_burst = %llu\n",
		    (unsigned long long)n, (unsigned long long)(n > 0 ? n : 1));
	else if (text != NULL)
		printf("# %s: it is no number\n", row->key);
}

static void
print_switch(
    const struct row *row, yaml_document_t *doc, const yaml_node_t *node)
{
	const char *text = text_of(row, node);

	(void)doc;
	if (text != NULL)
		printf("%s = %s\n", row->says,
		    strcmp(text, "true") == 0 ? "on" : "off");
}

static void
print_note(const struct row *row, yaml_document_t *doc, const yaml_node_t *node)
{
	const char *text = yamlfile_text(node);

	(void)doc;
	printf("# %s", row->key);
	if (text != NULL) {
		printf(" (");
		import_plain(text);
		putchar(')');
	}
	printf(": %s\n", row->says);
}

static void
keep_host(const struct row *row, yaml_document_t *doc, const yaml_node_t *node)
{
	(void)doc;
	fallback.host = text_of(row, node);
}

static void
keep_port(const struct row *row, yaml_document_t *doc, const yaml_node_t *node)
{
	(void)doc;
	fallback.port = text_of(row, node);
}

/* What dynproxyctl(8) reads from a shell, once dynproxyd runs. */
static void
print_block(
    const struct row *row, yaml_document_t *doc, const yaml_node_t *node)
{
	const char *text = text_of(row, node);

	(void)doc;
	if (text == NULL || *text == '\0')
		return;
	if (strchr(text, '\'') != NULL) {
		printf(
		    "# %s: it has a quote, so enter it yourself: ", row->key);
		import_plain(text);
	} else {
		printf("# run: dynproxyctl block %s '(?i)", row->says);
		import_plain(text);
		putchar('\'');
	}
	putchar('\n');
}

static void
print_ban(const struct row *row, const char *text)
{
	struct cidr network;

	if (text != NULL && cidr_parse(&network, text)) {
		printf("# run: dynproxyctl ban %s\n", text);
		return;
	}
	printf("# %s: this is no network: ", row->key);
	import_plain(text != NULL ? text : "(a list)");
	putchar('\n');
}

static void
print_bans(const struct row *row, yaml_document_t *doc, const yaml_node_t *node)
{
	if (node->type != YAML_SEQUENCE_NODE) {
		print_ban(row, yamlfile_text(node));
		return;
	}
	for (yaml_node_item_t *i = node->data.sequence.items.start;
	     i < node->data.sequence.items.top; i++)
		print_ban(row, yamlfile_text(yaml_document_get_node(doc, *i)));
}

static void
print_list(const struct row *row, yaml_document_t *doc, const yaml_node_t *node)
{
	const char *text, *between = "";

	if (node->type != YAML_SEQUENCE_NODE) {
		print_text(row, doc, node);
		return;
	}
	printf("%s = {", row->says);
	for (yaml_node_item_t *i = node->data.sequence.items.start;
	     i < node->data.sequence.items.top; i++) {
		text = yamlfile_text(yaml_document_get_node(doc, *i));
		if (text == NULL)
			continue;
		printf("%s", between);
		import_quote(text);
		between = ", ";
	}
	puts("}");
}

static const struct row rows[] = {
	{ "web_domain", print_text, "web_domain" },
	{ "rate_limit_requests", print_rate, "" },
	{ "xff_fqdns", print_list, "client_address_for" },
	{ "https_upgrade", print_switch, "https_redirect" },
	{ "k8s_vip_fqdn", keep_host, "" },
	{ "apiserver_fqdn", keep_host, "" },
	{ "k8s_vip_fqdn_port", keep_port, "" },
	{ "ingress_port", keep_port, "" },
	{ "banned_ips", print_bans, "" },
	{ "blocked_user_agent_regex", print_block, "agent" },
	{ "blocked_referer_regex", print_block, "referer" },
	{ "ssl_certificate_name", print_note,
	    "certificate, chain and key in one file of tls_directory" },
	{ "acme_certname", print_note,
	    "certificate, chain and key in one file of tls_directory" },
	{ "proxies", print_note, "each of them may run with this file" },
	{ "active_proxy_host", print_note,
	    "every node takes registrations; redis, or redis_sentinels, names "
	    "the store" },
	{ "redis_maxmemory", print_note, "a setting of Redis, as before" },
	{ "redis_replication", print_note, "a setting of Redis, as before" },
	{ "ssl_settings", print_note, "tls_profile says what is spoken" },
	{ "luahandler", print_note, "not needed" },
	{ "banned_description", print_note,
	    "the page has its own words; contact says whom to ask" },
};

static const char *
last_part(const char *key)
{
	const char *colons;

	while ((colons = strstr(key, "::")) != NULL)
		key = colons + 2;
	return key;
}

/* Files of hiera are full of other things: only what is the proxy's is told. */
static bool
is_of_proxy(const char *key)
{
	return strncmp(key, "dynamicproxy::", 14) == 0 ||
	       strncmp(key, "profile::toolforge::proxy::", 27) == 0;
}

static void
take_setting(yaml_document_t *doc, const char *key, const yaml_node_t *value)
{
	for (size_t i = 0; i < nitems(rows); i++)
		if (strcmp(last_part(key), rows[i].key) == 0) {
			rows[i].print(&rows[i], doc, value);
			return;
		}
	if (is_of_proxy(key)) {
		printf("# ");
		import_plain(key);
		puts(": dynproxy.conf(5) has nothing like it");
	}
}

static void
print_fallback(void)
{
	uint64_t port;

	if (fallback.host == NULL)
		return;
	if (!host_name_valid(fallback.host) ||
	    (fallback.port != NULL && !count_parse(&port, fallback.port))) {
		puts("# the host or port of what is behind is none");
		return;
	}
	printf("default_backend = \"http://%s:%s\"\n", fallback.host,
	    fallback.port != NULL ? fallback.port : "30000");
}

void
import_yaml(const char *path)
{
	char why[WHY_SIZE] = "there is no such file";
	yaml_document_t doc;
	yaml_node_t *root;

	if (yamlfile_read(&doc, AT_FDCWD, path, YAMLFILE_ANYONE, why) !=
	    YAMLFILE_READ)
		errx(1, "%s: %s", path, why);
	printf("\n# --- from ");
	import_plain(path);
	putchar('\n');
	fallback.host = fallback.port = NULL;
	root = yaml_document_get_root_node(&doc);
	for (yaml_node_pair_t *p = root->data.mapping.pairs.start;
	     p < root->data.mapping.pairs.top; p++) {
		const char *key =
		    yamlfile_text(yaml_document_get_node(&doc, p->key));

		if (key != NULL)
			take_setting(
			    &doc, key, yaml_document_get_node(&doc, p->value));
	}
	print_fallback();
	yaml_document_delete(&doc);
}
