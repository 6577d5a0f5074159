/*
 * Names that may have changed in Redis: each is read again, and what differs
 * from the book goes there.  Our own writes come back the same way and find the
 * book as they say.
 */
#include "registrar/redis_watch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/clock.h"
#include "lib/container.h"
#include "lib/log.h"
#include "registrar/process.h"
#include "registrar/redis_layout.h"
#include "registrar/redis_merge.h"
#include "registrar/redis_pass.h"
#include "registrar/redis_read.h"
#include "registrar/store_redis.h"

/*
 * A name rests for so long when a change of ours is under way; and when it
 * lost routes: a FLUSHALL on its heels makes that a loss, not a wish.
 */
#define REST_MS 20

#define WANTED_MAX 100000	      /* names to be read, at a time */
#define TOO_LARGE_MS (10 * 60 * 1000) /* before such a name is read again */

struct wanted {
	RB_ENTRY(wanted) name_entry;
	TAILQ_ENTRY(wanted) entry; /* of queue or resting; not while reading */
	struct store_redis *store; /* borrowed */
	enum { QUEUED, READING, RESTING } state;
	bool alone;	   /* nothing else was asked for with it */
	bool again;	   /* it changed while it was read */
	bool forgotten;	   /* the answer is not wanted any more */
	bool live;	   /* it changed now; else only the pass wants it */
	unsigned for_pass; /* how often the pass has asked for it */
	bool sure;	   /* it had lost routes, and has rested since */
	char *key;	   /* owned, in the same allocation */
};

static int
compare(const struct wanted *a, const struct wanted *b)
{
	return strcmp(a->key, b->key);
}

RB_GENERATE_INTERNAL(
    wanted_names, wanted, name_entry, compare, static __attribute__((unused)))

static struct wanted *
find(struct watch *w, const char *key)
{
	struct wanted like = { .key = (char *)key };

	return RB_FIND(wanted_names, &w->names, &like);
}

static void
enqueue(struct watch *w, struct wanted *name)
{
	name->state = QUEUED;
	w->queued++;
	TAILQ_INSERT_TAIL(&w->queue, name, entry);
}

/* At the end of the turn, when all are known that can be read together. */
static void
pump_later(struct store_redis *s)
{
	ev_later(&s->r->loop, &s->watch.pump);
}

static void
unlink_name(struct watch *w, struct wanted *name)
{
	if (name->state == QUEUED) {
		TAILQ_REMOVE(&w->queue, name, entry);
		w->queued--;
	} else if (name->state == RESTING)
		TAILQ_REMOVE(&w->resting, name, entry);
	RB_REMOVE(wanted_names, &w->names, name);
	w->nnames--;
}

/* Done with it, for now. */
static void
finish(struct wanted *name)
{
	struct store_redis *s = name->store;
	unsigned for_pass = name->for_pass;

	unlink_name(&s->watch, name);
	free(name);
	while (for_pass-- > 0)
		pass_read_done(s);
}

static void
rest(struct wanted *name)
{
	struct store_redis *s = name->store;

	name->state = RESTING;
	TAILQ_INSERT_TAIL(&s->watch.resting, name, entry);
	if (!timer_is_set(&s->watch.timer))
		timer_set(&s->r->loop.timers, &s->watch.timer,
		    clock_mono_ms() + REST_MS);
}

void
watch_refused(
    struct store_redis *s, const char *name, size_t count, const char *why)
{
	uint64_t hash = store_redis_hash(s, name);
	uint64_t *slot = &s->watch.refused_names[hash % REFUSED_NAMES];

	s->watch.refused += count;
	if (*slot != 0)
		return; /* this one, or another that has its place: enough */
	*slot = hash;
	log_event(LOG_WARNING, "redis-refused", "key=%.128s entries=%zu: %s",
	    name, count, why);
}

static void
refuse_large(struct store_redis *s, const char *key)
{
	uint64_t hash = store_redis_hash(s, key);
	size_t at = hash % TOO_LARGE_NAMES;

	s->watch.any_too_large = true;
	s->watch.too_large[at].name = hash;
	s->watch.too_large[at].until_ms = clock_mono_ms() + TOO_LARGE_MS;
	watch_refused(s, key, 1, "its reply is too large");
}

