/* Reads kubeconfig files: current context, its cluster, its user. */
#include <bsd/string.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <stdlib.h>

#include "tools/kube.h"
#include "tools/yamlfile.h"

#define PEM_MAX (64 * 1024)

/* doc's list `lists`: the element of this name, and in it the mapping `one`. */
static yaml_node_t *
named(
    yaml_document_t *doc, const char *lists, const char *name, const char *one)
{
	yaml_node_t *list =
	    yamlfile_get(doc, yaml_document_get_root_node(doc), lists);
	yaml_node_t *element;
	const char *text;

	if (list == NULL || list->type != YAML_SEQUENCE_NODE || name == NULL)
		return NULL;
	for (yaml_node_item_t *i = list->data.sequence.items.start;
	     i < list->data.sequence.items.top; i++) {
		element = yaml_document_get_node(doc, *i);
		text = yamlfile_text(yamlfile_get(doc, element, "name"));
		if (text != NULL && strcmp(text, name) == 0)
			return yamlfile_get(doc, element, one);
	}
	return NULL;
}

/* Copy a text, if it is there.  False: it does not fit. */
static bool
copy(yaml_document_t *doc, yaml_node_t *from, const char *key, char *to,
    size_t size)
{
	const char *text = yamlfile_text(yamlfile_get(doc, from, key));

	to[0] = '\0';
	return text == NULL || strlcpy(to, text, size) < size;
}

/* The same for a file's name, which is relative to the kubeconfig. */
static bool
copy_path(yaml_document_t *doc, yaml_node_t *from, const char *key,
    const char *config, char *to, size_t size)
{
	const char *text = yamlfile_text(yamlfile_get(doc, from, key));
	const char *slash = strrchr(config, '/');
	int n;

	to[0] = '\0';
	if (text == NULL)
		return true;
	if (text[0] == '/' || slash == NULL)
		return strlcpy(to, text, size) < size;
	n = snprintf(to, size, "%.*s/%s", (int)(slash - config), config, text);
	return n >= 0 && (size_t)n < size;
}

/* Data in base64, RFC 4648 section 4. */
static bool
copy_data(
    yaml_document_t *doc, yaml_node_t *from, const char *key, struct buf *to)
{
	const char *text = yamlfile_text(yamlfile_get(doc, from, key));
	size_t len, padding = 0;
	int n;

	buf_init(to, PEM_MAX);
	if (text == NULL)
		return true;
	len = strlen(text);
	while (padding < 2 && len > padding && text[len - 1 - padding] == '=')
		padding++;
	if (len > PEM_MAX || !buf_reserve(to, len))
		return false;
	n = EVP_DecodeBlock(
	    (unsigned char *)to->data, (const unsigned char *)text, (int)len);
	if (n < 0 || (size_t)n < padding)
		return false;
	to->tail = (size_t)n - padding;
	return true;
}

static bool
read_context(struct kube *k, yaml_document_t *doc, const char *path, char *why)
{
	const char *current = yamlfile_text(yamlfile_get(
	    doc, yaml_document_get_root_node(doc), "current-context"));
	yaml_node_t *context = named(doc, "contexts", current, "context");
	yaml_node_t *cluster = named(doc, "clusters",
	    yamlfile_text(yamlfile_get(doc, context, "cluster")), "cluster");
	yaml_node_t *user = named(doc, "users",
	    yamlfile_text(yamlfile_get(doc, context, "user")), "user");

	if (context == NULL || cluster == NULL || user == NULL) {
		strlcpy(why, "it has no current context with cluster and user",
		    KUBE_WHY_MAX);
		return false;
	}
	if (copy(doc, cluster, "server", k->server, sizeof(k->server)) &&
	    copy(doc, context, "namespace", k->namespace,
		sizeof(k->namespace)) &&
	    copy(doc, user, "token", k->token, sizeof(k->token)) &&
	    copy_path(doc, cluster, "certificate-authority", path, k->ca_file,
		sizeof(k->ca_file)) &&
	    copy_path(doc, user, "client-certificate", path, k->cert_file,
		sizeof(k->cert_file)) &&
	    copy_path(doc, user, "client-key", path, k->key_file,
		sizeof(k->key_file)) &&
	    copy_data(doc, cluster, "certificate-authority-data", &k->ca_pem) &&
	    copy_data(doc, user, "client-certificate-data", &k->cert_pem) &&
	    copy_data(doc, user, "client-key-data", &k->key_pem) &&
	    k->server[0] != '\0')
		return true;
	strlcpy(why, "its server, names or data are missing, bad or too long",
	    KUBE_WHY_MAX);
	return false;
}

bool
kube_read_config(struct kube *k, const char *path, const char *home, char *why)
{
	char place[512], wrong[KUBE_WHY_MAX];
	yaml_document_t doc;
	bool read = false;

	memset(k, 0, sizeof(*k));
	if (path == NULL)
		path = getenv("KUBECONFIG");
	if (path == NULL) {
		snprintf(place, sizeof(place), "%s/.kube/config", home);
		path = place;
	}
	if (yamlfile_read(&doc, AT_FDCWD, path, YAMLFILE_ANYONE, wrong) ==
	    YAMLFILE_READ) {
		read = read_context(k, &doc, path, wrong);
		yaml_document_delete(&doc);
	}
	if (read)
		return true;
	snprintf(why, KUBE_WHY_MAX, "%.100s: %.140s", path, wrong);
	kube_release(k);
	return false;
}

void
kube_release(struct kube *k)
{
	buf_release(&k->ca_pem);
	buf_release(&k->cert_pem);
	buf_release(&k->key_pem);
}
