/* Writes a route to the primary, by a script that leaves what is newer. */
#include "registrar/redis_write.h"

#include <bsd/string.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/clock.h"
#include "lib/log.h"
#include "registrar/process.h"
#include "registrar/redis_layout.h"
#include "registrar/redis_record.h"
#include "registrar/store_redis.h"

#define HOST_MAX 512
#define FORGOT_LOG_MS 60000 /* once in so long */

/* Of both: pattern, the newest it may replace, the greatest that can be. */
#define NEWER_OF                                                               \
	"local function newer_of(records)\n"                                   \
	"  local was = redis.call('HGET', records, ARGV[1])\n"                 \
	"  local version = was and string.sub(was, 1, 16)\n"                   \
	"  return was and version > ARGV[2] and version <= ARGV[3]"            \
	"    and version\n"                                                    \
	"end\n"

/*
 * prefix: key, redirect: key, dynproxy:route: key; the two versions of
 * newer_of(), behind the pattern, record, URL or "", canonical host or "".
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
 * key, dynproxy:frontend: key; the two versions of newer_of(), behind the
 * pattern, record, URLs with blanks between.  Returns 0, or the version that
 * is newer.
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
	char base[RECORD_DIGITS + 1], most[RECORD_DIGITS + 1];
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
	redis_version_text(w->base != 0 ? w->base : w->version, told.base);
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
	    redis_records_key(w->key, records), w->pattern, told->base,
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
	    redis_records_key(w->key, records), w->pattern, told->base,
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

void
write_stop(struct store_redis *s)
{
	s->writing = false;
	s->writer.demoted = false;
	*s->writer.sha = '\0';
}
