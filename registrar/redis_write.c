/*
 * Writes routes to the primary by a script, which leaves what is newer alone;
 * and has replicas acknowledge them, many at a time, when that is asked for.
 */
#include "registrar/redis_write.h"

#include <bsd/string.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/clock.h"
#include "lib/container.h"
#include "lib/log.h"
#include "registrar/process.h"
#include "registrar/redis_layout.h"
#include "registrar/redis_push.h"
#include "registrar/redis_record.h"
#include "registrar/store_redis.h"

#define HOST_MAX 512
#define SAVE_TRIES 3
#define FORGOT_LOG_MS 60000 /* once in so long */
#define WAIT_MS "500"	    /* for the replicas */
#define WAIT_SHORT_MS "20"  /* when they were not there the last time */

/* Of both scripts: pattern, version, the greatest version that can be. */
#define NEWER_OF                                                               \
	"local function newer_of(records)\n"                                   \
	"  local was = redis.call('HGET', records, ARGV[1])\n"                 \
	"  local version = was and string.sub(was, 1, 16)\n"                   \
	"  return was and version > ARGV[2] and version <= ARGV[3]"            \
	"    and version\n"                                                    \
	"end\n"

/*
 * prefix: key, redirect: key, dynproxy:route: key; pattern, version, the
 * greatest version that can be, record, URL or "", canonical host or "".
 * HLEN finds a key of another type before anything is written.  Returns how
 * many tombstones were given up, or the version that is newer.
 */
static const char script[] = NEWER_OF
    "redis.call('HLEN', KEYS[1]) redis.call('HLEN', KEYS[2])\n"
    "local newer = newer_of(KEYS[3])\n"
    "if newer then return newer end\n"
    "if ARGV[5] == '' then redis.call('HDEL', KEYS[1], ARGV[1])\n"
    "else redis.call('HSET', KEYS[1], ARGV[1], ARGV[5]) end\n"
    "if ARGV[6] == '' then redis.call('DEL', KEYS[2])\n"
    "else redis.call('HSET', KEYS[2], ARGV[1], ARGV[6]) end\n"
    "redis.call('HSET', KEYS[3], ARGV[1], ARGV[4])\n"
    /*
     * Tombstones of ever other patterns must not grow for ever: the oldest go,
     * and first those with a version that cannot be.
     */
    "if redis.call('HLEN', KEYS[3]) <= 512 then return 0 end\n"
    "local all, struck = redis.call('HGETALL', KEYS[3]), {}\n"
    "for i = 1, #all, 2 do\n"
    "  if all[i] ~= ARGV[1] and not string.find(all[i + 1], '://', 1, true)\n"
    "  then\n"
    "    local version = string.sub(all[i + 1], 1, 16)\n"
    "    if version > ARGV[3] then version = '' end\n"
    "    table.insert(struck, { version, all[i] })\n"
    "  end\n"
    "end\n"
    "table.sort(struck, function(a, b) return a[1] < b[1] end)\n"
    "local n = math.min(#struck, #all / 2 - 448)\n"
    "for i = 1, n do redis.call('HDEL', KEYS[3], struck[i][2]) end\n"
    "return n\n";

/*
 * A set of backends, and the record of the one route that they are: frontend:
 * key, dynproxy:frontend: key; pattern, version, the greatest version that can
 * be, record, URLs with blanks between.  Returns 0, or the version that is
 * newer.
 */
static const char frontend_script[] =
    NEWER_OF "redis.call('SCARD', KEYS[1])\n"
	     "local newer = newer_of(KEYS[2])\n"
	     "if newer then return newer end\n"
	     "redis.call('DEL', KEYS[1])\n"
	     "for url in string.gmatch(ARGV[5], '%S+') do\n"
	     "  redis.call('SADD', KEYS[1], url)\n"
	     "end\n"
	     "redis.call('HSET', KEYS[2], ARGV[1], ARGV[4])\n"
	     "return 0\n";

/* A change whose answer has not come. */
struct save {
	TAILQ_ENTRY(save) entry;
	struct store_redis *store; /* borrowed, like the change */
	struct change *change;
	unsigned tries;
};

