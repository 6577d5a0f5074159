/*
 * The Redis store: both its connections, and what we write.  A change goes out
 * as one transaction; what Redis does not take is remembered and pushed later.
 */
#include "registrar/store_redis.h"

#include <bsd/string.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/clock.h"
#include "lib/log.h"
#include "lib/siphash.h"
#include "registrar/process.h"
#include "registrar/redis_layout.h"
#include "registrar/redis_pass.h"
#include "registrar/redis_watch.h"
#include "registrar/store_io.h"

#define PUSH_SOON_MS  100  /* what was added since, or is not in the book yet */
#define PUSH_LATER_MS 5000 /* what Redis refused */
#define HOST_MAX      512

struct save {
	TAILQ_ENTRY(save) entry;
	struct store_redis *store; /* borrowed, like the change */
	struct change *change;
};

struct pushed {
	struct store_redis *store;
	uint64_t serial;
	char *key, *pattern; /* owned, in the same allocation */
};

uint64_t
store_redis_hash(const struct store_redis *s, const char *text)
{
	return siphash(s->hash_key, text, strlen(text)) | 1;
}

bool
store_redis_is_up(const struct store_redis *s)
{
	return s->ready && s->commands.state == REDIS_UP;
}

/* Is a change of this name under way?  It may be what the book still lacks. */
static bool
under_way(const struct store_redis *s, const char *key)
{
	const struct save *save;

	TAILQ_FOREACH (save, &s->saves, entry) {
		if (strcmp(save->change->key, key) == 0)
			return true;
	}
	return store_io_busy(s->r->io, key);
}

bool
store_redis_busy(struct store_redis *s, const char *key)
{
	return unsaved_has(&s->unsaved, key) || under_way(s, key);
}

/* EXEC says only that something was refused; what, was said before. */
static void
queued(void *arg, const redisReply *reply)
{
	struct store_redis *s = arg;

	if (reply != NULL && reply->type == REDIS_REPLY_ERROR)
		strlcpy(s->refusal, reply->str, sizeof(s->refusal));
}

/* A hash of routes; the mark is the name's, not the route's: struck as a whole. */
static bool
write_tool(struct store_redis *s, const char *key, const char *pattern,
    const struct destinations *to, bool canonical)
{
	char routes[REDIS_KEY_MAX], redirect[REDIS_KEY_MAX], host[HOST_MAX];
	struct redis *c = &s->commands;
	bool sent;

	redis_routes_key(key, routes);
	redis_redirect_key(key, redirect);
	snprintf(host, sizeof(host), "%s.%s", key + 1,
	    s->r->conf->web_domains[0]);
	/* the original knows one destination of a route: it gets the first */
	if (to != NULL)
		sent = redis_command(c, queued, s, "HSET", routes, pattern,
		    to->at[0].url, NULL);
	else
		sent =
		    redis_command(c, queued, s, "HDEL", routes, pattern, NULL);
	if (canonical)
		return sent && redis_command(c, queued, s, "HSET", redirect,
		                   pattern, host, NULL);
	return sent && redis_command(c, queued, s, "DEL", redirect, NULL);
}

/* A set of backends: there is one route. */
static bool
write_frontend(
    struct store_redis *s, const char *key, const struct destinations *to)
{
	char backends[REDIS_KEY_MAX];
	struct redis *c = &s->commands;
	bool sent;

	redis_routes_key(key, backends);
	sent = redis_command(c, queued, s, "DEL", backends, NULL);
	for (size_t i = 0; to != NULL && i < to->n; i++)
		sent = sent && redis_command(c, queued, s, "SADD", backends,
		                   to->at[i].url, NULL);
	return sent;
}

/*
 * Send one route's new state as a transaction; answer gets EXEC's reply.
 * to  NULL: it is struck
 */
