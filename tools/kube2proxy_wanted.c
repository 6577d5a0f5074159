/* Reads Services and EndpointSlices, and works out the routes they ask for. */
#include "tools/kube2proxy_wanted.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>

#include "lib/buf.h"
#include "shm/route.h"

#define TOOL_MAX 64
#define PATTERN_MAX 256
#define MARK_MAX 512
#define URL_MAX 128
#define URLS_MAX (ROUTE_BACKENDS_MAX * URL_MAX)

static bool
fits(int n, size_t size)
{
	return n >= 0 && (size_t)n < size;
}

/* False, url empty: the address is none; a name, or "None". */
static bool
make_url(char url[URL_MAX], const char *address, json_int_t port)
{
	struct in6_addr ip;

	url[0] = '\0';
	if (address == NULL || port < 1 || port > UINT16_MAX)
		return false;
	if (inet_pton(AF_INET, address, &ip) == 1)
		snprintf(url, URL_MAX, "http://%s:%d", address, (int)port);
	else if (inet_pton(AF_INET6, address, &ip) == 1)
		snprintf(url, URL_MAX, "http://[%s]:%d", address, (int)port);
	return url[0] != '\0';
}

/* Its name and namespace, and its labels, which may be NULL. */
static bool
read_metadata(const json_t *object, const char **namespace, const char **name,
    const json_t **labels)
{
	*labels = NULL;
	return json_unpack((json_t *)object, "{s:{s:s, s:s, s?o}}", "metadata",
		   "namespace", namespace, "name", name, "labels", labels) == 0;
}

json_t *
kube_service(const json_t *object, const char *path_label)
{
	const char *name, *namespace, *address = NULL, *label, *port_name = "";
	char mark[MARK_MAX], pattern[PATTERN_MAX], url[URL_MAX];
	const json_t *labels, *ports = NULL;
	json_int_t port = 0;

	if (!read_metadata(object, &namespace, &name, &labels) ||
	    strlen(name) >= TOOL_MAX ||
	    json_unpack((json_t *)object, "{s:{s?s, s?o}}", "spec", "clusterIP",
		&address, "ports", &ports) == -1)
		return NULL;
	label = json_string_value(json_object_get(labels, path_label));
	if (!fits(snprintf(pattern, sizeof(pattern), "%s%s.*",
		      label == NULL ? "" : "/", label == NULL ? "" : label),
		sizeof(pattern)) ||
	    !fits(snprintf(mark, sizeof(mark), "%s/%s/%s", namespace, name,
		      label == NULL ? pattern : pattern + 1),
		sizeof(mark)))
		return NULL;
	/* of several ports the original takes the last one */
	json_unpack(json_array_get(ports, json_array_size(ports) - 1),
	    "{s:I, s?s}", "port", &port, "name", &port_name);
	make_url(url, address, port);
	return json_pack("{s:s, s:o, s:s, s:s}", "mark", mark, "route",
	    json_sprintf("%s %s", name, pattern), "url", url, "port",
	    port_name);
}

/* Those that are ready; who says nothing is, by the API's own words. */
static json_t *
ready_addresses(const json_t *object)
{
	json_t *addresses = json_array();
	const json_t *endpoints = json_object_get(object, "endpoints");
	json_t *endpoint;
	size_t i;

	json_array_foreach(endpoints, i, endpoint)
	{
		const json_t *conditions =
		    json_object_get(endpoint, "conditions");

		/* the others of one endpoint stand for the same */
		if (!json_is_false(json_object_get(conditions, "ready")))
			json_array_append(addresses,
			    json_array_get(
				json_object_get(endpoint, "addresses"), 0));
	}
	return addresses;
}

static json_t *
urls_of(const json_t *addresses, json_int_t port)
{
	json_t *urls = json_array(), *address;
	char url[URL_MAX];
	size_t i;

	json_array_foreach(addresses, i,
	    address) if (make_url(url, json_string_value(address), port))
	    json_array_append_new(urls, json_string(url));
	return urls;
}

json_t *
kube_slice(const json_t *object)
{
	const char *namespace, *name, *service;
	const json_t *labels;
	json_t *addresses, *urls, *port;
	size_t i;

	if (!read_metadata(object, &namespace, &name, &labels))
		return NULL;
	service = json_string_value(json_object_get(labels, KUBE_SERVICE_NAME));
	if (service == NULL)
		return NULL;
	addresses = ready_addresses(object);
	urls = json_object();
	json_array_foreach(json_object_get(object, "ports"), i, port)
	{
		const char *port_name = "";
		json_int_t number;

		if (json_unpack(port, "{s:I, s?s}", "port", &number, "name",
			&port_name) == 0)
			json_object_set_new(
			    urls, port_name, urls_of(addresses, number));
	}
	json_decref(addresses);
	return json_pack("{s:o, s:o}", "service",
	    json_sprintf("%s/%s", namespace, service), "urls", urls);
}

