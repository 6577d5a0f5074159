/* Brings the routes of Kubernetes' services to where routes are. */
#include "tools/kube2proxy_routes.h"

#include <bsd/string.h>
#include <stdlib.h>
#include <sys/time.h>

#include "lib/log.h"
#include "tools/ctl_client.h"

#define REGISTRY "k8s_services"
#define REDIS_S 5 /* for an answer */

/* Redis. */

static void
lose(struct routes *r, const char *why)
{
	log_event(LOG_ERR, "redis-lost", "%s:%d: %s", r->redis_host,
	    r->redis_port, why);
	redisFree(r->redis);
	r->redis = NULL;
}

static bool
is_connected(struct routes *r)
{
	const struct timeval wait = { .tv_sec = REDIS_S };

	if (r->redis != NULL)
		return true;
	r->redis = redisConnectWithTimeout(r->redis_host, r->redis_port, wait);
	if (r->redis == NULL) {
		log_event(LOG_ERR, "redis-lost", "out of memory");
		return false;
	}
	if (r->redis->err == 0 && redisSetTimeout(r->redis, wait) == REDIS_OK)
		return true;
	lose(r, r->redis->errstr);
	return false;
}

/* The answer to what was appended, the caller's to free.  NULL: logged. */
static redisReply *
receive(struct routes *r)
{
	redisReply *reply = NULL;

	if (redisGetReply(r->redis, (void **)&reply) != REDIS_OK) {
		lose(r, r->redis->errstr);
		return NULL;
	}
	if (reply->type != REDIS_REPLY_ERROR)
		return reply;
	log_event(LOG_ERR, "redis-refused", "%s", reply->str);
	lose(r, "its other answers are of no use");
	freeReplyObject(reply);
	return NULL;
}

/* Answers to n commands; none of them is an error. */
static bool
receive_all(struct routes *r, size_t n)
{
	redisReply *reply;

	for (; n > 0; n--) {
		reply = receive(r);
		if (reply == NULL)
			return false;
		freeReplyObject(reply);
	}
	return true;
}

/* SADD, SREM of all marks that one has and the other has not. */
static bool
move_marks(
    struct routes *r, const char *command, json_t *of, const json_t *without)
{
	const char *mark;
	json_t *value;
	size_t n = 0;

	if (!is_connected(r))
		return false;
	json_object_foreach(of, mark, value)
	{
		if (json_object_get(without, mark) != NULL)
			continue;
		redisAppendCommand(
		    r->redis, "%s %s %s", command, REGISTRY, mark);
		n++;
	}
	return receive_all(r, n);
}

static json_t *
read_marks(struct routes *r)
{
	redisReply *reply = NULL;
	json_t *marks;

	if (is_connected(r)) {
		redisAppendCommand(r->redis, "SMEMBERS %s", REGISTRY);
		reply = receive(r);
	}
	if (reply == NULL)
		return NULL;
	marks = json_object();
	for (size_t i = 0; i < reply->elements; i++)
		json_object_set_new(marks, reply->element[i]->str, json_true());
	freeReplyObject(reply);
	return marks;
}

/* A route's key and field in Redis: route is cut in two. */
struct place {
	char route[KUBE_ROUTE_MAX];
	char *tool, *pattern;
};

static void
place_init(struct place *place, const char *route)
{
	strlcpy(place->route, route, sizeof(place->route));
	place->pattern = place->route;
	place->tool = strsep(&place->pattern, " ");
}

/* What it has of our own. */
static json_t *
read_from_redis(struct routes *r)
{
	json_t *there = json_object(), *value;
	struct place place;
	char route[KUBE_ROUTE_MAX];
	redisReply *reply;
	const char *mark;

	json_object_foreach(r->marks, mark, value)
	{
		if (!kube_route_of_mark(mark, route))
			continue;
		place_init(&place, route);
		redisAppendCommand(
		    r->redis, "HGET prefix:%s %s", place.tool, place.pattern);
		reply = receive(r);
		if (reply == NULL) {
			json_decref(there);
			return NULL;
		}
		if (reply->type == REDIS_REPLY_STRING) /* of any bytes */
			json_object_set_new(
			    there, route, json_string_nocheck(reply->str));
		freeReplyObject(reply);
	}
	return there;
}

static bool
write_to_redis(struct routes *r, json_t *changes)
{
	struct place place;
	const char *route;
	json_t *urls;

	json_object_foreach(changes, route, urls)
	{
		place_init(&place, route);
		if (json_is_null(urls))
			redisAppendCommand(r->redis, "HDEL prefix:%s %s",
			    place.tool, place.pattern);
		else
			redisAppendCommand(r->redis, "HSET prefix:%s %s %s",
			    place.tool, place.pattern, json_string_value(urls));
	}
	return receive_all(r, json_object_size(changes));
}

/* The registrar. */