static bool
is_too_large(const struct store_redis *s, const char *key)
{
	uint64_t hash;
	size_t at;

	if (!s->watch.any_too_large)
		return false;
	hash = store_redis_hash(s, key);
	at = hash % TOO_LARGE_NAMES;
	return s->watch.too_large[at].name == hash &&
	       s->watch.too_large[at].until_ms > clock_mono_ms();
}

/* Bring the book in line; a name that lost routes rests before it does. */
static void
apply(struct wanted *wanted, struct redis_view *view)
{
	static struct redis_merge m; /* large; used here only */
	struct store_redis *s = wanted->store;
	char redis_key[REDIS_KEY_MAX];

	redis_merge(&m, s, wanted->key, wanted->live, view);
	for (size_t i = 0; i < m.nroutes; i++)
		nodes_note(s, &m.routes[i]);
	if (view->refused > 0)
		watch_refused(s, redis_routes_key(wanted->key, redis_key),
		    view->refused, view->why);
	if (m.lost && !wanted->sure) {
		wanted->sure = true;
		rest(wanted);
		return;
	}
	if (m.changed || m.lost) {
		s->pass.unkept = s->pass.unkept || !wanted->live;
		foreign_enter(s->r, wanted->key, m.canonical, m.routes,
		    m.nroutes, !wanted->live);
	}
	finish(wanted);
}

/*
 * What is unsaved comes again when it is pushed: our own write tells us.  That
 * may be after the pass, which alone knows that there was a loss.
 */
static void
defer(struct wanted *name, const struct redis_view *view)
{
	if (unsaved_has(&name->store->unsaved, name->key)) {
		redis_merge_loss(name->store, name->key, view);
		finish(name);
	} else
		rest(name);
}

/* Each by itself, then: one may well be lost that is done with here. */
static void
read_alone(struct wanted *name)
{
	struct watch *w = &name->store->watch;

	w->alone_ms = clock_mono_ms() + TOO_LARGE_MS;
	enqueue(w, name);
}

static void
read_error(struct wanted *name, const redisReply *reply)
{
	struct store_redis *s = name->store;
	char redis_key[REDIS_KEY_MAX];

	redis_routes_key(name->key, redis_key);
	if (redis_is_error(reply, "WRONGTYPE"))
		watch_refused(s, redis_key, 1, "it has another type");
	else if (!redis_is_error(reply, REDIS_TOO_LARGE))
		redis_lose(&s->reads, reply->str);
	else if (name->alone)
		refuse_large(s, redis_key);
	else { /* one of those that were asked for with it is */
		read_alone(name);
		return;
	}
	finish(name);
}

static void
entry_read(struct wanted *name, const struct redis_entry *entry)
{
	static struct redis_view view; /* as large as that */
	struct store_redis *s = name->store;

	if (entry->routes->type == REDIS_REPLY_ERROR) {
		read_error(name, entry->routes);
		return;
	}
	if (s->pass.awaited) { /* which is going to read this one, too */
		finish(name);
		return;
	}
	view.canonical = entry->mark->type == REDIS_REPLY_INTEGER &&
			 entry->mark->integer > 0;
	view.vet = &s->r->vet;
	redis_view_records(&view, entry->records);
	if (!redis_view_read(&view, name->key, entry->routes)) {
		redis_lose(&s->reads, "a reply of the wrong type");
		finish(name);
	} else if (store_redis_busy(s, name->key))
		defer(name, &view);
	else
		apply(name, &view);
}

static void
answered(void *arg, const struct redis_entry *entry, const redisReply *fault)
{
	struct wanted *name = arg;
	struct store_redis *s = name->store;
	bool lost = entry == NULL && fault == NULL;

	s->watch.reading--;
	pump_later(s);
	if (lost)
		name->for_pass = 0; /* it ends too */
	if (lost || (name->forgotten && !name->again)) {
		finish(name);
	} else if (name->again) {
		name->again = name->forgotten = name->sure = false;
		enqueue(&s->watch, name);
	} else if (fault != NULL) {
		read_error(name, fault);
	} else {
		entry_read(name, entry);
	}
}

