/* Keeps our own key alive, looks for those of others, ends what they leave. */
#include "registrar/redis_nodes.h"

#include <bsd/string.h>
#include <stdio.h>
#include <string.h>

#include "lib/clock.h"
#include "lib/container.h"
#include "lib/log.h"
#include "registrar/foreign.h"
#include "registrar/process.h"
#include "registrar/store_redis.h"

#define NODE_KEY_MAX (NODE_NAME_MAX + 32)
#define LIFE_S "10" /* of the key */
#define BEAT_MS 3000
#define ENDED_MAX 1000 /* leases ended in one turn; the next has the rest */

static const char *
node_key(const char *name, char out[NODE_KEY_MAX])
{
	snprintf(out, NODE_KEY_MAX, "dynproxy:node:%s", name);
	return out;
}

static struct node *
find(struct nodes *nodes, const char *name)
{
	for (size_t i = 0; i < nodes->n; i++)
		if (strcmp(nodes->at[i].name, name) == 0)
			return &nodes->at[i];
	return NULL;
}

void
nodes_note(struct store_redis *s, const struct foreign_route *route)
{
	struct nodes *nodes = &s->nodes;
	struct node *node;

	for (size_t i = 0; i < route->nto; i++) {
		const char *name = route->to[i].lease;

		if (name == NULL || nodes->n == NODES_MAX ||
		    strcmp(name, s->r->conf->node_name) == 0 ||
		    find(nodes, name) != NULL)
			continue;
		node = &nodes->at[nodes->n++];
		*node = (struct node){ .missing_ms = 0 };
		strlcpy(node->name, name, sizeof(node->name));
	}
}

/* Withdraw one backend, unless Redis has something newer of its route. */
static void
leave(struct registrar *r, const char *key, const char *pattern,
    const struct destination *d)
{
	struct change *c = change_new(CHANGE_LEAVE, key, pattern, d, 1);

	if (c == NULL)
		return; /* at the next beat */
	c->origin = ORIGIN_REDIS;
	c->prune = PRUNE_NODE;
	c->yields = true;
	change_submit_take(r, c);
}

/* Has the name a backend of that node's?  One at a time goes. */
static bool
end_one(struct registrar *r, const struct book_name *name, const char *node)
{
	const struct book_route *route;

	TAILQ_FOREACH(route, &name->routes, entry)
	for (size_t i = 0; i < route->to.n; i++) {
		const struct destination *d = &route->to.at[i];

		if (d->lease == NULL || strcmp(d->lease, node) != 0)
			continue;
		if (!changes_busy(&r->changes, name->key))
			leave(r, name->key, route->pattern, d);
		return true; /* the book may be another one now */
	}
	return false;
}

/* Those of one node that is gone.  False: there are more. */
static bool
end_leases(struct store_redis *s, const char *node)
{
	struct book *book = &s->r->book;
	struct book_name *name = book_from(book, "");
	char key[KEY_MAX];
	size_t ended = 0;

	while (name != NULL && ended < ENDED_MAX) {
		strlcpy(key, name->key, sizeof(key));
		ended += end_one(s->r, name, node);
		name = book_from(book, key);
		if (name != NULL && strcmp(name->key, key) == 0)
			name = book_next(book, name);
	}
	if (ended > 0)
		log_event(LOG_NOTICE, "node-leases-ended",
		    "node=%s leases=%zu: it has been gone for lease_grace",
		    node, ended);
	return ended == 0;
}

/* Answers come in order; a node is forgotten when it has no lease left. */
static void
asked(void *arg, const redisReply *reply)
{
	struct store_redis *s = arg;
	struct nodes *nodes = &s->nodes;
	uint64_t now = clock_mono_ms();
	struct node *node;

	if (reply == NULL || nodes->asked == 0)
		return;
	node = &nodes->at[--nodes->asked];
	if (reply->type != REDIS_REPLY_INTEGER || reply->integer != 0)
		node->missing_ms = 0;
	else if (node->missing_ms == 0)
		node->missing_ms = now;
	else if (now - node->missing_ms >= s->r->conf->lease_grace_ms &&
		 end_leases(s, node->name))
		*node = nodes->at[--nodes->n];
}

/* The last one first, so that one may be forgotten when it is answered. */
static void
ask(struct store_redis *s)
{
	struct nodes *nodes = &s->nodes;
	char key[NODE_KEY_MAX];

	if (nodes->asked > 0)
		return; /* Redis is slow: it has the last question still */
	for (size_t i = nodes->n; i-- > 0;)
		if (!redis_command(&s->writes, asked, s, "EXISTS",
			node_key(nodes->at[i].name, key), NULL)) {
			redis_lose(
			    &s->writes, "too much is waiting to be sent");
			return;
		}
	nodes->asked = nodes->n;
}

static void
beat(struct store_redis *s)
{
	char key[NODE_KEY_MAX];

	timer_set(
	    &s->r->loop.timers, &s->nodes.timer, clock_mono_ms() + BEAT_MS);
	if (!redis_command(&s->writes, NULL, NULL, "SET",
		node_key(s->r->conf->node_name, key), "1", "EX", LIFE_S, NULL))
		return; /* at the next beat */
	ask(s);
}

static void
fired(struct timer *t)
{
	beat(container_of(t, struct store_redis, nodes.timer));
}

void
nodes_begin(struct store_redis *s)
{
	beat(s);
}

void
nodes_stop(struct store_redis *s)
{
	timer_clear(&s->r->loop.timers, &s->nodes.timer);
	s->nodes.asked = 0;
	for (size_t i = 0; i < s->nodes.n; i++)
		s->nodes.at[i].missing_ms = 0;
}

void
nodes_init(struct store_redis *s)
{
	s->nodes.timer.fire = fired;
}
