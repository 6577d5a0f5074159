/*
 * The full pass over Redis, after each connect and every 60 s: heals what was
 * missed, and never takes a loss for a wish (1-registration.md 1.3).
 */
#include "registrar/redis_pass.h"

#include <bsd/string.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/clock.h"
#include "lib/container.h"
#include "lib/log.h"
#include "registrar/process.h"
#include "registrar/publish.h"
#include "registrar/redis_layout.h"
#include "registrar/redis_watch.h"
#include "registrar/store_redis.h"

#define PASS_MS 60000
#define KEEP_MS 1000 /* so long only memory has what a pass has found */
#define SCAN_COUNT 512
#define EXPECT_MAX 1000000 /* names; so many a table is made for */
#define NAMES_MAX 4000000  /* more than a table holds; SCAN may repeat some */
#define HELD_ROUTES 50	   /* a pass that removes more than this, ... */
#define HELD_PERCENT 20	   /* ... and more than that, is held */

static void step(struct store_redis *s);

static void
forget_names(struct pass *p)
{
	while (p->ngoing > 0)
		free(p->going[--p->ngoing]);
	p->routes_going = 0;
	p->going_hash = 0;
	p->nseen = 0;
}

/*
 * SQLite gets what was found in parts: many together, which is much cheaper
 * than one by one, and before a registrar that is killed can have lost much.
 */
static void
keep_found(struct store_redis *s)
{
	if (s->pass.unkept)
		store_io_keep(s->r->io);
	s->pass.unkept = false;
	s->pass.kept_ms = s->r->loop.now_ms;
}

void
pass_stop(struct store_redis *s)
{
	timer_clear(&s->r->loop.timers, &s->pass.timer);
	forget_names(&s->pass);
	keep_found(s);
	publish_expect(s->r, 0);
	s->pass.phase = PASS_IDLE;
	s->pass.open = 0;
	s->pass.scanning = false;
}

void
pass_release(struct store_redis *s)
{
	pass_stop(s);
	free(s->pass.seen);
	free(s->pass.going);
}

static void
end(struct store_redis *s)
{
	pass_stop(s);
	timer_set(
	    &s->r->loop.timers, &s->pass.timer, clock_mono_ms() + PASS_MS);
}

/* It cannot be completed, so it removes nothing; there is a next one. */
static void
give_up(struct store_redis *s, const char *why)
{
	log_event(LOG_ERR, "redis-pass-failed", "%s", why);
	watch_leave_pass(s);
	end(s);
}

/* Make room for one more of that size. */
static bool
grow(void **array, size_t *size, size_t used, size_t each)
{
	void *larger;

	if (used < *size)
		return true;
	larger = reallocarray(*array, *size * 2 + 1024, each);
	if (larger == NULL)
		return false;
	*array = larger;
	*size = *size * 2 + 1024;
	return true;
}

void
pass_going(struct store_redis *s, const char *key, const char *pattern)
{
	struct pass *p = &s->pass;
	char *copy;

	p->routes_going++;
	p->going_hash +=
	    store_redis_hash(s, key) * store_redis_hash(s, pattern);
	if (p->ngoing > 0 && strcmp(p->going[p->ngoing - 1], key) == 0)
		return;
	copy = strdup(key);
	if (copy == NULL || !grow((void **)&p->going, &p->going_size, p->ngoing,
				sizeof(*p->going))) {
		free(copy); /* it stays until the next pass */
		return;
	}
	p->going[p->ngoing++] = copy;
}

/*
 * May what this pass misses be removed?  Much at a time only when a second
 * pass, PASS_MS later, misses the same.
 */
static bool
believed(struct store_redis *s)
{
	struct pass *p = &s->pass;
	uint64_t now = clock_mono_ms();

	if (p->routes_going <= HELD_ROUTES ||
	    p->routes_going * 100 <= s->r->book.nroutes * HELD_PERCENT)
		return true;
	if (p->routes_going <= p->confirmed)
		return true;
	if (p->held_ms != 0 && p->held_hash == p->going_hash)
		return now - p->held_ms >= PASS_MS;
	p->held_hash = p->going_hash;
	p->held_ms = now;
	log_event(LOG_ALERT, "redis-held",
	    "Redis lacks %zu of %zu routes: kept, removed only if it lacks "
	    "the same in 60 s, or by dynproxyctl believe",
	    p->routes_going, s->r->book.nroutes);
	p->held = p->routes_going;
	return false;
}

/* Each name that lost routes is read once more before it does. */
static void
remove_going(struct store_redis *s)
{
	struct pass *p = &s->pass;

	for (size_t i = 0; i < p->ngoing; i++)
		watch_want(s, p->going[i], false);
}

