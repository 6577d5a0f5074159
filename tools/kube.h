/* The Kubernetes API, as far as a service account of a tool needs it. */
#ifndef TOOLS_KUBE_H
#define TOOLS_KUBE_H

#include <jansson.h>

#include "tools/fetch.h"

#define KUBE_WHY_MAX 256

/* Whom to ask, and as whom: from a kubeconfig file or a service account. */
struct kube {
	char server[512];    /* URL without a slash at its end */
	char namespace[128]; /* of the context; may be empty */
	char token[4096];    /* empty: none */
	char ca_file[512], cert_file[512], key_file[512]; /* empty: none */
	struct buf ca_pem, cert_pem, key_pem; /* owned; in place of files */
};

/*
 * Read a kubeconfig file's current context.  False: why (KUBE_WHY_MAX bytes).
 *
 * path   NULL: $KUBECONFIG, else ~/.kube/config of home
 */
bool kube_read_config(
    struct kube *k, const char *path, const char *home, char *why);
void kube_release(struct kube *k);

/* The resources that we know, with their API group. */
enum kube_kind {
	KUBE_CONFIGMAPS,
	KUBE_DEPLOYMENTS,
	KUBE_ENDPOINTSLICES,
	KUBE_INGRESSES,
	KUBE_PODS,
	KUBE_REPLICASETS,
	KUBE_SERVICES,
};

/* "services", as in its URL. */
const char *kube_kind_name(enum kube_kind kind);

struct kube_call {
	const char *method; /* NULL: GET */
	enum kube_kind kind;
	const char *namespace; /* NULL: that of the context; "": all */
	const char *name;      /* of one object; NULL: all of them */
	const char *sub;       /* "log"; NULL: none */
	const char *query;     /* encoded, without "?"; NULL: none */
	const json_t *body;    /* NULL: none */
};

/* The URL of a call.  False: too long. */
bool kube_url(
    const struct kube *k, const struct kube_call *call, char *url, size_t size);

/*
 * Make a call.  Returns the status, with *answer the JSON of a 2xx one (the
 * caller's to json_decref(), NULL if it has none); -1, or a status of 400 and
 * more: why says what was wrong, as the server put it.
 */
int kube_ask(const struct kube *k, const struct kube_call *call,
    json_t **answer, char *why);

/* What fetch() presents and trusts for this server; points into k. */
struct fetch_tls kube_tls(const struct kube *k);

#endif
