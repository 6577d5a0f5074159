/* Hears what other nodes' operators said, and tells what ours did. */
#include "registrar/redis_policy.h"

#include <bsd/string.h>
#include <stdio.h>
#include <string.h>

#include "lib/clock.h"
#include "lib/container.h"
#include "lib/log.h"
#include "registrar/policy_entries.h"
#include "registrar/process.h"
#include "registrar/redis_record.h"
#include "registrar/redis_watch.h"
#include "registrar/store_redis.h"

#define SOON_MS 20
#define OWN_MS 1000    /* between rounds, where the first one told something */
#define ROUND_MS 60000 /* one that takes longer has no end */
#define SCAN_COUNT "512"

/* More than all nodes together can have said. */
#define FIELDS_MAX (4 * (POLICY_BANS_MAX + POLICY_TOOLS_MAX + POLICY_RULES_MAX))

/*
 * dynproxy:policy; field, since, until, the greatest since that can be, for
 * what has been there before the field that says how far it was forgotten,
 * which has no end.
 */
static const char tell_script[] =
    "local was = redis.call('HGET', KEYS[1], ARGV[1])\n"
    "if was then\n"
    "  local far = string.find(ARGV[1], '^forgotten:')\n"
    "  local form = far and '^(%d+) 0$' or '^(%d+) %d+$'\n"
    "  local since = tonumber(string.match(was, form))\n"
    "  if since and since >= tonumber(ARGV[2]) and\n"
    "    since <= tonumber(ARGV[4]) then return 0 end\n"
    "elseif ARGV[5] ~= '' then\n"
    "  local far = redis.call('HGET', KEYS[1], ARGV[5]) or ''\n"
    "  local since = tonumber(string.match(far, '^(%d+) 0$'))\n"
    "  if since and since >= tonumber(ARGV[2]) then return 0 end\n"
    "end\n"
    "redis.call('HSET', KEYS[1], ARGV[1], ARGV[2] .. ' ' .. ARGV[3])\n"
    "return 1\n";

/*
 * dynproxy:policy; field, value: only if it still says so, and if the third, a
 * field, says that what is as old was forgotten.
 */
static const char forget_script[] =
    "if redis.call('HGET', KEYS[1], ARGV[1]) ~= ARGV[2] then return 0 end\n"
    "if ARGV[3] ~= '' then\n"
    "  local far = redis.call('HGET', KEYS[1], ARGV[3]) or ''\n"
    "  local since = tonumber(string.match(far, '^(%d+) 0$'))\n"
    "  local was = tonumber(string.match(ARGV[2], '^%d+'))\n"
    "  if not since or since < was then return 0 end\n"
    "end\n"
    "return redis.call('HDEL', KEYS[1], ARGV[1])\n";

static void tell_more(struct store_redis *s);

static void
refused(struct store_redis *s, const char *why)
{
	watch_refused(s, REDIS_POLICY_KEY, 1, why);
}

/* What it did not take it is told again in the next round. */
static void
told(void *arg, const redisReply *reply)
{
	struct store_redis *s = arg;

	if (s->policy.open > 0)
		s->policy.open--;
	if (reply == NULL)
		return;
	if (reply->type == REDIS_REPLY_ERROR)
		refused(s, reply->str);
	tell_more(s);
}

/* The field that says how far the kind of this field was forgotten. */
static void
forgotten_field(const char *field, char forgotten[POLICY_FIELD_MAX])
{
	snprintf(forgotten, POLICY_FIELD_MAX, "%s:%.*s",
	    policy_kind_info(POLICY_FORGOTTEN)->name, (int)strcspn(field, ":"),
	    field);
}

static bool
send_entry(struct store_redis *s, const struct policy_entry *e)
{
	char field[POLICY_FIELD_MAX], value[POLICY_VALUE_MAX], most[24];
	char forgotten[POLICY_FIELD_MAX] = "";
	char *until;

	policy_say(e, field, value);
	until = strchr(value, ' ');
	*until++ = '\0';
	if (e->told)
		forgotten_field(field, forgotten);
	snprintf(most, sizeof(most), "%llu",
	    (unsigned long long)clock_real_ms() + RECORD_AHEAD_MS);
	if (!redis_command(&s->writes, told, s, "EVAL", tell_script, "1",
		REDIS_POLICY_KEY, field, value, until, most, forgotten, NULL))
		return false;
	s->policy.open++;
	return true;
}

static void
tell_more(struct store_redis *s)
{
	struct policy_round *p = &s->policy;
	const struct policy_entry *e;

	while (p->telling && store_redis_may_write(s) && p->open < WINDOW_MAX) {
		e = policy_unheard(s->r, p->number, &p->told);
		p->lacked |= e != NULL;
		p->telling = e != NULL && send_entry(s, e);
	}
}

void
redis_policy_tell(struct store_redis *s, const struct policy_entry *e)
{
	if (store_redis_may_write(s))
		send_entry(s, e);
}

/* Unless one comes sooner. */
static void
begin_in(struct store_redis *s, uint64_t ms)
{
	struct timer *t = &s->policy.timer;
	uint64_t due_ms = clock_mono_ms() + ms;

	if (!timer_is_set(t) || due_ms < t->due_ms)
		timer_set(&s->r->loop.timers, t, due_ms);
}

/*
 * A long one is followed by a rest as long; and what we told comes back as a
 * change, which must not go round and round where others change it, too.
 */