/* Whoever flushes it again and again does not fill the log. */
static void
alert_loss(struct store_redis *s)
{
	struct pass *p = &s->pass;
	uint64_t now = clock_mono_ms();

	if (p->alerted_ms != 0 && now - p->alerted_ms < PASS_MS)
		return;
	p->alerted_ms = now;
	log_event(LOG_ALERT, "redis-loss",
	    "Redis is another one, or was flushed: its names=%zu are "
	    "added, and what it lacks is written to it, routes=%zu",
	    p->nseen, p->missing);
}

static void
complete(struct store_redis *s)
{
	struct pass *p = &s->pass;

	if (p->partial) { /* what was lost of the others is not known yet */
		give_up(s, "too many names wait to be read");
		return;
	}
	if (p->loss && p->missing > 0)
		alert_loss(s);
	else if (p->loss) /* restarted from its own file, mostly */
		log_event(LOG_NOTICE, "redis-another",
		    "Redis is another one, or was flushed, and lacks nothing: "
		    "names=%zu",
		    p->nseen);
	p->loss = false;
	p->missing = 0;
	strlcpy(p->known, p->redis.replid, sizeof(p->known));
	p->synced_ms = clock_real_ms();
	if (believed(s)) {
		p->held_ms = 0;
		p->held = 0;
		remove_going(s);
	}
	p->confirmed = 0;
	end(s);
}

static int
compare_hashes(const void *a, const void *b)
{
	uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;

	return (left > right) - (left < right);
}

static bool
was_seen(const struct store_redis *s, const char *key)
{
	uint64_t hash = store_redis_hash(s, key);

	/* an array of none may be NULL, which bsearch(3) may not be given */
	return s->pass.nseen > 0 && bsearch(&hash, s->pass.seen, s->pass.nseen,
					sizeof(hash), compare_hashes) != NULL;
}

static void
want(struct store_redis *s, const char *key)
{
	s->pass.open++; /* before: it may be done at once */
	watch_want(s, key, true);
}

/* SCAN is through: what only the book has comes next. */
static void
begin_book(struct store_redis *s)
{
	struct pass *p = &s->pass;

	p->phase = PASS_BOOK;
	*p->book_at = '\0';
	if (p->nseen > 0)
		qsort(p->seen, p->nseen, sizeof(*p->seen), compare_hashes);
	else if (p->expected)
		p->loss = true; /* an empty one was emptied, or is new */
}

static void
step_book(struct store_redis *s)
{
	struct pass *p = &s->pass;
	struct book_name *name = book_from(&s->r->book, p->book_at);

	if (name != NULL && strcmp(name->key, p->book_at) == 0)
		name = book_next(&s->r->book, name);
	p->walking = true;
	for (; name != NULL && p->open < WINDOW_MAX;
	     name = book_next(&s->r->book, name)) {
		strlcpy(p->book_at, name->key, sizeof(p->book_at));
		if (!was_seen(s, name->key))
			want(s, name->key);
	}
	p->walking = false;
	if (name == NULL && p->open == 0)
		complete(s);
}

static void
take_name(struct store_redis *s, const redisReply *element)
{
	struct pass *p = &s->pass;
	char key[KEY_MAX];

	if (element->type != REDIS_REPLY_STRING)
		return;
	if (!redis_key_parse(
		(struct span){ element->str, element->len }, key)) {
		watch_refused(s, element->str, 1, "no valid name");
		return;
	}
	if (p->nseen >= NAMES_MAX || !grow((void **)&p->seen, &p->seen_size,
					 p->nseen, sizeof(*p->seen))) {
		give_up(s, "more names than a table may hold");
		return;
	}
	p->seen[p->nseen++] = store_redis_hash(s, key);
	p->named_ms = s->r->loop.now_ms;
	want(s, key);
}

static bool
is_scan(const redisReply *reply)
{
	return reply->type == REDIS_REPLY_ARRAY && reply->elements == 2 &&
	       reply->element[0]->type == REDIS_REPLY_STRING &&
	       reply->element[0]->len < sizeof((struct pass *)NULL)->cursor &&
	       reply->element[1]->type == REDIS_REPLY_ARRAY;
}

/* What SCAN has shown of it is like the rest: that many names are to come. */
static void
expect_names(struct store_redis *s)
{
	struct pass *p = &s->pass;
	uint64_t shown = ++p->scans * SCAN_COUNT, names;

	if (p->keys < shown || p->keys > UINT32_MAX)
		return;
	names = p->keys * p->nseen / shown;
	publish_expect(s->r, names < EXPECT_MAX ? names : EXPECT_MAX);
}

