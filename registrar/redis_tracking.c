/*
 * Has Redis name the keys that change: CLIENT TRACKING, to a channel that the
 * connection for messages subscribes to.
 */
#include "registrar/redis_tracking.h"

#include <stdio.h>
#include <string.h>

#include "registrar/redis_layout.h"
#include "registrar/redis_pass.h"
#include "registrar/redis_watch.h"
#include "registrar/store_redis.h"

#define CHANNEL "__redis__:invalidate"

static void
invalidated(struct store_redis *s, const redisReply *name)
{
	char key[KEY_MAX];

	if (name->type != REDIS_REPLY_STRING)
		watch_refused(s, CHANNEL, 1, "no name of a key");
	else if (strcmp(name->str, REDIS_POLICY_KEY) == 0)
		redis_policy_begin(s);
	else if (redis_key_parse((struct span){ name->str, name->len }, key))
		watch_want(s, key, false);
	else
		watch_refused(s, name->str, 1, "no valid name");
}

/* Redis names keys, or nothing after a flush; others can only PUBLISH text. */
void
tracking_message(struct store_redis *s, const redisReply *message)
{
	const redisReply *keys = message->element[2];

	if (keys->type == REDIS_REPLY_NIL) {
		s->pass.flushed = true;
		if (s->ready)
			pass_begin(s);
		return;
	}
	if (keys->type != REDIS_REPLY_ARRAY) {
		watch_refused(s, CHANNEL, 1, "not Redis's own message");
		return;
	}
	for (size_t i = 0; i < keys->elements; i++)
		invalidated(s, keys->element[i]);
}

static void
tracked(void *arg, const redisReply *reply)
{
	struct store_redis *s = arg;

	if (reply == NULL)
		return;
	if (reply->type == REDIS_REPLY_STATUS)
		s->tracking.begun(s);
	else
		redis_lose(&s->reads,
		    redis_error(reply, "no answer to CLIENT TRACKING"));
}

/* Tracking to a connection that is not subscribed yet would say nothing. */
static void
subscribed(void *arg, const redisReply *reply)
{
	struct store_redis *s = arg;

	if (reply == NULL)
		return;
	if (reply->type != REDIS_REPLY_ARRAY)
		redis_lose(
		    &s->messages, redis_error(reply, "no answer to SUBSCRIBE"));
	else if (!redis_command(&s->reads, tracked, s, "CLIENT", "TRACKING",
		     "ON", "REDIRECT", s->tracking.id, "BCAST", "PREFIX",
		     "prefix:", "PREFIX", "redirect:", "PREFIX",
		     "frontend:", "PREFIX", REDIS_POLICY_KEY, NULL))
		redis_lose(&s->reads, "out of memory");
}

static void
identified(void *arg, const redisReply *reply)
{
	struct store_redis *s = arg;

	if (reply == NULL)
		return;
	if (reply->type != REDIS_REPLY_INTEGER) {
		redis_lose(
		    &s->messages, redis_error(reply, "no answer to CLIENT ID"));
		return;
	}
	snprintf(
	    s->tracking.id, sizeof(s->tracking.id), "%lld", reply->integer);
	if (!redis_command(
		&s->messages, subscribed, s, "SUBSCRIBE", CHANNEL, NULL))
		redis_lose(&s->messages, "out of memory");
}

void
tracking_begin(struct store_redis *s, void (*begun)(struct store_redis *s))
{
	s->tracking.begun = begun;
	if (!redis_command(&s->messages, identified, s, "CLIENT", "ID", NULL))
		redis_lose(&s->messages, "out of memory");
}