static void
loaded(void *arg, const redisReply *reply)
{
	struct store_redis *s = arg;
	struct writer *w = &s->writer;

	if (reply == NULL)
		return;
	if (reply->type != REDIS_REPLY_STRING ||
	    strlcpy(w->sha, reply->str, sizeof(w->sha)) >= sizeof(w->sha))
		redis_lose(
		    &s->writes, redis_error(reply, "no answer to SCRIPT LOAD"));
	else if (!s->writing)
		w->begun(s);
}

static bool
load_script(struct store_redis *s)
{
	return redis_command(
	    &s->writes, loaded, s, "SCRIPT", "LOAD", script, NULL);
}

/* A replica, or a primary of the past, takes nothing of ours. */
static void
role(void *arg, const redisReply *reply)
{
	struct store_redis *s = arg;
	bool is_list;

	if (reply == NULL)
		return;
	is_list = reply->type == REDIS_REPLY_ARRAY && reply->elements > 0 &&
		  reply->element[0]->type == REDIS_REPLY_STRING;
	if (reply->type == REDIS_REPLY_ERROR)
		redis_lose(&s->writes, reply->str);
	else if (!is_list || strcmp(reply->element[0]->str, "master") != 0)
		redis_lose(&s->writes, "it is not the primary");
	else if (!load_script(s))
		redis_lose(&s->writes, "out of memory");
}

void
write_begin(struct store_redis *s, void (*begun)(struct store_redis *s))
{
	s->writer.begun = begun;
	if (!redis_command(&s->writes, role, s, "ROLE", NULL))
		redis_lose(&s->writes, "out of memory");
}

/* It knows one destination of a route: the first that takes requests. */
static const char *
url_for_original(const struct destinations *to)
{
	if (to == NULL)
		return "";
	for (size_t i = 0; i < to->n; i++)
		if (!to->at[i].drained && !to->at[i].stale)
			return to->at[i].url;
	return to->at[0].url;
}

/* What both scripts are told of a route. */
struct told {
	char version[RECORD_DIGITS + 1], most[RECORD_DIGITS + 1];
	char record[RECORD_MAX];
};

/* NULL: it has no room there.  Good until the next call. */
static const struct told *
tell(const struct redis_write *w)
{
	static struct told told; /* large */
	uint64_t now = clock_real_ms();

	if (!redis_record_write(told.record, w->version, w->since_ms, w->to))
		return NULL;
	redis_version_text(w->version, told.version);
	redis_version_text(change_version_at(now + RECORD_AHEAD_MS), told.most);
	return &told;
}

static bool
send_tool(struct store_redis *s, const struct redis_write *w,
    redis_answer *answer, void *arg)
{
	const struct told *told = tell(w);
	char routes[REDIS_KEY_MAX], redirect[REDIS_KEY_MAX];
	char records[REDIS_KEY_MAX], host[HOST_MAX] = "";

	if (told == NULL)
		return false;
	if (w->canonical)
		snprintf(host, sizeof(host), "%s.%s", w->key + 1,
		    s->r->conf->web_domains[0]);
	return redis_command(&s->writes, answer, arg, "EVALSHA", s->writer.sha,
	    "3", redis_routes_key(w->key, routes),
	    redis_redirect_key(w->key, redirect),
	    redis_records_key(w->key, records), w->pattern, told->version,
	    told->most, told->record, url_for_original(w->to), host, NULL);
}

static bool
send_frontend(struct store_redis *s, const struct redis_write *w,
    redis_answer *answer, void *arg)
{
	static char urls[RECORD_MAX];
	const struct told *told = tell(w);
	char backends[REDIS_KEY_MAX], records[REDIS_KEY_MAX];

	if (told == NULL)
		return false;
	*urls = '\0';
	if (w->to != NULL)
		destinations_text(w->to, urls, sizeof(urls));
	return redis_command(&s->writes, answer, arg, "EVAL", frontend_script,
	    "2", redis_routes_key(w->key, backends),
	    redis_records_key(w->key, records), w->pattern, told->version,
	    told->most, told->record, urls, NULL);
}