/* Read the first n of the queue. */
static bool
send_read(struct store_redis *s, size_t n)
{
	struct watch *w = &s->watch;
	struct wanted *name = TAILQ_FIRST(&w->queue);
	const char *keys[READ_NAMES];
	void *args[READ_NAMES];

	for (size_t i = 0; i < n; i++, name = TAILQ_NEXT(name, entry)) {
		keys[i] = name->key;
		args[i] = name;
	}
	if (!redis_read(&s->reads, keys, args, n, answered))
		return false;
	for (size_t i = 0; i < n; i++) {
		name = args[i];
		TAILQ_REMOVE(&w->queue, name, entry);
		name->state = READING;
		name->alone = n == 1;
	}
	w->reading += n;
	w->queued -= n;
	return true;
}

/* Read what is queued, so many at a time. */
static void
pump(struct ev_task *task)
{
	struct watch *w = container_of(task, struct watch, pump);
	struct store_redis *s = container_of(w, struct store_redis, watch);
	size_t most = clock_mono_ms() < w->alone_ms ? 1 : READ_NAMES, n;

	while (
	    store_redis_is_up(s) && w->queued > 0 && w->reading < WINDOW_MAX) {
		n = w->queued < most ? w->queued : most;
		if (!send_read(s, n))
			redis_lose(&s->reads, "too much is waiting to be sent");
	}
}

static struct wanted *
wanted_new(struct store_redis *s, const char *key)
{
	size_t size = strlen(key) + 1;
	struct wanted *name = calloc(1, sizeof(*name) + size);

	if (name == NULL)
		return NULL;
	name->store = s;
	name->key = (char *)(name + 1);
	memcpy(name->key, key, size);
	RB_INSERT(wanted_names, &s->watch.names, name);
	s->watch.nnames++;
	enqueue(&s->watch, name);
	return name;
}

/* The record of a name to read; NULL: it cannot be read now. */
static struct wanted *
wanted_of(struct store_redis *s, const char *key)
{
	struct wanted *name = find(&s->watch, key);

	if (name != NULL) {
		name->again = name->state == READING;
		return name;
	}
	return s->watch.nnames < WANTED_MAX ? wanted_new(s, key) : NULL;
}

void
watch_want(struct store_redis *s, const char *key, bool for_pass)
{
	char redis_key[REDIS_KEY_MAX];
	struct wanted *name;

	if (is_too_large(s, redis_routes_key(key, redis_key))) {
		if (for_pass)
			pass_read_done(s); /* it is there, and refused */
		return;
	}
	name = wanted_of(s, key);
	if (name == NULL) { /* a later pass may see it */
		if (for_pass)
			pass_unread(s);
		return;
	}
	name->live = name->live || !for_pass;
	name->for_pass += for_pass;
	pump_later(s);
}

void
watch_forget(struct store_redis *s)
{
	struct wanted *name, *next;

	timer_clear(&s->r->loop.timers, &s->watch.timer);
	RB_FOREACH_SAFE(name, wanted_names, &s->watch.names, next)
	{
		name->forgotten = true;
		name->again = name->live = false;
		name->for_pass = 0;
		if (name->state != READING)
			finish(name);
	}
}

void
watch_leave_pass(struct store_redis *s)
{
	struct wanted *name;

	RB_FOREACH(name, wanted_names, &s->watch.names)
	{
		name->for_pass = 0;
	}
}

static void
rested(struct timer *t)
{
	struct store_redis *s =
	    container_of(t, struct store_redis, watch.timer);
	struct watch *w = &s->watch;
	struct wanted *name;

	while ((name = TAILQ_FIRST(&w->resting)) != NULL) {
		TAILQ_REMOVE(&w->resting, name, entry);
		enqueue(w, name);
	}
	pump_later(s);
}

void
watch_init(struct store_redis *s)
{
	RB_INIT(&s->watch.names);
	TAILQ_INIT(&s->watch.queue);
	TAILQ_INIT(&s->watch.resting);
	s->watch.timer.fire = rested;
	s->watch.pump.run = pump;
}

/* Both connections are closed: nothing is being read. */
void
watch_release(struct store_redis *s)
{
	watch_forget(s);
	ev_forget(&s->r->loop, &s->watch.pump);
}
