/*
 * Web services on Kubernetes: a Deployment runs the server, a Service and an
 * Ingress bring requests to it.  All are of the tool's own namespace and carry
 * the same labels, by which they are found again.
 */
#include <bsd/string.h>
#include <err.h>
#include <stdio.h>

#include "lib/array.h"
#include "tools/kube.h"
#include "tools/server_type.h"
#include "tools/service.h"
#include "tools/yamlfile.h"

#define PORT 8000
#define IMAGES_NAMESPACE "tf-public"
#define IMAGES_MAP "image-config"
#define IMAGES_KEY "images-v1.yaml"
#define IMAGE_TAG "latest"
#define MEMORY_DEFAULT "512Mi"
#define CPU_DEFAULT "500m"
#define SELECTOR                                                               \
	"labelSelector=app.kubernetes.io/component%3Dweb,"                     \
	"app.kubernetes.io/managed-by%3Dwebservice"

/* What the site's image list says of a type. */
struct image {
	char name[512];
	char type[64]; /* of webservice-runner */
	bool deprecated;
};

/* The image list calls some types by other names than the runner. */
static const char *
runner_type(const char *type)
{
	if (strcmp(type, "js") == 0)
		return "nodejs";
	if (strcmp(type, "python") == 0)
		return "uwsgi-python";
	return type;
}

static bool
open_api(const struct service *s, struct kube *k)
{
	char why[KUBE_WHY_MAX];

	if (!kube_read_config(k, NULL, s->account->home, why)) {
		warnx("%s", why);
		return false;
	}
	if (k->namespace[0] == '\0')
		snprintf(k->namespace, sizeof(k->namespace), "tool-%s",
		    s->account->tool);
	return true;
}

/* Make a call, and tell what goes wrong.  NULL: it did. */
static json_t *
ask(const struct kube *k, const struct kube_call *call)
{
	char why[KUBE_WHY_MAX];
	json_t *answer;
	int status = kube_ask(k, call, &answer, why);

	if (status >= 200 && status < 300)
		return answer != NULL ? answer : json_object();
	json_decref(answer);
	warnx("Kubernetes: %s", why);
	return NULL;
}

/* One type of the list: {TYPE: {state, variants: {webservice: {...}}}}. */
static bool
read_image(yaml_document_t *doc, const yaml_node_t *entry, struct image *image)
{
	yaml_node_t *variant = yamlfile_get(
	    doc, yamlfile_get(doc, entry, "variants"), "webservice");
	const char *name = yamlfile_text(yamlfile_get(doc, variant, "image"));
	const char *type = yamlfile_text(
	    yamlfile_get(doc, yamlfile_get(doc, variant, "extra"), "wstype"));
	const char *state = yamlfile_text(yamlfile_get(doc, entry, "state"));

	if (name == NULL || type == NULL)
		return false;
	snprintf(image->name, sizeof(image->name), "%s:" IMAGE_TAG, name);
	strlcpy(image->type, runner_type(type), sizeof(image->type));
	image->deprecated = state != NULL && strcmp(state, "deprecated") == 0;
	return server_type_find(image->type) != NULL;
}

/* Which types there are. */
static void
tell_types(yaml_document_t *doc)
{
	yaml_node_t *root = yaml_document_get_root_node(doc);
	struct image image;
	const char *name;

	fprintf(stderr, "its types are:");
	for (yaml_node_pair_t *p = root->data.mapping.pairs.start;
	     p < root->data.mapping.pairs.top; p++) {
		name = yamlfile_text(yaml_document_get_node(doc, p->key));
		if (name != NULL &&
		    read_image(
			doc, yaml_document_get_node(doc, p->value), &image) &&
		    !image.deprecated)
			fprintf(stderr, " %s", name);
	}
	fputc('\n', stderr);
}

static bool
find_image(const struct kube *k, const char *type, struct image *image)
{
	json_t *map = ask(k, &(struct kube_call){ .kind = KUBE_CONFIGMAPS,
				 .namespace = IMAGES_NAMESPACE,
				 .name = IMAGES_MAP });
	char why[256] = "it has no " IMAGES_KEY;
	const char *text = NULL;
	yaml_document_t doc;
	bool found = false;

	if (map == NULL)
		return false;
	json_unpack(map, "{s:{s:s}}", "data", IMAGES_KEY, &text);
	if (text == NULL ||
	    yamlfile_parse(&doc, text, strlen(text), why) != YAMLFILE_READ) {
		warnx("the site's list of images cannot be read: %s", why);
	} else {
		found = read_image(&doc,
		    yamlfile_get(&doc, yaml_document_get_root_node(&doc), type),
		    image);
		if (!found) {
			warnx("there is no type \"%s\" on Kubernetes", type);
			tell_types(&doc);
		}
		yaml_document_delete(&doc);
	}
	json_decref(map);
	return found;
}

static json_t *
labels(const struct service *s)
{
	return json_pack("{s:s, s:s, s:s, s:s}", "app.kubernetes.io/component",
	    "web", "app.kubernetes.io/managed-by", "webservice", "toolforge",
	    "tool", "name", s->account->tool);
}

