/*
 * Brings changes to the primary, and has replicas acknowledge them, many at a
 * time, when that is asked for.
 */
#include "registrar/redis_save.h"

#include <stdio.h>
#include <stdlib.h>

#include "lib/clock.h"
#include "lib/container.h"
#include "lib/log.h"
#include "registrar/process.h"
#include "registrar/redis_push.h"
#include "registrar/redis_write.h"
#include "registrar/store_redis.h"

#define SAVE_TRIES 3
#define STRUCK_MAX 16384   /* that are remembered; some 2 MB */
#define WAIT_MS "500"	   /* for the replicas */
#define WAIT_SHORT_MS "20" /* when they were not there the last time */

/* A change whose answer has not come. */
struct save {
	TAILQ_ENTRY(save) entry;
	struct store_redis *store; /* borrowed, like the change */
	struct change *change;
	unsigned tries;
};

/*
 * It is taken, not before: a removal that was answered with fail is none.  Too
 * many: those who have lost that much get some of it back.
 */
static void
note_struck(struct store_redis *s, const struct change *change)
{
	if (change->kind != CHANGE_STRIKE) {
		unsaved_remove(&s->struck, change->key, change->pattern, 0);
		return;
	}
	if (s->struck.count >= STRUCK_MAX)
		unsaved_release(&s->struck);
	unsaved_add(&s->struck, CHANGE_STRIKE, change->key, change->pattern,
	    change->version);
}

static void
save_done(struct store_redis *s, struct save *save)
{
	struct change *change = save->change;

	free(save);
	unsaved_remove(&s->unsaved, change->key, change->pattern, 0);
	push_note_saved(s);
	note_struck(s, change);
	change_stored(s->r, change, true);
}

/* Redis did not take it: what that means is for the operator to say. */
static void
not_saved(struct store_redis *s, struct change *change, const char *why)
{
	if (s->r->conf->store_down == STORE_DOWN_ACCEPT && !change->yields &&
	    unsaved_add(&s->unsaved, change->kind, change->key, change->pattern,
		change->version)) {
		change->unsaved = s->unsaved.kept = true;
		push_note_refused(s, why);
		push_begin(s);
		note_struck(s, change);
		change_stored(s->r, change, true);
		return;
	}
	snprintf(change->why, sizeof(change->why),
	    "Redis cannot store the route (%.60s): try again later", why);
	change_stored(s->r, change, false);
}

/* Too few replicas have it: the primary has, and so has SQLite soon. */
static void
not_replicated(struct store_redis *s, struct save *save)
{
	struct change *change = save->change;

	if (s->r->conf->store_down == STORE_DOWN_ACCEPT) {
		save_done(s, save);
		return;
	}
	free(save);
	store_redis_restore(s, change->key, change->pattern);
	not_saved(s, change, "too few replicas have it");
}

static void
note_replicas(struct store_redis *s, bool enough)
{
	struct saving *w = &s->saving;

	if (!enough && !w->few_replicas)
		log_event(LOG_WARNING, "redis-replicas",
		    "fewer than wait_replicas=%u have what is written",
		    s->r->conf->wait_replicas);
	else if (enough && w->few_replicas)
		log_event(LOG_NOTICE, "redis-replicas", "enough again");
	w->few_replicas = !enough;
}

/* Answers come in order: what is in written was sent before this WAIT. */
static void
waited(void *arg, const redisReply *reply)
{
	struct store_redis *s = arg;
	struct saving *w = &s->saving;
	struct saves written = TAILQ_HEAD_INITIALIZER(written);
	struct save *save;
	bool enough = reply != NULL && reply->type == REDIS_REPLY_INTEGER &&
		      reply->integer >= (long long)s->r->conf->wait_replicas;

	w->waiting = false;
	if (reply != NULL)
		note_replicas(s, enough);
	TAILQ_CONCAT(&written, &w->written, entry);
	while ((save = TAILQ_FIRST(&written)) != NULL) {
		TAILQ_REMOVE(&written, save, entry);
		if (enough)
			save_done(s, save);
		else
			not_replicated(s, save);
	}
}

