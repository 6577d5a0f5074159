/*
 * The Redis store: its connections, one for what we write to the primary and
 * two for what others write, there or at a replica.
 */
#include "registrar/store_redis.h"

#include <bsd/string.h>
#include <stdlib.h>
#include <string.h>

#include "lib/log.h"
#include "lib/siphash.h"
#include "registrar/process.h"
#include "registrar/redis_nodes.h"
#include "registrar/redis_pass.h"
#include "registrar/redis_push.h"
#include "registrar/redis_save.h"
#include "registrar/redis_tracking.h"
#include "registrar/redis_watch.h"
#include "registrar/redis_write.h"

#define LOSSES_LOGGED 8 /* and no more until it was there */

uint64_t
store_redis_hash(const struct store_redis *s, const char *text)
{
	return siphash(s->hash_key, text, strlen(text)) | 1;
}

bool
store_redis_is_up(const struct store_redis *s)
{
	return s->ready && s->reads.state == REDIS_UP;
}

bool
store_redis_may_write(const struct store_redis *s)
{
	return s->writing && s->writes.state == REDIS_UP;
}

bool
store_redis_busy(struct store_redis *s, const char *key)
{
	return unsaved_has(&s->unsaved, key) ||
	       changes_busy(&s->r->changes, key);
}

void
store_redis_restore(struct store_redis *s, const char *key, const char *pattern)
{
	struct book_name *name = book_find(&s->r->book, key);
	bool entered = name != NULL && book_find_route(name, pattern) != NULL;

	if (entered)
		unsaved_remove(&s->struck, key, pattern, 0);
	unsaved_add(&s->unsaved, entered ? CHANGE_SET : CHANGE_STRIKE, key,
	    pattern, change_version(&s->r->changes));
	push_begin(s);
}

void
store_redis_unsaved(struct store_redis *s, enum change_kind kind,
    const char *key, const char *pattern, uint64_t version)
{
	unsaved_add(&s->unsaved, kind, key, pattern, version);
	s->unsaved.kept = true;
}

/* The connections. */

/* Each try fails; what is new is that it does for another reason. */
static void
lost(struct store_redis *s, const struct redis *c, const char *why)
{
	char address[ADDR_TEXT_MAX] = "none";

	if (s->lost_logged == LOSSES_LOGGED ||
	    (s->lost_logged > 0 && strcmp(why, s->lost_why) == 0))
		return;
	log_event(LOG_ERR, "redis-lost", "address=%s: %s",
	    c->addr->len == 0 ? address : addr_format(c->addr, address), why);
	strlcpy(s->lost_why, why, sizeof(s->lost_why)); /* cut is fine */
	s->lost_logged++;
}

/* First ours out, then theirs in: the push begins the pass at its end. */
static void
came(struct store_redis *s)
{
	char to[ADDR_TEXT_MAX], from[ADDR_TEXT_MAX];

	s->pass_wanted = true;
	if (s->writing && s->ready) {
		s->connects++;
		log_event(LOG_NOTICE, "redis-connected",
		    "address=%s read=%s unsaved=%zu",
		    addr_format(&s->primary, to),
		    addr_format(&s->reading, from), s->unsaved.count);
		s->lost_logged = 0;
	}
	if (s->writing)
		push_now(s);
	else
		pass_begin(s);
}

static void
may_write(struct store_redis *s)
{
	s->writing = true;
	nodes_begin(s);
	came(s);
}

static void
writes_up(struct redis *c)
{
	write_begin(c->owner, may_write);
}

static void
writes_down(struct redis *c, const char *why)
{
	struct store_redis *s = c->owner;

	lost(s, c, why);
	write_stop(s);
	saving_stop(s);
	push_stop(s);
	nodes_stop(s);
	if (s->pass.awaited && store_redis_is_up(s))
		pass_begin(s); /* it was to come behind the push */
	if (s->r->boot.conf->nredis_sentinels > 0)
		sentinel_ask(&s->sentinel);
}

static void
may_read(struct store_redis *s)
{
	s->ready = s->pass.awaited = true;
	replication_begin(s);
	came(s);
}