void
redis_policy_begin(struct store_redis *s)
{
	struct policy_round *p = &s->policy;
	uint64_t taken_ms = clock_mono_ms() - p->begun_ms;
	uint64_t rest_ms = SOON_MS + (p->again ? taken_ms : 0);

	if (p->hearing) {
		p->again = true;
		return;
	}
	if (p->lacked && taken_ms + rest_ms < OWN_MS)
		rest_ms = OWN_MS - taken_ms;
	begin_in(s, rest_ms);
}

/* It was heard, or could not be; what changed meanwhile is heard next. */
static void
end_hearing(struct store_redis *s)
{
	s->policy.hearing = false;
	if (s->policy.again)
		redis_policy_begin(s);
}

static void
give_up(struct store_redis *s, const char *why)
{
	refused(s, why);
	end_hearing(s);
}

static void
complete(struct store_redis *s)
{
	struct policy_round *p = &s->policy;
	bool look_again;

	p->taken += policy_end_missing(s->r, p->number, &look_again);
	if (p->taken > 0)
		log_event(LOG_NOTICE, "policy-heard",
		    "entries=%zu new or changed, from other nodes", p->taken);
	p->told = (struct policy_listing){ .kind = 0 };
	p->telling = true;
	tell_more(s);
	if (look_again)
		begin_in(s, POLICY_MISSING_MS);
	else if (!p->telling && !p->lacked)
		policy_all_heard(s->r, p->number);
	end_hearing(s);
}

static void
forget(struct store_redis *s, const char *field, const char *value,
    const char *forgotten)
{
	if (store_redis_may_write(s))
		redis_command(&s->writes, NULL, NULL, "EVAL", forget_script,
		    "1", REDIS_POLICY_KEY, field, value, forgotten, NULL);
}

static void
hear_one(
    struct store_redis *s, const redisReply *field, const redisReply *value)
{
	struct policy_round *p = &s->policy;
	char forgotten[POLICY_FIELD_MAX];
	const char *why;

	if (field->type != REDIS_REPLY_STRING ||
	    value->type != REDIS_REPLY_STRING ||
	    strlen(field->str) != field->len ||
	    strlen(value->str) != value->len) {
		refused(s, "no text");
		return;
	}
	switch (policy_hear(s->r, field->str, value->str, p->number, &why)) {
	case HEARD_KNOWN:
	case HEARD_OLDER: /* told at the end of the round */
		break;
	case HEARD_TAKEN:
		p->taken++;
		break;
	case HEARD_OUTDATED:
		forget(s, field->str, value->str, "");
		break;
	case HEARD_FORGOTTEN:
		forgotten_field(field->str, forgotten);
		forget(s, field->str, value->str, forgotten);
		break;
	case HEARD_MALFORMED:
		refused(s, why);
		break;
	}
}

static void heard(void *arg, const redisReply *reply);

static void
ask_more(struct store_redis *s)
{
	if (!redis_command(&s->reads, heard, s, "HSCAN", REDIS_POLICY_KEY,
		s->policy.cursor, "COUNT", SCAN_COUNT, NULL))
		s->policy.hearing = false; /* it comes back, and so do we */
}

static bool
is_page(const redisReply *reply)
{
	return reply->type == REDIS_REPLY_ARRAY && reply->elements == 2 &&
	       reply->element[0]->type == REDIS_REPLY_STRING &&
	       reply->element[0]->len <
		   sizeof((struct policy_round *)NULL)->cursor &&
	       reply->element[1]->type == REDIS_REPLY_ARRAY &&
	       reply->element[1]->elements % 2 == 0;
}

static void
heard(void *arg, const redisReply *reply)
{
	struct store_redis *s = arg;
	struct policy_round *p = &s->policy;
	const redisReply *page;

	if (reply == NULL || !p->hearing)
		return;
	if (!is_page(reply)) {
		give_up(s, redis_error(reply, "no answer to HSCAN"));
		return;
	}
	page = reply->element[1];
	for (size_t i = 0; i < page->elements; i += 2)
		hear_one(s, page->element[i], page->element[i + 1]);
	p->heard += page->elements / 2;
	strlcpy(p->cursor, reply->element[0]->str, sizeof(p->cursor));
	if (strcmp(p->cursor, "0") == 0) {
		complete(s);
	} else if (p->heard > FIELDS_MAX ||
		   clock_mono_ms() - p->begun_ms > ROUND_MS) {
		give_up(s, "it has no end");
	} else {
		ask_more(s);
	}
}

static void
fired(struct timer *t)
{
	struct store_redis *s =
	    container_of(t, struct store_redis, policy.timer);
	struct policy_round *p = &s->policy;

	if (!store_redis_is_up(s))
		return; /* it begins when it comes */
	p->number++;
	p->hearing = true;
	p->again = p->telling = p->lacked = false;
	p->heard = p->taken = 0;
	p->begun_ms = clock_mono_ms();
	strlcpy(p->cursor, "0", sizeof(p->cursor));
	ask_more(s);
}

void
redis_policy_stop(struct store_redis *s)
{
	s->policy.hearing = s->policy.telling = s->policy.again = false;
	s->policy.lacked = false;
	s->policy.open = 0;
	timer_clear(&s->r->loop.timers, &s->policy.timer);
}

void
redis_policy_init(struct store_redis *s)
{
	s->policy.timer.fire = fired;
}
