/*
 * Reads names' entries in transactions of many: a million of them are read
 * within seconds, and each is of one moment.
 */
#include "registrar/redis_read.h"

#include <assert.h>
#include <stdlib.h>

#include "registrar/redis_layout.h"

#define PARTS 3 /* of each name */

struct question {
	redis_read_answer *answer;
	size_t n;
	void *args[READ_NAMES];
};

static void
answered(void *arg, const redisReply *reply)
{
	static char text[] = "no answer to EXEC";
	static const redisReply none = {
		.type = REDIS_REPLY_ERROR, .str = text, .len = sizeof(text) - 1
	};
	struct question *q = arg;
	struct redis_entry entry;

	if (reply != NULL && reply->type != REDIS_REPLY_ERROR &&
	    (reply->type != REDIS_REPLY_ARRAY ||
		reply->elements != PARTS * q->n))
		reply = &none;
	for (size_t i = 0; i < q->n; i++) {
		if (reply == NULL || reply->type == REDIS_REPLY_ERROR) {
			q->answer(q->args[i], NULL, reply);
			continue;
		}
		entry.mark = reply->element[PARTS * i];
		entry.records = reply->element[PARTS * i + 1];
		entry.routes = reply->element[PARTS * i + 2];
		q->answer(q->args[i], &entry, NULL);
	}
	free(q);
}

static bool
ask(struct redis *c, const char *key)
{
	char routes[REDIS_KEY_MAX], mark[REDIS_KEY_MAX];
	char records[REDIS_KEY_MAX];

	redis_routes_key(key, routes);
	redis_redirect_key(key, mark);
	redis_records_key(key, records);
	return redis_command(c, NULL, NULL, "EXISTS", mark, NULL) &&
	       redis_command(c, NULL, NULL, "HGETALL", records, NULL) &&
	       redis_command(c, NULL, NULL,
		   *key == KEY_TOOL ? "HGETALL" : "SMEMBERS", routes, NULL);
}

bool
redis_read(struct redis *c, const char *const keys[], void *const args[],
    size_t n, redis_read_answer *answer)
{
	struct question *q = malloc(sizeof(*q));
	bool sent = q != NULL && redis_command(c, NULL, NULL, "MULTI", NULL);

	assert(n > 0 && n <= READ_NAMES);
	for (size_t i = 0; sent && i < n; i++) {
		q->args[i] = args[i];
		sent = ask(c, keys[i]);
	}
	if (sent) {
		q->answer = answer;
		q->n = n;
		sent = redis_command(c, answered, q, "EXEC", NULL);
	}
	if (!sent)
		free(q);
	return sent;
}