static void
reads_up(struct redis *c)
{
	struct store_redis *s = c->owner;

	if (s->reads.state == REDIS_UP && s->messages.state == REDIS_UP)
		tracking_begin(s, may_read);
}

static void
set_reading(struct store_redis *s)
{
	s->reading =
	    s->at_replica ? s->r->boot.conf->redis_replica : s->primary;
}

/*
 * One connection is of no use without the other: both are made anew; at the
 * primary when the replica is lost, and the other way round.
 */
static void
reads_down(struct redis *c, const char *why)
{
	struct store_redis *s = c->owner;

	if (c == &s->messages) {
		redis_lose(&s->reads, why);
		return;
	}
	lost(s, c, why);
	s->ready = false;
	pass_stop(s);
	redis_policy_stop(s);
	replication_stop(s);
	watch_forget(s);
	redis_lose(&s->messages, why);
	s->at_replica =
	    !s->at_replica && s->r->boot.conf->redis_replica.len != 0;
	set_reading(s);
}

static void
message(struct redis *c, const redisReply *reply)
{
	tracking_message(c->owner, reply);
}

/* A sentinel says so. */
static void
primary_moved(void *owner)
{
	struct store_redis *s = owner;

	redis_moved(&s->writes);
	if (store_redis_is_up(s) && s->at_replica)
		return; /* that one follows by itself, or says that not */
	redis_moved(&s->reads);
	redis_moved(&s->messages);
	set_reading(s);
}

static void
open_connections(struct store_redis *s)
{
	static const struct redis_ops writes = { writes_up, writes_down, NULL };
	static const struct redis_ops reads = { reads_up, reads_down, NULL };
	static const struct redis_ops messages = { reads_up, reads_down,
		message };
	const struct conf *conf = s->r->boot.conf; /* the others may go */
	struct ev_loop *loop = &s->r->loop;

	s->primary = conf->redis;
	s->at_replica = conf->redis_replica.len != 0;
	set_reading(s);
	redis_open(&s->writes, loop, &s->primary, conf->redis_user,
	    conf->redis_password, &writes, s);
	redis_open(&s->reads, loop, &s->reading, conf->redis_user,
	    conf->redis_password, &reads, s);
	redis_open(&s->messages, loop, &s->reading, conf->redis_user,
	    conf->redis_password, &messages, s);
	if (conf->nredis_sentinels > 0)
		sentinel_open(
		    &s->sentinel, loop, conf, &s->primary, primary_moved, s);
}

struct store_redis *
store_redis_open(struct registrar *r)
{
	struct store_redis *s = calloc(1, sizeof(*s));

	if (s == NULL) {
		log_event(LOG_ERR, "redis-lost", "out of memory");
		return NULL;
	}
	s->r = r;
	arc4random_buf(s->hash_key, sizeof(s->hash_key));
	unsaved_init(&s->unsaved);
	unsaved_init(&s->struck);
	saving_init(s);
	push_init(s);
	watch_init(s);
	pass_init(s);
	nodes_init(s);
	redis_policy_init(s);
	replication_init(s);
	open_connections(s);
	return s;
}

void
store_redis_close(struct store_redis *s)
{
	if (s == NULL)
		return;
	s->ready = s->writing = false;
	sentinel_close(&s->sentinel);
	redis_close(&s->writes);
	redis_close(&s->reads);
	redis_close(&s->messages);
	saving_stop(s);
	push_stop(s);
	nodes_stop(s);
	redis_policy_stop(s);
	replication_stop(s);
	pass_release(s);
	watch_release(s);
	unsaved_release(&s->unsaved);
	unsaved_release(&s->struck);
	free(s);
}

void
store_redis_status(
    const struct store_redis *s, struct store_redis_status *status)
{
	*status = (struct store_redis_status){
		.connected = s->ready && s->writing,
		.held = s->pass.held,
		.primary = &s->primary,
		.reading = &s->reading,
		.synced_ms = s->pass.synced_ms,
		.unsaved = s->unsaved.count,
		.reconnects = s->connects > 0 ? s->connects - 1 : 0,
		.refused = s->watch.refused,
		.forgotten = s->writer.forgotten,
		.lag_s = replication_lag(s),
	};
}