/* Its list has a line for each backend: gather them, "tool pattern" -> URLs. */
static json_t *
gather_by_route(const json_t *list)
{
	json_t *by_route = json_object(), *one, *urls;
	size_t i;

	json_array_foreach(list, i, one)
	{
		json_t *route = json_sprintf("%s %s",
		    json_string_value(json_object_get(one, "tool")),
		    json_string_value(json_object_get(one, "pattern")));

		urls = json_object_get(by_route, json_string_value(route));
		if (urls == NULL) {
			urls = json_array();
			json_object_set_new(
			    by_route, json_string_value(route), urls);
		}
		json_array_append(urls, json_object_get(one, "destination"));
		json_decref(route);
	}
	return by_route;
}

static json_t *
read_from_registrar(const struct routes *r)
{
	char said[CTL_SAID_MAX], *none[] = { NULL };
	struct ctl ctl = { .control = r->control, .said = said };
	json_t *list, *by_route, *there, *urls;
	const char *route;

	if (ctl_ask(&ctl, "list", none, &list) != CTL_DONE) {
		log_event(LOG_ERR, "list-failed", "routes: %s", said);
		return NULL;
	}
	there = json_object();
	by_route = gather_by_route(list);
	json_object_foreach(by_route, route, urls)
	{
		char *joined = kube_join_urls(urls);

		json_object_set_new(there, route, json_string(joined));
		free(joined);
	}
	json_decref(by_route);
	json_decref(list);
	return there;
}

/* What is refused for good was logged, and counts as done. */
static bool
is_done(const struct ctl_change *change)
{
	if (change->status == CTL_DONE)
		return true;
	if (change->said[0] != '\0') /* or else it was not asked for */
		log_event(change->status == CTL_USAGE ? LOG_WARNING : LOG_ERR,
		    "route-refused", "%s %s %s: %s", change->cmd,
		    change->args[0], change->args[1], change->said);
	return change->status == CTL_USAGE;
}

static bool
tell_registrar(const struct routes *r, json_t *changes)
{
	struct ctl ctl = { .control = r->control };
	size_t n = json_object_size(changes), i = 0;
	struct ctl_change *each = calloc(n + 1, sizeof(*each));
	struct place *places = calloc(n + 1, sizeof(*places));
	const char *route;
	json_t *urls;
	bool done = each != NULL && places != NULL;

	json_object_foreach(done ? changes : NULL, route, urls)
	{
		place_init(&places[i], route);
		each[i] =
		    (struct ctl_change){ .cmd = json_is_null(urls) ? "del"
								   : "import",
			    .args = { places[i].tool, places[i].pattern,
				json_string_value(urls), "operator", "" } };
		i++;
	}
	ctl_ask_each(&ctl, each, i);
	for (size_t k = 0; k < i; k++)
		done = is_done(&each[k]) && done;
	free(places);
	free(each);
	return done;
}

/* Both. */

static bool
is_known(struct routes *r)
{
	if (r->marks == NULL)
		r->marks = read_marks(r);
	if (r->marks != NULL && r->there == NULL)
		r->there = r->control != NULL ? read_from_registrar(r)
					      : read_from_redis(r);
	return r->marks != NULL && r->there != NULL;
}

/*
 * Routes that are there otherwise, with their URLs; and with null those of
 * marks that are wanted no more.
 */
static json_t *
find_changes(const struct routes *r, const struct kube_wanted *wanted)
{
	json_t *changes = json_object(), *value;
	char route[KUBE_ROUTE_MAX];
	const char *name;

	json_object_foreach(wanted->routes, name,
	    value) if (!json_equal(json_object_get(r->there, name), value))
	    json_object_set(changes, name, value);
	json_object_foreach(r->marks, name,
	    value) if (json_object_get(wanted->marks, name) == NULL &&
		       kube_route_of_mark(name, route) &&
		       json_object_get(wanted->routes, route) == NULL &&
		       json_object_get(r->there, route) != NULL)
	    json_object_set_new(changes, route, json_null());
	return changes;
}

static void
remember(struct routes *r, const struct kube_wanted *wanted, json_t *changes)
{
	const char *route;
	json_t *urls;

	json_decref(r->marks);
	r->marks = json_incref(wanted->marks);
	json_object_foreach(changes, route, urls)
	{
		log_event(LOG_INFO, "route-set", "%s %s", route,
		    json_is_null(urls) ? "-" : json_string_value(urls));
		if (json_is_null(urls))
			json_object_del(r->there, route);
		else
			json_object_set(r->there, route, urls);
	}
}

/* The mark comes first and goes last: what has none is nobody's to remove. */
bool
routes_make(struct routes *r, const struct kube_wanted *wanted)
{
	json_t *changes = NULL;
	bool made =
	    is_known(r) && move_marks(r, "SADD", wanted->marks, r->marks);

	if (made) {
		changes = find_changes(r, wanted);
		made = (r->control != NULL ? tell_registrar(r, changes)
					   : write_to_redis(r, changes)) &&
		       move_marks(r, "SREM", r->marks, wanted->marks);
	}
	if (made)
		remember(r, wanted, changes);
	else
		routes_forget(r);
	json_decref(changes);
	return made;
}

void
routes_forget(struct routes *r)
{
	json_decref(r->marks);
	json_decref(r->there);
	r->marks = r->there = NULL;
}