/* One WAIT for all that was written until now; the next when it is answered. */
static void
wait_for_replicas(struct ev_task *task)
{
	struct saving *w = container_of(task, struct saving, wait);
	struct store_redis *s = container_of(w, struct store_redis, saving);
	char replicas[16];

	if (w->waiting || TAILQ_EMPTY(&w->written))
		return;
	snprintf(replicas, sizeof(replicas), "%u", s->r->conf->wait_replicas);
	w->waiting = true;
	if (!redis_command(&s->writes, waited, s, "WAIT", replicas,
		w->few_replicas ? WAIT_SHORT_MS : WAIT_MS, NULL))
		waited(s, NULL);
}

static bool save_send(struct save *save);

/* It is later than what is there, whatever our clock says. */
static bool
save_anew(struct save *save, uint64_t newer)
{
	struct changes *changes = &save->store->r->changes;

	change_version_seen(changes, newer);
	save->change->version = change_version(changes);
	return ++save->tries < SAVE_TRIES && save_send(save);
}

static void
saved(void *arg, const redisReply *reply)
{
	struct save *save = arg;
	struct store_redis *s = save->store;
	struct change *change = save->change;
	uint64_t newer;
	const char *why;

	TAILQ_REMOVE(&s->saving.saves, save, entry);
	switch (write_read(s, change->key, reply, &newer, &why)) {
	case WRITE_DONE:
		if (s->r->conf->wait_replicas == 0) {
			save_done(s, save);
			return;
		}
		TAILQ_INSERT_TAIL(&s->saving.written, save, entry);
		if (!s->saving.waiting)
			ev_later(&s->r->loop, &s->saving.wait);
		return;
	case WRITE_NEWER:
		change->yields = change->yields || change->base != 0;
		/* FALLTHROUGH */
	case WRITE_AGAIN:
		if ((newer == 0 || !change->yields) && save_anew(save, newer))
			return;
		why = "it was changed meanwhile";
		break;
	case WRITE_LOST:
		store_redis_restore(s, change->key, change->pattern);
		break; /* not_saved() may mend that */
	case WRITE_FAILED:
		break;
	}
	free(save);
	not_saved(s, change, why);
	write_leave_replica(s);
}

static bool
save_send(struct save *save)
{
	struct store_redis *s = save->store;
	const struct change *change = save->change;
	const struct redis_write w = {
		.key = change->key,
		.pattern = change->pattern,
		.to = change->kind == CHANGE_SET ? &change->to : NULL,
		.canonical = change->canonical,
		.version = change->version,
		.since_ms = clock_real_ms(),
		.base = change->base,
	};

	TAILQ_INSERT_TAIL(&s->saving.saves, save, entry);
	if (write_send(s, &w, saved, save))
		return true;
	TAILQ_REMOVE(&s->saving.saves, save, entry);
	return false;
}

void
store_redis_save(struct store_redis *s, struct change *change)
{
	struct save *save;

	if (!store_redis_may_write(s)) {
		not_saved(s, change, "Redis is not connected");
		return;
	}
	save = calloc(1, sizeof(*save));
	if (save == NULL) {
		not_saved(s, change, "out of memory");
		return;
	}
	save->store = s;
	save->change = change;
	if (!save_send(save)) {
		free(save);
		not_saved(s, change, "too much is waiting to be sent");
	}
}

void
saving_init(struct store_redis *s)
{
	TAILQ_INIT(&s->saving.saves);
	TAILQ_INIT(&s->saving.written);
	s->saving.wait.run = wait_for_replicas;
}

void
saving_stop(struct store_redis *s)
{
	ev_forget(&s->r->loop, &s->saving.wait);
	if (!TAILQ_EMPTY(&s->saving.written) && !s->saving.waiting)
		waited(s, NULL); /* no WAIT was sent for these yet */
}
