/*
 * kube2proxy(8): routes for the services of Kubernetes that ask for one.  It
 * lists them, then watches from there; whatever fails, it lists again.
 */
#include <bsd/stdlib.h>
#include <bsd/string.h>
#include <curl/curl.h>
#include <err.h>
#include <getopt.h>
#include <signal.h>

#include "lib/log.h"
#include "tools/kube.h"
#include "tools/kube2proxy_routes.h"

#define SELECTOR "tools.wmflabs.org/webservice=true"
#define PATH_LABEL "toollabs-proxy-path"
#define REDIS "127.0.0.1:6379"
#define WATCH_S 300 /* the server ends a watch after that */
#define WATCH_MS (WATCH_S + 15) * 1000
#define EVENT_MAX (4 * 1024 * 1024) /* bytes of a line */
#define BACKOFF_MS 100
#define BACKOFF_MAX_MS 30000

struct proxy {
	struct kube kube;
	struct routes routes;
	const char *selector, *path_label;
	char redis_host[128];
	json_t *ids;	  /* owned; "<namespace>/<name>" -> its own mark */
	char version[64]; /* resourceVersion, from which to watch */
	struct buf line;  /* of the watch, as far as it is there */
	bool again;	  /* list again: the watch is of no use any more */
	bool well;	  /* something was read since the last failure */
};

/* "<namespace>/<name>" of a route, from its mark. */
static void
service_key(const struct kube_route *route, char *key, size_t size)
{
	strlcpy(key, route->id, size);
	*strchr(strchr(key, '/') + 1, '/') = '\0';
}

/* A service came, or was changed: its route of before goes when it is another.
 */
static bool
set_service(struct proxy *p, const struct kube_route *route)
{
	char key[sizeof(route->id)];
	struct kube_route old;
	const char *was;

	service_key(route, key, sizeof(key));
	was = json_string_value(json_object_get(p->ids, key));
	if (!routes_set(&p->routes, route) ||
	    (was != NULL && strcmp(was, route->id) != 0 &&
		kube_route_from_id(&old, was) &&
		!routes_delete(&p->routes, &old)))
		return false;
	return json_object_set_new(p->ids, key, json_string(route->id)) == 0;
}

static bool
delete_service(struct proxy *p, const struct kube_route *route)
{
	char key[sizeof(route->id)];

	service_key(route, key, sizeof(key));
	json_object_del(p->ids, key);
	return routes_delete(&p->routes, route);
}

/* The list. */

/* Encode a query's value, for characters that labels may have. */
static void
encode(const char *text, char *out, size_t size)
{
	size_t n = 0;

	for (; *text != '\0' && n + 4 < size; text++)
		if (strchr("=,/!() ", *text) != NULL)
			n += (size_t)snprintf(
			    out + n, size - n, "%%%02X", (unsigned char)*text);
		else
			out[n++] = *text;
	out[n] = '\0';
}

/* Our own routes whose service is gone go, too. */
static bool
delete_others(struct proxy *p, const json_t *own, const json_t *wanted)
{
	struct kube_route route;
	const json_t *id;
	size_t i;

	json_array_foreach(own, i,
	    id) if (json_object_get(wanted, json_string_value(id)) == NULL &&
		    kube_route_from_id(&route, json_string_value(id)) &&
		    !routes_delete(&p->routes, &route)) return false;
	return true;
}

static bool
apply_list(struct proxy *p, const json_t *items)
{
	json_t *own = routes_own(&p->routes), *wanted = json_object();
	bool applied = own != NULL;
	struct kube_route route;
	const json_t *item;
	size_t i;

	json_object_clear(p->ids);
	json_array_foreach(items, i, item)
	{
		if (!kube_route_of(&route, item, p->path_label))
			continue;
		json_object_set_new(wanted, route.id, json_true());
		applied = applied && set_service(p, &route);
	}
	applied = applied && delete_others(p, own, wanted);
	json_decref(wanted);
	json_decref(own);
	return applied;
}

static bool
list(struct proxy *p)
{
	char query[512], selector[400], why[KUBE_WHY_MAX];
	const char *version;
	json_t *answer, *items;
	bool listed;

	encode(p->selector, selector, sizeof(selector));
	snprintf(query, sizeof(query), "labelSelector=%s", selector);
	if (kube_ask(&p->kube,
		&(struct kube_call){
		    .kind = KUBE_SERVICES, .namespace = "", .query = query },
		&answer, why) != 200) {
		log_event(LOG_ERR, "list-failed", "%s", why);
		return false;
	}
	listed = json_unpack(answer, "{s:{s:s}, s:o}", "metadata",
		     "resourceVersion", &version, "items", &items) == 0 &&
		 json_is_array(items) &&
		 strlcpy(p->version, version, sizeof(p->version)) <
		     sizeof(p->version);
	if (!listed)
		log_event(LOG_ERR, "list-failed", "it is no list");
	listed = listed && apply_list(p, items);
	if (listed)
		log_event(LOG_INFO, "listed", "services=%zu version=%s",
		    json_array_size(items), p->version);
	json_decref(answer);
	return listed;
}

/* The watch. */

/* False: list again. */
static bool
apply_event(struct proxy *p, const json_t *event)
{
	const char *type, *version;
	struct kube_route route;
	const json_t *object;

	if (json_unpack((json_t *)event, "{s:s, s:o}", "type", &type, "object",
		&object) == -1 ||
	    strcmp(type, "ERROR") == 0) /* 410 Gone, mostly */
		return false;
	if (json_unpack((json_t *)object, "{s:{s:s}}", "metadata",
		"resourceVersion", &version) == -1)
		return false;
	if (strcmp(type, "BOOKMARK") != 0 &&
	    kube_route_of(&route, object, p->path_label) &&
	    !(strcmp(type, "DELETED") == 0 ? delete_service(p, &route)
					   : set_service(p, &route)))
		return false;
	return strlcpy(p->version, version, sizeof(p->version)) <
	       sizeof(p->version);
}