static bool
write_route(struct store_redis *s, const char *key, const char *pattern,
    const struct destinations *to, bool canonical, redis_answer *answer,
    void *arg)
{
	struct redis *c = &s->commands;
	bool sent;

	if (!store_redis_is_up(s))
		return false;
	sent = redis_command(c, queued, s, "MULTI", NULL);
	if (*key == KEY_TOOL)
		sent = sent && write_tool(s, key, pattern, to, canonical);
	else
		sent = sent && write_frontend(s, key, to);
	sent = sent && redis_command(c, answer, arg, "EXEC", NULL);
	if (!sent) /* nothing may follow half a transaction */
		redis_lose(c, "too much is waiting to be sent");
	return sent;
}

/* NULL: EXEC did all of it; else what went wrong. */
static const char *
exec_fault(const struct store_redis *s, const redisReply *reply)
{
	if (reply == NULL)
		return "Redis does not answer";
	if (redis_is_error(reply, "EXECABORT"))
		return s->refusal;
	if (reply->type == REDIS_REPLY_ERROR)
		return reply->str;
	if (reply->type != REDIS_REPLY_ARRAY)
		return "no answer to EXEC";
	for (size_t i = 0; i < reply->elements; i++)
		if (reply->element[i]->type == REDIS_REPLY_ERROR)
			return reply->element[i]->str;
	return NULL;
}

/* Logged when it begins, and when all is made good. */
static void
note_refused(struct store_redis *s, const char *why)
{
	if (!s->unsaved_logged)
		log_event(LOG_WARNING, "redis-unsaved",
		    "%s: changes are kept, and written later", why);
	s->unsaved_logged = true;
}

static void
note_saved(struct store_redis *s)
{
	if (s->unsaved_logged && s->unsaved.count == 0) {
		log_event(LOG_NOTICE, "redis-saved", "Redis has all changes");
		s->unsaved_logged = false;
	}
}

/* Redis did not take it: what that means is for the operator to say. */
static void
not_saved(struct store_redis *s, struct change *change, const char *why)
{
	if (s->r->conf->store_down == STORE_DOWN_ACCEPT &&
	    unsaved_add(&s->unsaved, change->kind, change->key,
	        change->pattern)) {
		note_refused(s, why);
		store_redis_push(s);
		change_stored(s->r, change, true);
		return;
	}
	snprintf(change->why, sizeof(change->why),
	    "Redis cannot store the route (%.60s): try again later", why);
	change_stored(s->r, change, false);
}

void
store_redis_restore(struct store_redis *s, const char *key, const char *pattern)
{
	struct book_name *name = book_find(&s->r->book, key);
	bool entered = name != NULL && book_find_route(name, pattern) != NULL;

	if (*key != KEY_TOOL)
		return;
	unsaved_add(&s->unsaved, entered ? CHANGE_SET : CHANGE_STRIKE, key,
	    pattern);
	store_redis_push(s);
}

/* It was refused, or there was no answer: was the route written all the same? */
static bool
may_be_written(const redisReply *reply)
{
	return reply == NULL ||
	    (reply->type == REDIS_REPLY_ARRAY && reply->elements > 0 &&
	        reply->element[0]->type != REDIS_REPLY_ERROR);
}

static void
saved(void *arg, const redisReply *reply)
{
	struct save *save = arg;
	struct store_redis *s = save->store;
	struct change *change = save->change;
	const char *fault = exec_fault(s, reply);

	TAILQ_REMOVE(&s->saves, save, entry);
	free(save);
	if (fault != NULL) {
		if (may_be_written(reply))
			store_redis_restore(s, change->key, change->pattern);
		not_saved(s, change, fault); /* which may mend that */
		return;
	}
	unsaved_remove(&s->unsaved, change->key, change->pattern, 0);
	note_saved(s);
	change_stored(s->r, change, true);
}

/* What came from there is there; frontends are only read, for now. */
static bool
is_ours_to_write(const struct change *change)
{
	return change->origin != ORIGIN_REDIS && *change->key == KEY_TOOL;
}