bool
write_send(struct store_redis *s, const struct redis_write *w,
    redis_answer *answer, void *arg)
{
	if (!store_redis_may_write(s))
		return false;
	if (*w->key == KEY_TOOL)
		return send_tool(s, w, answer, arg);
	return send_frontend(s, w, answer, arg);
}

static enum write_result
read_error(struct store_redis *s, const redisReply *reply, const char **why)
{
	*why = reply->str;
	if (redis_is_error(reply, "NOSCRIPT") && load_script(s))
		return WRITE_AGAIN;
	if (redis_is_error(reply, "READONLY"))
		s->writer.demoted = true;
	return WRITE_FAILED;
}

/* What this name struck longest ago nobody there knows any more. */
static void
note_forgotten(struct store_redis *s, const char *key, long long n)
{
	struct writer *w = &s->writer;
	uint64_t now = clock_mono_ms();

	if (n <= 0)
		return;
	w->forgotten += (uint64_t)n;
	if (w->forgot_ms != 0 && now - w->forgot_ms < FORGOT_LOG_MS)
		return;
	w->forgot_ms = now;
	log_event(LOG_WARNING, "redis-forgotten",
	    "name=%s routes=%lld struck longest ago: an older word would "
	    "bring them back",
	    key + 1, n);
}

enum write_result
write_read(struct store_redis *s, const char *key, const redisReply *reply,
    uint64_t *newer, const char **why)
{
	char *end;

	*newer = 0;
	*why = "Redis does not answer";
	if (reply == NULL)
		return WRITE_LOST;
	if (reply->type == REDIS_REPLY_ERROR)
		return read_error(s, reply, why);
	if (reply->type == REDIS_REPLY_INTEGER) {
		note_forgotten(s, key, reply->integer);
		return WRITE_DONE;
	}
	*why = "Redis answers something else";
	if (reply->type != REDIS_REPLY_STRING)
		return WRITE_FAILED;
	*newer = strtoull(reply->str, &end, 16);
	if (*end != '\0' || *newer == 0 ||
	    change_version_ms(*newer) > clock_real_ms() + RECORD_AHEAD_MS)
		return WRITE_FAILED;
	return WRITE_NEWER;
}

bool
write_leave_replica(struct store_redis *s)
{
	if (!s->writer.demoted)
		return false;
	redis_lose(
	    &s->writes, "it is not the primary any more: it says READONLY");
	return true;
}

/* Changes. */

static void
save_done(struct store_redis *s, struct save *save)
{
	struct change *change = save->change;

	free(save);
	unsaved_remove(&s->unsaved, change->key, change->pattern, 0);
	push_note_saved(s);
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
	struct writer *w = &s->writer;

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
	struct writer *w = &s->writer;
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
	struct writer *w = container_of(task, struct writer, wait);
	struct store_redis *s = container_of(w, struct store_redis, writer);
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

	TAILQ_REMOVE(&s->writer.saves, save, entry);
	switch (write_read(s, change->key, reply, &newer, &why)) {
	case WRITE_DONE:
		if (s->r->conf->wait_replicas == 0) {
			save_done(s, save);
			return;
		}
		TAILQ_INSERT_TAIL(&s->writer.written, save, entry);
		if (!s->writer.waiting)
			ev_later(&s->r->loop, &s->writer.wait);
		return;
	case WRITE_NEWER:
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
	};

	TAILQ_INSERT_TAIL(&s->writer.saves, save, entry);
	if (write_send(s, &w, saved, save))
		return true;
	TAILQ_REMOVE(&s->writer.saves, save, entry);
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
write_init(struct store_redis *s)
{
	TAILQ_INIT(&s->writer.saves);
	TAILQ_INIT(&s->writer.written);
	s->writer.wait.run = wait_for_replicas;
}

void
write_stop(struct store_redis *s)
{
	s->writing = false;
	s->writer.demoted = false;
	*s->writer.sha = '\0';
	ev_forget(&s->r->loop, &s->writer.wait);
	if (!TAILQ_EMPTY(&s->writer.written) && !s->writer.waiting)
		waited(s, NULL); /* no WAIT was sent for these yet */
}

void
write_release(struct store_redis *s)
{
	write_stop(s);
}