static json_t *
metadata(const struct service *s, const struct kube *k, const char *name)
{
	return json_pack("{s:s, s:s, s:o}", "name", name, "namespace",
	    k->namespace, "labels", labels(s));
}

static json_t *
container(const struct service *s, const struct image *image)
{
	const char *memory = s->memory != NULL ? s->memory : MEMORY_DEFAULT;
	const char *cpu = s->cpu != NULL ? s->cpu : CPU_DEFAULT;
	json_t *command =
	    json_pack("[s, s, s, s, s]", "/usr/bin/" SERVICE_RUNNER, "--type",
		image->type, "--port", "8000");

	for (size_t i = 0; i < s->nargs; i++)
		json_array_append_new(command, json_string(s->args[i]));
	return json_pack(
	    "{s:s, s:s, s:s, s:o, s:[{s:s, s:i, s:s}], s:{s:{s:s, s:s}}}",
	    "name", "webservice", "image", image->name, "workingDir",
	    s->account->home, "command", command, "ports", "name", "http",
	    "containerPort", PORT, "protocol", "TCP", "resources", "limits",
	    "memory", memory, "cpu", cpu);
}

static json_t *
make_deployment(
    const struct service *s, const struct kube *k, const struct image *image)
{
	return json_pack(
	    "{s:s, s:s, s:o, s:{s:i, s:{s:o}, s:{s:{s:o}, s:{s:[o]}}}}", "kind",
	    "Deployment", "apiVersion", "apps/v1", "metadata",
	    metadata(s, k, s->account->tool), "spec", "replicas",
	    s->replicas > 0 ? (int)s->replicas : 1, "selector", "matchLabels",
	    labels(s), "template", "metadata", "labels", labels(s), "spec",
	    "containers", container(s, image));
}

static json_t *
make_service(const struct service *s, const struct kube *k)
{
	return json_pack(
	    "{s:s, s:s, s:o, s:{s:[{s:s, s:s, s:i, s:i}], s:{s:s}}}", "kind",
	    "Service", "apiVersion", "v1", "metadata",
	    metadata(s, k, s->account->tool), "spec", "ports", "name", "http",
	    "protocol", "TCP", "port", PORT, "targetPort", PORT, "selector",
	    "name", s->account->tool);
}

static json_t *
make_ingress(const struct service *s, const struct kube *k)
{
	char name[96], host[320];

	snprintf(name, sizeof(name), "%s-subdomain", s->account->tool);
	snprintf(
	    host, sizeof(host), "%s.%s", s->account->tool, service_domain());
	return json_pack("{s:s, s:s, s:o, s:{s:[{s:s, s:{s:[{s:s, s:s, "
			 "s:{s:{s:s, s:{s:i}}}}]}}]}}",
	    "kind", "Ingress", "apiVersion", "networking.k8s.io/v1", "metadata",
	    metadata(s, k, name), "spec", "rules", "host", host, "http",
	    "paths", "path", "/", "pathType", "Prefix", "backend", "service",
	    "name", s->account->tool, "port", "number", PORT);
}

/* The objects of ours of a kind that are not being deleted; NULL: unknown. */
static json_t *
list(const struct kube *k, enum kube_kind kind)
{
	json_t *answer =
	    ask(k, &(struct kube_call){ .kind = kind, .query = SELECTOR });
	json_t *items, *item, *alive;
	size_t i;

	if (answer == NULL)
		return NULL;
	alive = json_array();
	items = json_object_get(answer, "items");
	json_array_foreach(items, i, item)
	{
		if (json_object_get(json_object_get(item, "metadata"),
			"deletionTimestamp") == NULL)
			json_array_append(alive, item);
	}
	json_decref(answer);
	return alive;
}

/* Create an object unless there is one of its kind; body is taken. */
static bool
create_take(const struct kube *k, enum kube_kind kind, json_t *body)
{
	json_t *there = list(k, kind);
	json_t *answer = NULL;
	bool created = there != NULL;

	if (created && json_array_size(there) == 0) {
		answer =
		    ask(k, &(struct kube_call){
			       .method = "POST", .kind = kind, .body = body });
		created = answer != NULL;
	}
	json_decref(answer);
	json_decref(there);
	json_decref(body);
	return created;
}

static bool
kube_check(const struct service *s)
{
	const struct server_type *type;
	struct image image;
	struct kube k;
	char why[SERVER_WHY_MAX];
	bool good;

	if (!open_api(s, &k))
		return false;
	good = find_image(&k, s->type, &image);
	kube_release(&k);
	if (!good)
		return false;
	if (image.deprecated)
		warnx("the type %s is deprecated: choose another when you can",
		    s->type);
	type = server_type_find(image.type);
	good = type->check(s->account, why);
	if (!good)
		warnx("%s", why);
	return good;
}