void
store_redis_save(struct store_redis *s, struct change *change)
{
	struct save *save;

	if (!is_ours_to_write(change)) {
		change_stored(s->r, change, true);
		return;
	}
	if (!store_redis_is_up(s)) {
		not_saved(s, change, "Redis is not connected");
		return;
	}
	save = malloc(sizeof(*save));
	if (save == NULL) {
		not_saved(s, change, "out of memory");
		return;
	}
	*save = (struct save){ .store = s, .change = change };
	TAILQ_INSERT_TAIL(&s->saves, save, entry);
	if (!write_route(s, change->key, change->pattern,
	        change->kind == CHANGE_SET ? &change->to : NULL,
	        change->canonical, saved, save)) {
		TAILQ_REMOVE(&s->saves, save, entry);
		free(save);
		not_saved(s, change, "Redis is not connected");
	}
}

static void push_more(struct store_redis *s);

static void
push_answered(void *arg, const redisReply *reply)
{
	struct pushed *pushed = arg;
	struct store_redis *s = pushed->store;
	const char *fault = exec_fault(s, reply);

	s->push.open--;
	if (fault == NULL) {
		unsaved_remove(&s->unsaved, pushed->key, pushed->pattern,
		    pushed->serial);
		note_saved(s);
	} else {
		s->push.failed = true;
		note_refused(s, fault);
	}
	free(pushed);
	if (reply != NULL)
		push_more(s);
}

static struct pushed *
pushed_new(struct store_redis *s, const struct unsaved_route *route)
{
	size_t key_size = strlen(route->key) + 1;
	size_t pattern_size = strlen(route->pattern) + 1;
	struct pushed *pushed =
	    malloc(sizeof(*pushed) + key_size + pattern_size);

	if (pushed == NULL)
		return NULL;
	pushed->store = s;
	pushed->serial = route->serial;
	pushed->key = (char *)(pushed + 1);
	pushed->pattern = pushed->key + key_size;
	memcpy(pushed->key, route->key, key_size);
	memcpy(pushed->pattern, route->pattern, pattern_size);
	return pushed;
}

static void
push_route(struct store_redis *s, const struct unsaved_route *route)
{
	struct book_name *name = book_find(&s->r->book, route->key);
	const struct book_route *entered =
	    name == NULL ? NULL : book_find_route(name, route->pattern);
	bool set = route->kind == CHANGE_SET;
	struct pushed *pushed;

	if (under_way(s, route->key))
		return; /* the next round has it */
	if (set != (entered != NULL)) { /* the change did not come about */
		pushed = pushed_new(s, route);
		unsaved_remove(&s->unsaved, route->key, route->pattern, 0);
		if (pushed != NULL) /* what others wrote may wait for its end */
			watch_want(s, pushed->key, false);
		free(pushed);
		return;
	}
	pushed = pushed_new(s, route);
	if (pushed == NULL) {
		s->push.failed = true;
		return;
	}
	s->push.open++;
	if (!write_route(s, pushed->key, pushed->pattern,
	        set ? &entered->to : NULL,
	        name != NULL && name->canonical, push_answered, pushed)) {
		s->push.open--;
		free(pushed);
	}
}

static void
push_ended(struct store_redis *s)
{
	s->push.running = false;
	note_saved(s); /* the last ones may have been dropped */
	if (s->unsaved.count > 0)
		timer_set(&s->r->loop.timers, &s->push.timer,
		    clock_mono_ms() +
		        (s->push.failed ? PUSH_LATER_MS : PUSH_SOON_MS));
	if (s->pass.phase == PASS_IDLE && !timer_is_set(&s->pass.timer))
		pass_begin(s); /* the first one after a connect */
}

static void
push_more(struct store_redis *s)
{
	struct push *p = &s->push;
	const struct unsaved_route *route;

	while (store_redis_is_up(s) && p->running &&
	    p->open < WINDOW_MAX) {
		route = unsaved_after(&s->unsaved,
		    *p->key == '\0' ? NULL : p->key, p->pattern);
		if (route == NULL)
			break;
		strlcpy(p->key, route->key, sizeof(p->key));
		strlcpy(p->pattern, route->pattern, sizeof(p->pattern));
		push_route(s, route);
	}
	if (store_redis_is_up(s) && p->running && p->open == 0)
		push_ended(s);
}

