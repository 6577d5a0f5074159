/*
 * What objects of Kubernetes ask for: routes, to which backends, and the marks
 * by which those are known as Kubernetes' own.
 */
#ifndef TOOLS_KUBE2PROXY_WANTED_H
#define TOOLS_KUBE2PROXY_WANTED_H

#include <jansson.h>
#include <stdbool.h>

/* The label of EndpointSlices that says whose they are. */
#define KUBE_SERVICE_NAME "kubernetes.io/service-name"

/* The name of a route among all: the tool, a blank, the pattern. */
#define KUBE_ROUTE_MAX 320

/*
 * What is of use in a Service, {"mark", "route", "url", "port"}: url is empty
 * without a cluster IP, port is the name that its endpoints have it under.
 * NULL: it asks for nothing that can be.
 *
 * path_label   the label that has the first segment of the path
 */
json_t *kube_service(const json_t *object, const char *path_label);

/*
 * The same of an EndpointSlice, {"service", "urls": {port: [URL, ...]}}: those
 * that are ready.  NULL: it is nobody's.
 */
json_t *kube_slice(const json_t *object);

/* The route of a mark.  False: it is none. */
bool kube_route_of_mark(const char *mark, char route[KUBE_ROUTE_MAX]);

/* All that is asked for; owned. */
struct kube_wanted {
	json_t *routes; /* route -> URLs, sorted, with blanks between */
	json_t *marks;	/* mark -> true, of services that have a backend */
};

/*
 * services   of kube_service(), by "<namespace>/<name>"
 * slices     of kube_slice(), by the like; NULL: cluster IPs are the backends
 */
void kube_wanted_init(
    struct kube_wanted *wanted, const json_t *services, const json_t *slices);
void kube_wanted_release(struct kube_wanted *wanted);

/* URLs with blanks between, each once, ordered; the caller's to free. */
char *kube_join_urls(const json_t *urls);

#endif
