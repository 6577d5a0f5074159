/* Asks Redis how far behind it is, and reads what it says. */
#include "registrar/redis_replication.h"

#include <stdlib.h>
#include <string.h>

#include "lib/clock.h"
#include "lib/container.h"
#include "registrar/process.h"
#include "registrar/store_redis.h"

#define ASK_MS 3000
#define LAG_MAX_S 1000000000 /* more than that is nonsense */

/* The value of a line "<name>:<value>\r\n".  NULL: it has none. */
static const char *
value_of(const char *info, const char *name)
{
	const char *at = strstr(info, name);

	return at == NULL ? NULL : at + strlen(name);
}

static void
copy_value(const char *info, const char *name, char out[REPLID_SIZE])
{
	const char *value = value_of(info, name);
	size_t len = value == NULL ? 0 : strcspn(value, "\r\n");

	if (len >= REPLID_SIZE)
		len = 0;
	if (len > 0)
		memcpy(out, value, len);
	out[len] = '\0';
}

static uint64_t
seconds(const char *text)
{
	unsigned long long n = text == NULL ? 0 : strtoull(text, NULL, 10);

	return n <= LAG_MAX_S ? n : 0;
}

/* "slave0:ip=10.0.0.1,port=6379,state=online,offset=42,lag=1" */
static uint64_t
slowest_replica(const char *info)
{
	uint64_t worst = 0, lag;
	const char *line = info, *end, *field;

	for (; (line = strstr(line, "\nslave")) != NULL; line = end) {
		end = line + 1 + strcspn(line + 1, "\r\n");
		field = memmem(line, (size_t)(end - line), ",lag=", 5);
		lag = field != NULL ? seconds(field + 5) : 0;
		if (lag > worst)
			worst = lag;
	}
	return worst;
}

void
replication_parse(const char *info, struct replication_info *out)
{
	const char *link = value_of(info, "\nmaster_link_status:");
	const char *down = value_of(info, "\nmaster_link_down_since_seconds:");

	out->never = down != NULL && *down == '-';
	out->cut_off = link != NULL && strncmp(link, "up", 2) != 0;
	copy_value(info, "\nmaster_replid:", out->replid);
	copy_value(info, "\nmaster_replid2:", out->replid2);
	if (link == NULL)
		out->lag_s = slowest_replica(info);
	else if (!out->cut_off)
		out->lag_s =
		    seconds(value_of(info, "\nmaster_last_io_seconds_ago:"));
	else
		out->lag_s = seconds(down);
}

static void
told(void *arg, const redisReply *reply)
{
	struct store_redis *s = arg;
	struct replication_info info;

	if (reply == NULL || reply->type != REDIS_REPLY_STRING)
		return;
	replication_parse(reply->str, &info);
	if (info.never)
		return; /* it has no data to be late with: no answer */
	s->replication.lag_s = info.lag_s;
	s->replication.answered_ms = clock_mono_ms();
}

/* What cannot be sent now is not worth a connection: the next time. */
static void
ask(struct store_redis *s)
{
	timer_set(&s->r->loop.timers, &s->replication.timer,
	    clock_mono_ms() + ASK_MS);
	redis_command(&s->reads, told, s, "INFO", "replication", NULL);
}

static void
fired(struct timer *t)
{
	ask(container_of(t, struct store_redis, replication.timer));
}

void
replication_init(struct store_redis *s)
{
	s->replication.timer.fire = fired;
	s->replication.answered_ms = clock_mono_ms();
}

void
replication_begin(struct store_redis *s)
{
	ask(s);
}

void
replication_stop(struct store_redis *s)
{
	timer_clear(&s->r->loop.timers, &s->replication.timer);
}

uint64_t
replication_lag(const struct store_redis *s)
{
	uint64_t silent_ms = clock_mono_ms() - s->replication.answered_ms;

	return s->replication.lag_s +
	       (silent_ms > 2 * ASK_MS ? silent_ms / 1000 : 0);
}
