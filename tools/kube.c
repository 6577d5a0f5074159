/* Asks a Kubernetes API server. */
#include "tools/kube.h"

#include <bsd/string.h>

#define ANSWER_MAX (16 * 1024 * 1024)
#define ANSWER_MS 10000

static const struct {
	const char *group; /* and version */
	const char *name;
} kinds[] = {
	[KUBE_CONFIGMAPS] = { "api/v1", "configmaps" },
	[KUBE_DEPLOYMENTS] = { "apis/apps/v1", "deployments" },
	[KUBE_ENDPOINTSLICES] = { "apis/discovery.k8s.io/v1",
	    "endpointslices" },
	[KUBE_INGRESSES] = { "apis/networking.k8s.io/v1", "ingresses" },
	[KUBE_PODS] = { "api/v1", "pods" },
	[KUBE_REPLICASETS] = { "apis/apps/v1", "replicasets" },
	[KUBE_SERVICES] = { "api/v1", "services" },
};

const char *
kube_kind_name(enum kube_kind kind)
{
	return kinds[kind].name;
}

static const char *
or_empty(const char *text)
{
	return text == NULL ? "" : text;
}

bool
kube_url(
    const struct kube *k, const struct kube_call *call, char *url, size_t size)
{
	const char *ns =
	    call->namespace != NULL ? call->namespace : k->namespace;
	int n = snprintf(url, size, "%s/%s/%s%s%s%s%s%s%s%s%s%s", k->server,
	    kinds[call->kind].group, *ns != '\0' ? "namespaces/" : "", ns,
	    *ns != '\0' ? "/" : "", kinds[call->kind].name,
	    call->name != NULL ? "/" : "", or_empty(call->name),
	    call->sub != NULL ? "/" : "", or_empty(call->sub),
	    call->query != NULL ? "?" : "", or_empty(call->query));

	return n >= 0 && (size_t)n < size;
}

static const char *
or_null(const char *text)
{
	return text[0] == '\0' ? NULL : text;
}

struct fetch_tls
kube_tls(const struct kube *k)
{
	return (struct fetch_tls){ .ca_file = or_null(k->ca_file),
		.cert_file = or_null(k->cert_file),
		.key_file = or_null(k->key_file),
		.ca_pem = buf_span(&k->ca_pem),
		.cert_pem = buf_span(&k->cert_pem),
		.key_pem = buf_span(&k->key_pem) };
}

/* What the server says is wrong: a Status object, or its first words. */
static void
tell_why(int status, struct span body, const json_t *answer, char *why)
{
	const char *message = NULL;

	if (json_unpack((json_t *)answer, "{s:s}", "message", &message) == 0)
		snprintf(why, KUBE_WHY_MAX, "%.200s (%d)", message, status);
	else
		snprintf(why, KUBE_WHY_MAX, "the API server answers %d %.*s",
		    status, (int)(body.len < 100 ? body.len : 100), body.ptr);
}

int
kube_ask(const struct kube *k, const struct kube_call *call, json_t **answer,
    char *why)
{
	struct fetch_tls tls = kube_tls(k);
	char url[2048];
	char *body = NULL;
	struct buf bytes;
	int status;

	*answer = NULL;
	if (!kube_url(k, call, url, sizeof(url))) {
		strlcpy(why, "the names are too long", KUBE_WHY_MAX);
		return -1;
	}
	if (call->body != NULL)
		body = json_dumps(call->body, JSON_COMPACT);
	buf_init(&bytes, ANSWER_MAX);
	status = fetch(&(struct fetch){ .method = call->method,
			   .url = url,
			   .bearer = or_null(k->token),
			   .body = body,
			   .timeout_ms = ANSWER_MS,
			   .tls = &tls },
	    &bytes, why);
	if (status != -1)
		*answer =
		    json_loadb(buf_span(&bytes).ptr, buf_len(&bytes), 0, NULL);
	if (status >= 400) {
		tell_why(status, buf_span(&bytes), *answer, why);
		json_decref(*answer);
		*answer = NULL;
	}
	buf_release(&bytes);
	free(body);
	return status;
}
