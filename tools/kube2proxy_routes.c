/* Writes the routes of Kubernetes' services. */
#include "tools/kube2proxy_routes.h"

#include <bsd/string.h>
#include <sys/time.h>

#include "lib/log.h"

#define REGISTRY "k8s_services"
#define REDIS_S 5 /* for an answer */

static bool
fits(int n, size_t size)
{
	return n >= 0 && (size_t)n < size;
}

bool
kube_route_of(
    struct kube_route *r, const json_t *service, const char *path_label)
{
	const char *name, *namespace, *address = NULL, *label;
	const json_t *labels = NULL, *ports = NULL, *port;
	char in_brackets[64];

	if (json_unpack((json_t *)service, "{s:{s:s, s:s, s?o}, s:{s?s, s?o}}",
		"metadata", "name", &name, "namespace", &namespace, "labels",
		&labels, "spec", "clusterIP", &address, "ports",
		&ports) == -1 ||
	    strlcpy(r->tool, name, sizeof(r->tool)) >= sizeof(r->tool))
		return false;
	label = json_string_value(json_object_get(labels, path_label));
	if (!fits(label == NULL ? snprintf(r->pattern, sizeof(r->pattern), ".*")
				: snprintf(r->pattern, sizeof(r->pattern),
				      "/%s.*", label),
		sizeof(r->pattern)) ||
	    !fits(snprintf(r->id, sizeof(r->id), "%s/%s/%s", namespace, name,
		      label == NULL ? r->pattern : r->pattern + 1),
		sizeof(r->id)))
		return false;
	/* of several ports the original takes the last one */
	port = json_array_get(ports, json_array_size(ports) - 1);
	r->url[0] = '\0';
	if (address == NULL || port == NULL || strcmp(address, "None") == 0)
		return true;
	snprintf(in_brackets, sizeof(in_brackets),
	    strchr(address, ':') != NULL ? "[%s]" : "%s", address);
	return fits(
	    snprintf(r->url, sizeof(r->url), "http://%s:%lld", in_brackets,
		json_integer_value(json_object_get(port, "port"))),
	    sizeof(r->url));
}

bool
kube_route_from_id(struct kube_route *r, const char *id)
{
	const char *name = strchr(id, '/');
	const char *route = name != NULL ? strchr(name + 1, '/') : NULL;

	if (route == NULL || strlcpy(r->id, id, sizeof(r->id)) >= sizeof(r->id))
		return false;
	r->url[0] = '\0';
	return fits(snprintf(r->tool, sizeof(r->tool), "%.*s",
			(int)(route - name - 1), name + 1),
		   sizeof(r->tool)) &&
	       fits(snprintf(r->pattern, sizeof(r->pattern), "%s%s",
			strcmp(route + 1, ".*") == 0 ? "" : "/", route + 1),
		   sizeof(r->pattern));
}

/* Redis. */

static void
lose(struct routes *r, const char *why)
{
	log_event(LOG_ERR, "redis-lost", "%s:%d: %s", r->redis_host,
	    r->redis_port, why);
	redisFree(r->redis);
	r->redis = NULL;
}

/* The answer, the caller's to free.  NULL: there is none; it was logged. */
static redisReply *
ask(struct routes *r, const char *const words[], int n)
{
	const struct timeval wait = { .tv_sec = REDIS_S };
	redisReply *reply = NULL;

	if (r->redis == NULL)
		r->redis =
		    redisConnectWithTimeout(r->redis_host, r->redis_port, wait);
	if (r->redis == NULL) {
		log_event(LOG_ERR, "redis-lost", "out of memory");
		return NULL;
	}
	if (r->redis->err == 0 && redisSetTimeout(r->redis, wait) == REDIS_OK)
		reply =
		    redisCommandArgv(r->redis, n, (const char **)words, NULL);
	if (reply == NULL) {
		lose(r, r->redis->errstr);
	} else if (reply->type == REDIS_REPLY_ERROR) {
		log_event(
		    LOG_ERR, "redis-refused", "%s: %s", words[0], reply->str);
		freeReplyObject(reply);
		reply = NULL;
	}
	return reply;
}

#define ASK(r, ...)                                                            \
	ask(r, (const char *const[]){ __VA_ARGS__ },                           \
	    sizeof((const char *const[]){ __VA_ARGS__ }) / sizeof(char *))

static bool
done(redisReply *reply)
{
	bool answered = reply != NULL;

	if (answered)
		freeReplyObject(reply);
	return answered;
}

json_t *
routes_own(struct routes *r)
{
	redisReply *reply = ASK(r, "SMEMBERS", REGISTRY);
	json_t *own;

	if (reply == NULL)
		return NULL;
	own = json_array();
	for (size_t i = 0; i < reply->elements; i++)
		json_array_append_new(own, json_string(reply->element[i]->str));
	freeReplyObject(reply);
	return own;
}

/* The registrar. */

/* True: it was done; or it never can be, which was logged. */
static bool
command(const struct routes *r, const char *cmd, const char *const args[])
{
	char said[CTL_SAID_MAX];
	struct ctl ctl = { .control = r->control, .said = said };
	json_t *data;
	int status = ctl_ask(&ctl, cmd, (char **)args, &data);

	json_decref(data);
	if (status == CTL_DONE)
		return true;
	log_event(status == CTL_USAGE ? LOG_WARNING : LOG_ERR, "route-refused",
	    "%s %s %s: %s", cmd, args[0], args[1], said);
	return status == CTL_USAGE;
}

/* Is it at the registrar?  True also when nobody can tell. */
static bool
is_there(const struct routes *r, const struct kube_route *route)
{
	char said[CTL_SAID_MAX], *args[] = { (char *)route->tool, NULL };
	struct ctl ctl = { .control = r->control, .said = said };
	bool there = false;
	json_t *data, *one;
	size_t i;
	int status = ctl_ask(&ctl, "list", args, &data);

	json_array_foreach(data, i, one)
	{
		const char *pattern =
		    json_string_value(json_object_get(one, "pattern"));

		there = there || (pattern != NULL &&
				     strcmp(pattern, route->pattern) == 0);
	}
	json_decref(data);
	return there || (status != CTL_DONE && status != CTL_REFUSED &&
			    status != CTL_USAGE);
}

/* The mark comes first and goes last: what has none is nobody's to remove. */
bool
routes_set(struct routes *r, const struct kube_route *route)
{
	const char *const args[] = { route->tool, route->pattern, route->url,
		"operator", "", NULL };
	char key[80];

	if (route->url[0] == '\0')
		return routes_delete(r, route);
	snprintf(key, sizeof(key), "prefix:%s", route->tool);
	log_event(LOG_INFO, "route-set", "id=%s url=%s", route->id, route->url);
	if (!done(ASK(r, "SADD", REGISTRY, route->id)))
		return false;
	if (r->control != NULL)
		return command(r, "import", args);
	return done(ASK(r, "HSET", key, route->pattern, route->url));
}

bool
routes_delete(struct routes *r, const struct kube_route *route)
{
	const char *const args[] = { route->tool, route->pattern, NULL };
	char key[80];

	snprintf(key, sizeof(key), "prefix:%s", route->tool);
	log_event(LOG_INFO, "route-deleted", "id=%s", route->id);
	if (r->control == NULL) {
		if (!done(ASK(r, "HDEL", key, route->pattern)))
			return false;
	} else if (is_there(r, route) && !command(r, "del", args)) {
		return false;
	}
	return done(ASK(r, "SREM", REGISTRY, route->id));
}