bool
kube_route_of_mark(const char *mark, char route[KUBE_ROUTE_MAX])
{
	const char *name = strchr(mark, '/');
	const char *rest = name != NULL ? strchr(name + 1, '/') : NULL;

	return rest != NULL &&
	       fits(snprintf(route, KUBE_ROUTE_MAX, "%.*s %s%s",
			(int)(rest - name - 1), name + 1,
			strcmp(rest + 1, ".*") == 0 ? "" : "/", rest + 1),
		   KUBE_ROUTE_MAX);
}

static int
compare(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

char *
kube_join_urls(const json_t *urls)
{
	size_t n = json_array_size(urls), used = 0;
	const char **sorted = calloc(n + 1, sizeof(*sorted));
	struct buf joined;
	char *text = NULL;

	if (sorted == NULL)
		return NULL;
	for (size_t i = 0; i < n; i++)
		sorted[i] = json_string_value(json_array_get(urls, i));
	qsort(sorted, n, sizeof(*sorted), compare);
	buf_init(&joined, URLS_MAX);
	for (size_t i = 0; i < n && used < ROUTE_BACKENDS_MAX; i++)
		if ((i == 0 || strcmp(sorted[i], sorted[i - 1]) != 0) &&
		    buf_printf(&joined, "%s%s", used > 0 ? " " : "", sorted[i]))
			used++;
	if (buf_append(&joined, "", 1))
		text = strdup(buf_span(&joined).ptr);
	buf_release(&joined);
	free(sorted);
	return text;
}

/* What slices offer, by service and port: "<namespace>/<name>" -> urls. */
static json_t *
gather(const json_t *slices)
{
	json_t *offers = json_object(), *slice, *urls;
	const char *key, *port;

	json_object_foreach((json_t *)slices, key, slice)
	{
		const char *service =
		    json_string_value(json_object_get(slice, "service"));
		json_t *offer = json_object_get(offers, service);

		if (offer == NULL) {
			offer = json_object();
			json_object_set_new(offers, service, offer);
		}
		json_object_foreach(json_object_get(slice, "urls"), port, urls)
		{
			if (json_object_get(offer, port) == NULL)
				json_object_set_new(offer, port, json_array());
			json_array_extend(json_object_get(offer, port), urls);
		}
	}
	return offers;
}

/* The backends of a service: its endpoints', or its cluster IP. */
static char *
backends_of(const char *key, const json_t *service, const json_t *offers)
{
	const char *port = json_string_value(json_object_get(service, "port"));

	return offers == NULL
		   ? strdup(json_string_value(json_object_get(service, "url")))
		   : kube_join_urls(
			 json_object_get(json_object_get(offers, key), port));
}

/* Of two services that ask for the same route the first namespace has it. */
static void
want(struct kube_wanted *wanted, json_t *owners, const json_t *service,
    const char *urls)
{
	const char *mark = json_string_value(json_object_get(service, "mark"));
	const char *route =
	    json_string_value(json_object_get(service, "route"));
	const char *owner = json_string_value(json_object_get(owners, route));

	json_object_set_new(wanted->marks, mark, json_true());
	if (owner != NULL && strcmp(owner, mark) < 0)
		return;
	json_object_set_new(owners, route, json_string(mark));
	json_object_set_new(wanted->routes, route, json_string(urls));
}

void
kube_wanted_init(
    struct kube_wanted *wanted, const json_t *services, const json_t *slices)
{
	json_t *offers = slices != NULL ? gather(slices) : NULL;
	json_t *owners = json_object(), *service;
	const char *key;

	wanted->routes = json_object();
	wanted->marks = json_object();
	json_object_foreach((json_t *)services, key, service)
	{
		char *urls = backends_of(key, service, offers);

		if (urls != NULL && urls[0] != '\0')
			want(wanted, owners, service, urls);
		free(urls);
	}
	json_decref(owners);
	json_decref(offers);
}

void
kube_wanted_release(struct kube_wanted *wanted)
{
	json_decref(wanted->routes);
	json_decref(wanted->marks);
}