static void
push_begin(struct store_redis *s)
{
	s->push.running = true;
	s->push.failed = false;
	*s->push.key = *s->push.pattern = '\0';
	timer_clear(&s->r->loop.timers, &s->push.timer);
	push_more(s);
}

void
store_redis_push(struct store_redis *s)
{
	if (s->ready && !s->push.running && !timer_is_set(&s->push.timer))
		timer_set(&s->r->loop.timers, &s->push.timer,
		    clock_mono_ms() + PUSH_SOON_MS);
}

static void
push_fired(struct timer *t)
{
	struct store_redis *s = (struct store_redis *)((char *)t -
	    offsetof(struct store_redis, push.timer));

	if (store_redis_is_up(s))
		push_begin(s);
}

/* First ours out, then theirs in: push_ended() begins the pass. */
static void
tracking(struct store_redis *s)
{
	char address[ADDR_TEXT_MAX];

	log_event(LOG_NOTICE, "redis-connected", "address=%s unsaved=%zu",
	    addr_format(&s->r->conf->redis, address), s->unsaved.count);
	s->lost_logged = false;
	s->ready = true;
	push_begin(s);
}

static void
connection_up(struct redis *c)
{
	struct store_redis *s = c->owner;

	if (s->commands.state == REDIS_UP && s->messages.state == REDIS_UP)
		watch_begin(s, tracking);
}

/* One connection is of no use without the other: both are made anew. */
static void
connection_down(struct redis *c, const char *why)
{
	struct store_redis *s = c->owner;
	char address[ADDR_TEXT_MAX];

	if (!s->lost_logged)
		log_event(LOG_ERR, "redis-lost", "address=%s: %s",
		    addr_format(&s->r->conf->redis, address), why);
	s->lost_logged = true;
	s->ready = false;
	s->push.running = false;
	timer_clear(&s->r->loop.timers, &s->push.timer);
	pass_stop(s);
	watch_forget(s);
	redis_lose(c == &s->commands ? &s->messages : &s->commands, why);
}

static void
message(struct redis *c, const redisReply *reply)
{
	watch_message(c->owner, reply);
}

struct store_redis *
store_redis_open(struct registrar *r)
{
	static const struct redis_ops commands = { connection_up,
		connection_down, NULL };
	static const struct redis_ops messages = { connection_up,
		connection_down, message };
	struct store_redis *s = calloc(1, sizeof(*s));

	if (s == NULL) {
		log_event(LOG_ERR, "redis-lost", "out of memory");
		return NULL;
	}
	s->r = r;
	arc4random_buf(s->hash_key, sizeof(s->hash_key));
	TAILQ_INIT(&s->saves);
	unsaved_init(&s->unsaved);
	s->push.timer.fire = push_fired;
	watch_init(s);
	pass_init(s);
	redis_open(&s->commands, &r->loop, &r->boot.conf->redis,
	    r->boot.conf->redis_user, r->boot.conf->redis_password, &commands, s);
	redis_open(&s->messages, &r->loop, &r->boot.conf->redis,
	    r->boot.conf->redis_user, r->boot.conf->redis_password, &messages, s);
	return s;
}

void
store_redis_close(struct store_redis *s)
{
	if (s == NULL)
		return;
	s->ready = false;
	redis_close(&s->commands);
	redis_close(&s->messages);
	timer_clear(&s->r->loop.timers, &s->push.timer);
	pass_release(s);
	watch_release(s);
	unsaved_release(&s->unsaved);
	free(s);
}

void
store_redis_status(const struct store_redis *s,
    struct store_redis_status *status)
{
	*status = (struct store_redis_status){
		.connected = s->ready,
		.synced_ms = s->pass.synced_ms,
		.unsaved = s->unsaved.count,
		.refused = s->watch.refused,
	};
}