/* struct fetch's take(): events are lines. */
static bool
take(void *user, struct span bytes)
{
	struct proxy *p = user;
	const char *end;

	if (!buf_append_span(&p->line, bytes)) {
		p->again = true;
		return false;
	}
	while ((end = memchr(
		    buf_span(&p->line).ptr, '\n', buf_len(&p->line))) != NULL) {
		size_t len = (size_t)(end - buf_span(&p->line).ptr);
		json_t *event =
		    json_loadb(buf_span(&p->line).ptr, len, 0, NULL);

		buf_consume(&p->line, len + 1);
		p->again = event == NULL || !apply_event(p, event);
		json_decref(event);
		if (p->again)
			return false;
		p->well = true;
	}
	return true;
}

/* Until the stream ends, however it does.  False: list again. */
static bool
watch(struct proxy *p)
{
	char query[640], selector[400], url[2048], said[FETCH_SAID_MAX];
	struct fetch_tls tls = kube_tls(&p->kube);
	int status;

	encode(p->selector, selector, sizeof(selector));
	snprintf(query, sizeof(query),
	    "labelSelector=%s&watch=true&allowWatchBookmarks=true"
	    "&timeoutSeconds=%d&resourceVersion=%s",
	    selector, WATCH_S, p->version);
	if (!kube_url(&p->kube,
		&(struct kube_call){
		    .kind = KUBE_SERVICES, .namespace = "", .query = query },
		url, sizeof(url)))
		return false;
	buf_init(&p->line, EVENT_MAX);
	p->again = false;
	status =
	    fetch(&(struct fetch){ .url = url,
		      .bearer = p->kube.token[0] != '\0' ? p->kube.token : NULL,
		      .timeout_ms = WATCH_MS,
		      .tls = &tls,
		      .take = take,
		      .user = p },
		NULL, said);
	buf_release(&p->line);
	if (status != 200)
		log_event(
		    LOG_NOTICE, "watch-ended", "status=%d: %s", status, said);
	return status == 200 && !p->again;
}

static void
run(struct proxy *p)
{
	unsigned wait_ms = BACKOFF_MS;

	for (bool listed = false;;) {
		p->well = false;
		listed = listed ? watch(p) : list(p);
		if (listed || p->well) {
			wait_ms = BACKOFF_MS;
			continue;
		}
		nanosleep(&(struct timespec){ .tv_sec = wait_ms / 1000,
			      .tv_nsec = wait_ms % 1000 * 1000000L },
		    NULL);
		wait_ms =
		    wait_ms * 2 < BACKOFF_MAX_MS ? wait_ms * 2 : BACKOFF_MAX_MS;
	}
}

static void
usage(FILE *out)
{
	fputs("usage: kube2proxy [--kubeconfig FILE] [--selector LABELS] "
	      "[--path-label NAME]\n"
	      "\t[--redis HOST:PORT] [--control SOCKET]\n",
	    out);
}

/* Returns the kubeconfig file, or NULL. */
static const char *
parse(struct proxy *p, int argc, char **argv)
{
	static const struct option options[] = {
		{ "control", required_argument, NULL, 's' },
		{ "help", no_argument, NULL, 'h' },
		{ "kubeconfig", required_argument, NULL, 'k' },
		{ "path-label", required_argument, NULL, 'p' },
		{ "redis", required_argument, NULL, 'r' },
		{ "selector", required_argument, NULL, 'l' },
		{ NULL, 0, NULL, 0 },
	};
	const char *kubeconfig = NULL, *redis = REDIS, *colon, *wrong = NULL;
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1)
		switch (c) {
		case 's':
			p->routes.control = optarg;
			break;
		case 'k':
			kubeconfig = optarg;
			break;
		case 'p':
			p->path_label = optarg;
			break;
		case 'r':
			redis = optarg;
			break;
		case 'l':
			p->selector = optarg;
			break;
		default:
			usage(c == 'h' ? stdout : stderr);
			exit(c == 'h' ? 0 : 2);
		}
	colon = strrchr(redis, ':');
	if (optind < argc || colon == NULL ||
	    (size_t)snprintf(p->redis_host, sizeof(p->redis_host), "%.*s",
		(int)(colon - redis), redis) >= sizeof(p->redis_host)) {
		usage(stderr);
		exit(2);
	}
	p->routes.redis_host = p->redis_host;
	p->routes.redis_port = (int)strtonum(colon + 1, 1, 65535, &wrong);
	if (wrong != NULL)
		errx(2, "--redis %s: the port is %s", redis, wrong);
	return kubeconfig;
}

int
main(int argc, char **argv)
{
	static struct proxy p = { .selector = SELECTOR,
		.path_label = PATH_LABEL };
	const char *home = getenv("HOME");
	char why[KUBE_WHY_MAX];
	const char *kubeconfig = parse(&p, argc, argv);

	log_open(LOG_TO_STDERR, "kube2proxy", LOG_INFO);
	signal(SIGPIPE, SIG_IGN);
	curl_global_init(CURL_GLOBAL_DEFAULT);
	if (!kube_read_config(
		&p.kube, kubeconfig, home != NULL ? home : "/", why))
		errx(1, "%s", why);
	p.ids = json_object();
	run(&p);
}
