/* Asks a sentinel for the primary's address, and hears of the next one. */
#include "registrar/sentinel.h"

#include <bsd/stdlib.h>
#include <string.h>

#include "lib/log.h"

#define SWITCHED "+switch-master"

static bool
is_addr(const struct addr *a, const struct addr *b)
{
	return a->len == b->len && memcmp(&a->u, &b->u, a->len) == 0;
}

static bool
read_addr(const redisReply *reply, struct addr *addr)
{
	const char *error;
	struct ip ip;
	long long port;

	if (reply->type != REDIS_REPLY_ARRAY || reply->elements != 2 ||
	    reply->element[0]->type != REDIS_REPLY_STRING ||
	    reply->element[1]->type != REDIS_REPLY_STRING)
		return false;
	port = strtonum(reply->element[1]->str, 1, UINT16_MAX, &error);
	if (error != NULL ||
	    !ip_parse(&ip, (struct span){ reply->element[0]->str,
			       reply->element[0]->len }))
		return false;
	memset(addr, 0, sizeof(*addr));
	addr_set(addr, &ip, (uint16_t)port);
	return true;
}

static void
take_primary(struct sentinel *s, const struct addr *addr)
{
	char text[ADDR_TEXT_MAX];

	s->silent_logged = false;
	if (is_addr(addr, s->primary))
		return;
	log_event(LOG_NOTICE, "redis-primary", "name=%s address=%s",
	    s->conf->redis_primary, addr_format(addr, text));
	*s->primary = *addr;
	s->moved(s->owner);
}

static void
answered(void *arg, const redisReply *reply)
{
	struct sentinel *s = arg;
	bool again = s->again;
	struct addr addr;

	s->asking = s->again = false;
	if (reply == NULL)
		return;
	if (!read_addr(reply, &addr)) {
		redis_lose(&s->questions,
		    redis_error(reply, "it knows no such primary"));
		return;
	}
	take_primary(s, &addr);
	if (again)
		sentinel_ask(s);
}

void
sentinel_ask(struct sentinel *s)
{
	s->again = s->asking; /* the answer may be from before */
	if (s->asking)	      /* else it is asked when it is there */
		return;
	s->asking = redis_command(&s->questions, answered, s, "SENTINEL",
	    "GET-MASTER-ADDR-BY-NAME", s->conf->redis_primary, NULL);
}

/* It may have switched since it was asked, and told nobody. */
static void
subscribed(void *arg, const redisReply *reply)
{
	if (reply != NULL)
		sentinel_ask(arg);
}

static void
up(struct redis *c)
{
	struct sentinel *s = c->owner;

	if (c == &s->questions)
		sentinel_ask(s);
	else if (!redis_command(c, subscribed, s, "SUBSCRIBE", SWITCHED, NULL))
		redis_lose(c, "out of memory");
}

/* The next one, on both connections. */
static void
down(struct redis *c, const char *why)
{
	struct sentinel *s = c->owner;
	char text[ADDR_TEXT_MAX];

	if (c == &s->events) {
		redis_lose(&s->questions, why);
		return;
	}
	if (!s->silent_logged)
		log_event(LOG_WARNING, "sentinel-lost", "address=%s: %s",
		    addr_format(&s->addr, text), why);
	s->silent_logged = true;
	s->at = (s->at + 1) % s->conf->nredis_sentinels;
	s->addr = s->conf->redis_sentinels[s->at];
	redis_lose(&s->events, why);
}

/* What it says is not trusted for the address: that is asked for. */
static void
message(struct redis *c, const redisReply *reply)
{
	struct sentinel *s = c->owner;

	(void)reply;
	sentinel_ask(s);
}

void
sentinel_open(struct sentinel *s, struct ev_loop *loop, const struct conf *conf,
    struct addr *primary, void (*moved)(void *owner), void *owner)
{
	static const struct redis_ops questions = { up, down, NULL };
	static const struct redis_ops events = { up, down, message };

	*s = (struct sentinel){
		.conf = conf,
		.addr = conf->redis_sentinels[0],
		.primary = primary,
		.moved = moved,
		.owner = owner,
	};
	redis_open(&s->questions, loop, &s->addr, "", "", &questions, s);
	redis_open(&s->events, loop, &s->addr, "", "", &events, s);
}

void
sentinel_close(struct sentinel *s)
{
	if (s->conf == NULL)
		return;
	redis_close(&s->questions);
	redis_close(&s->events);
}