static void
scanned(void *arg, const redisReply *reply)
{
	struct store_redis *s = arg;
	struct pass *p = &s->pass;

	if (reply == NULL || !p->scanning)
		return;
	if (!is_scan(reply)) {
		redis_lose(&s->reads, redis_error(reply, "no answer to SCAN"));
		return;
	}
	if (clock_mono_ms() - p->named_ms > PASS_MS) {
		give_up(s, "SCAN does not come to its end");
		return;
	}
	strlcpy(p->cursor, reply->element[0]->str, sizeof(p->cursor));
	for (size_t i = 0; i < reply->element[1]->elements; i++) {
		take_name(s, reply->element[1]->element[i]);
		if (p->phase == PASS_IDLE)
			return;
	}
	expect_names(s);
	p->scanning = false; /* only now: step() waits for it */
	if (strcmp(p->cursor, "0") == 0) {
		if (p->phase == PASS_PREFIX)
			p->phase = PASS_FRONTEND;
		else
			begin_book(s);
	}
	step(s);
}

static void
step_scan(struct store_redis *s)
{
	struct pass *p = &s->pass;
	char count[16];

	if (p->scanning || p->open >= WINDOW_MAX)
		return;
	p->scanning = true;
	snprintf(count, sizeof(count), "%d", SCAN_COUNT);
	if (!redis_command(&s->reads, scanned, s, "SCAN", p->cursor, "MATCH",
		p->phase == PASS_PREFIX ? "prefix:*" : "frontend:*", "COUNT",
		count, NULL))
		redis_lose(&s->reads, "too much is waiting to be sent");
}

static void
step(struct store_redis *s)
{
	switch (s->pass.phase) {
	case PASS_IDLE:
	case PASS_WHO:
		break;
	case PASS_PREFIX:
	case PASS_FRONTEND:
		step_scan(s);
		break;
	case PASS_BOOK:
		step_book(s);
		break;
	}
}

void
pass_read_done(struct store_redis *s)
{
	if (s->pass.open == 0)
		return; /* of a pass that was given up */
	s->pass.open--;
	if (s->r->loop.now_ms - s->pass.kept_ms >= KEEP_MS)
		keep_found(s);
	if (!s->pass.walking) /* else it goes on there */
		step(s);
}

void
pass_unread(struct store_redis *s)
{
	s->pass.partial = true;
	pass_read_done(s);
}

/* The same data set, or a replica of it that was promoted? */
static bool
is_known(const struct pass *p)
{
	return *p->known == '\0' || *p->redis.replid == '\0' ||
	       strcmp(p->known, p->redis.replid) == 0 ||
	       strcmp(p->known, p->redis.replid2) == 0;
}

/*
 * A replica without its primary says what was, and has said it: what has gone
 * since, here too, would come back.  Once more when its data are other ones, or
 * when we were not there.
 */
static bool
has_nothing_new(const struct pass *p)
{
	return p->redis.cut_off && !p->loss && !p->awaited && p->synced_ms != 0;
}

static void
who(void *arg, const redisReply *reply)
{
	struct store_redis *s = arg;
	struct pass *p = &s->pass;
	const char *info = "";

	if (reply == NULL || p->phase != PASS_WHO)
		return;
	if (reply->type == REDIS_REPLY_STRING)
		info = reply->str;
	replication_parse(info, &p->redis);
	p->loss = p->loss || p->flushed || !is_known(p);
	if (has_nothing_new(p)) {
		end(s);
		return;
	}
	p->flushed = p->awaited = false;
	if (p->loss)
		policy_untold(s->r); /* what it says of it comes behind this */
	p->phase = PASS_PREFIX;
	step(s);
}

static void
sized(void *arg, const redisReply *reply)
{
	struct store_redis *s = arg;

	if (reply != NULL && reply->type == REDIS_REPLY_INTEGER &&
	    reply->integer > 0)
		s->pass.keys = (uint64_t)reply->integer;
}

void
pass_begin(struct store_redis *s)
{
	struct pass *p = &s->pass;

	if (p->phase != PASS_IDLE || p->flushed)
		watch_forget(s); /* it reads them all again */
	pass_stop(s);
	p->loss = p->loss || p->flushed;
	p->expected = s->r->book.nroutes > s->unsaved.count;
	p->phase = PASS_WHO;
	p->named_ms = clock_mono_ms();
	p->keys = p->scans = 0;
	p->partial = false;
	redis_policy_begin(s);
	strlcpy(p->cursor, "0", sizeof(p->cursor));
	if (!redis_command(&s->reads, sized, s, "DBSIZE", NULL) ||
	    !redis_command(&s->reads, who, s, "INFO", "replication", NULL))
		redis_lose(&s->reads, "too much is waiting to be sent");
}

size_t
store_redis_believe(struct store_redis *s)
{
	size_t held = s->pass.held;

	if (held == 0 || !store_redis_is_up(s))
		return 0;
	s->pass.confirmed = held;
	pass_begin(s);
	return held;
}

static void
fired(struct timer *t)
{
	struct store_redis *s = container_of(t, struct store_redis, pass.timer);

	if (store_redis_is_up(s))
		pass_begin(s);
}

void
pass_init(struct store_redis *s)
{
	s->pass.timer.fire = fired;
}