static bool
kube_start(const struct service *s)
{
	struct image image;
	struct kube k;
	bool started;

	if (!open_api(s, &k))
		return false;
	started =
	    find_image(&k, s->type, &image) &&
	    create_take(&k, KUBE_DEPLOYMENTS, make_deployment(s, &k, &image)) &&
	    create_take(&k, KUBE_SERVICES, make_service(s, &k)) &&
	    create_take(&k, KUBE_INGRESSES, make_ingress(s, &k));
	kube_release(&k);
	return started;
}

/* Delete one; what somebody else has deleted before is gone as well. */
static bool
remove_one(const struct kube *k, enum kube_kind kind, const char *name)
{
	char why[KUBE_WHY_MAX];
	json_t *answer;
	int status = kube_ask(k,
	    &(struct kube_call){
		.method = "DELETE", .kind = kind, .name = name },
	    &answer, why);

	json_decref(answer);
	if ((status >= 200 && status < 300) || status == 404)
		return true;
	warnx("Kubernetes: %s", why);
	return false;
}

/*
 * Services cannot be deleted as a collection; one by one, then.  With what has
 * made them the cluster deletes some by itself.
 */
static bool
remove_all(const struct kube *k, enum kube_kind kind)
{
	json_t *there = list(k, kind), *item;
	const char *name;
	bool removed = there != NULL;
	size_t i;

	json_array_foreach(there, i, item)
	{
		if (json_unpack(item, "{s:{s:s}}", "metadata", "name", &name) ==
		    0)
			removed = remove_one(k, kind, name) && removed;
	}
	json_decref(there);
	return removed;
}

/* First what brings requests, then what answers them. */
static bool
kube_stop(const struct service *s)
{
	static const enum kube_kind order[] = { KUBE_INGRESSES, KUBE_SERVICES,
		KUBE_DEPLOYMENTS, KUBE_REPLICASETS, KUBE_PODS };
	struct kube k;
	bool stopped = true;

	if (!open_api(s, &k))
		return false;
	for (size_t i = 0; i < nitems(order); i++)
		stopped = remove_all(&k, order[i]) && stopped;
	kube_release(&k);
	return stopped;
}

static bool
any_in_phase(const json_t *pods, const char *phase)
{
	const char *is;
	json_t *pod;
	size_t i;

	json_array_foreach(pods, i, pod)
	{
		if (json_unpack(pod, "{s:{s:s}}", "status", "phase", &is) ==
			0 &&
		    strcmp(is, phase) == 0)
			return true;
	}
	return false;
}

static enum service_state
kube_state(const struct service *s)
{
	enum service_state state = SERVICE_UNKNOWN;
	json_t *pods, *deployments;
	struct kube k;

	if (!open_api(s, &k))
		return SERVICE_UNKNOWN;
	pods = list(&k, KUBE_PODS);
	deployments = list(&k, KUBE_DEPLOYMENTS);
	if (pods != NULL && deployments != NULL) {
		if (any_in_phase(pods, "Running"))
			state = SERVICE_RUNNING;
		else if (json_array_size(deployments) > 0 ||
			 any_in_phase(pods, "Pending"))
			state = SERVICE_PENDING;
		else
			state = SERVICE_STOPPED;
	}
	json_decref(pods);
	json_decref(deployments);
	kube_release(&k);
	return state;
}

/* fetch's take(): logs are printed as they come. */
static bool
print(void *user, struct span bytes)
{
	(void)user;
	return fwrite(bytes.ptr, 1, bytes.len, stdout) == bytes.len &&
	       fflush(stdout) == 0;
}

static bool
print_log(const struct kube *k, const char *pod, bool follow)
{
	struct fetch_tls tls = kube_tls(k);
	char url[2048], why[FETCH_SAID_MAX];
	int status;

	if (!kube_url(k,
		&(struct kube_call){ .kind = KUBE_PODS,
		    .name = pod,
		    .sub = "log",
		    .query =
			follow ? "tailLines=50&follow=true" : "tailLines=50" },
		url, sizeof(url)))
		return false;
	status = fetch(&(struct fetch){ .url = url,
			   .bearer = k->token[0] != '\0' ? k->token : NULL,
			   .tls = &tls,
			   .take = print },
	    NULL, why);
	if (status == 200)
		return true;
	warnx("the log of pod %s: %s", pod, status == -1 ? why : "refused");
	return false;
}

static bool
kube_logs(const struct service *s, bool follow)
{
	const char *name;
	struct kube k;
	json_t *pods;
	bool printed = false;

	if (!open_api(s, &k))
		return false;
	pods = list(&k, KUBE_PODS);
	if (pods != NULL && json_array_size(pods) == 0)
		warnx("no pod of your webservice is there");
	else if (pods != NULL &&
		 json_unpack(json_array_get(pods, 0), "{s:{s:s}}", "metadata",
		     "name", &name) == 0)
		printed = print_log(&k, name, follow);
	json_decref(pods);
	kube_release(&k);
	return printed;
}

const struct backend backend_kubernetes = { .name = "kubernetes",
	.default_type = "php8.2",
	.check = kube_check,
	.start = kube_start,
	.stop = kube_stop,
	.state = kube_state,
	.logs = kube_logs };
