/* Goes through the unsaved, a window at a time, until Redis has them all. */
#include "registrar/redis_push.h"

#include <bsd/string.h>
#include <stdlib.h>
#include <string.h>

#include "lib/clock.h"
#include "lib/container.h"
#include "lib/log.h"
#include "registrar/process.h"
#include "registrar/redis_pass.h"
#include "registrar/redis_watch.h"
#include "registrar/redis_write.h"
#include "registrar/store_redis.h"

#define PUSH_SOON_MS 100   /* what was added since, or is not in the book yet */
#define PUSH_LATER_MS 5000 /* what Redis refused */

struct pushed {
	struct store_redis *store;
	uint64_t serial, version;
	char *key, *pattern; /* owned, in the same allocation */
};

void
push_note_refused(struct store_redis *s, const char *why)
{
	bool *logged =
	    store_redis_may_write(s) ? &s->refusal_logged : &s->unsaved_logged;

	if (!*logged)
		log_event(LOG_WARNING, "redis-unsaved",
		    "%s: changes are kept, and written later", why);
	*logged = true;
}

void
push_note_saved(struct store_redis *s)
{
	if (s->unsaved.count > 0)
		return;
	if (s->unsaved_logged || s->refusal_logged)
		log_event(LOG_NOTICE, "redis-saved", "Redis has all changes");
	s->unsaved_logged = s->refusal_logged = false;
	if (s->unsaved.kept) /* SQLite has them, too */
		store_io_saved(s->r->io);
	s->unsaved.kept = false;
}

static void push_more(struct store_redis *s);

static void
answered(void *arg, const redisReply *reply)
{
	struct pushed *pushed = arg;
	struct store_redis *s = pushed->store;
	uint64_t newer;
	const char *why;

	s->push.open--;
	switch (write_read(s, pushed->key, reply, &newer, &why)) {
	case WRITE_NEWER:
		change_version_seen(&s->r->changes, newer);
		unsaved_remove(
		    &s->unsaved, pushed->key, pushed->pattern, pushed->serial);
		watch_want(s, pushed->key, false);
		break;
	case WRITE_DONE:
		unsaved_remove(
		    &s->unsaved, pushed->key, pushed->pattern, pushed->serial);
		break;
	case WRITE_AGAIN:
		break;
	case WRITE_FAILED:
	case WRITE_LOST:
		s->push.failed = true;
		push_note_refused(s, why);
		break;
	}
	push_note_saved(s);
	free(pushed);
	if (!write_leave_replica(s) && reply != NULL)
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
	pushed->version = route->version;
	pushed->key = (char *)(pushed + 1);
	pushed->pattern = pushed->key + key_size;
	memcpy(pushed->key, route->key, key_size);
	memcpy(pushed->pattern, route->pattern, pattern_size);
	return pushed;
}

/* The change did not come about: what others wrote may wait for its end. */
static void
drop(struct store_redis *s, const struct unsaved_route *route)
{
	struct pushed *pushed = pushed_new(s, route);

	unsaved_remove(&s->unsaved, route->key, route->pattern, 0);
	if (pushed != NULL)
		watch_want(s, pushed->key, false);
	free(pushed);
}

static void
push_route(struct store_redis *s, const struct unsaved_route *route)
{
	struct book_name *name = book_find(&s->r->book, route->key);
	struct book_route *entered =
	    name == NULL ? NULL : book_find_route(name, route->pattern);
	struct redis_write w = { .version = route->version };
	bool set = route->kind == CHANGE_SET;
	struct pushed *pushed;

	if (changes_busy(&s->r->changes, route->key))
		return; /* the next round has it */
	if (set != (entered != NULL)) {
		drop(s, route);
		return;
	}
	pushed = pushed_new(s, route);
	if (pushed == NULL) {
		s->push.failed = true;
		return;
	}
	w.key = pushed->key;
	w.pattern = pushed->pattern;
	w.canonical = name != NULL && name->canonical;
	w.since_ms = clock_real_ms();
	if (set) {
		w.to = &entered->to;
		w.since_ms = entered->since_ms;
		if (entered->version > w.version)
			w.version = entered->version;
		entered->version = w.version;
	}
	s->push.open++;
	if (!write_send(s, &w, answered, pushed)) {
		s->push.open--;
		s->push.failed = true;
		free(pushed);
	}
}

static void
ended(struct store_redis *s)
{
	s->push.running = false;
	push_note_saved(s); /* the last ones may have been dropped */
	if (s->unsaved.count > 0)
		timer_set(&s->r->loop.timers, &s->push.timer,
		    clock_mono_ms() +
			(s->push.failed ? PUSH_LATER_MS : PUSH_SOON_MS));
	if (s->pass_wanted && store_redis_is_up(s)) {
		s->pass_wanted = false;
		pass_begin(s); /* the first one after a connect */
	}
}

static void
push_more(struct store_redis *s)
{
	struct push *p = &s->push;
	const struct unsaved_route *route;

	while (store_redis_may_write(s) && p->running && p->open < WINDOW_MAX) {
		route = unsaved_after(
		    &s->unsaved, *p->key == '\0' ? NULL : p->key, p->pattern);
		if (route == NULL)
			break;
		strlcpy(p->key, route->key, sizeof(p->key));
		strlcpy(p->pattern, route->pattern, sizeof(p->pattern));
		push_route(s, route);
	}
	if (store_redis_may_write(s) && p->running && p->open == 0)
		ended(s);
}

void
push_now(struct store_redis *s)
{
	s->push.running = true;
	s->push.failed = false;
	*s->push.key = *s->push.pattern = '\0';
	timer_clear(&s->r->loop.timers, &s->push.timer);
	push_more(s);
}

void
push_begin(struct store_redis *s)
{
	if (store_redis_may_write(s) && !s->push.running &&
	    !timer_is_set(&s->push.timer))
		timer_set(&s->r->loop.timers, &s->push.timer,
		    clock_mono_ms() + PUSH_SOON_MS);
}

static void
fired(struct timer *t)
{
	struct store_redis *s = container_of(t, struct store_redis, push.timer);

	if (store_redis_may_write(s))
		push_now(s);
}

void
push_init(struct store_redis *s)
{
	s->push.timer.fire = fired;
}

void
push_stop(struct store_redis *s)
{
	s->push.running = false;
	timer_clear(&s->r->loop.timers, &s->push.timer);
}
