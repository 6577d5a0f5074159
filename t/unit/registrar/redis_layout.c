/* registrar/redis_layout.c: as much as a name may have, whatever else it has.
 */
#include "registrar/redis_layout.h"

#include <stdio.h>
#include <stdlib.h>

#include "lib/array.h"
#include "registrar/vet.h"
#include "t/tap.h"

static const struct conf conf;
static const struct vet vet = { .conf = &conf };

static redisReply *
text_of(const char *text)
{
	redisReply *reply = calloc(1, sizeof(*reply));

	reply->type = REDIS_REPLY_STRING;
	reply->str = strdup(text);
	reply->len = strlen(text);
	return reply;
}

/* What HGETALL answers; its elements are put into it by put(). */
static redisReply *
hash_of(size_t fields)
{
	redisReply *reply = calloc(1, sizeof(*reply));

	reply->type = REDIS_REPLY_ARRAY;
	reply->element = calloc(2 * fields, sizeof(*reply->element));
	return reply;
}

static void
put(redisReply *hash, const char *field, const char *value)
{
	hash->element[hash->elements++] = text_of(field);
	hash->element[hash->elements++] = text_of(value);
}

/* The record of a route with all the backends that one may have. */
static const char *
full_record(char out[RECORD_MAX])
{
	static char urls[ROUTE_BACKENDS_MAX][32];
	struct destination at[ROUTE_BACKENDS_MAX];

	for (size_t i = 0; i < nitems(at); i++) {
		snprintf(
		    urls[i], sizeof(urls[i]), "http://192.0.2.%zu:8000", i + 1);
		at[i] = (struct destination){ .url = urls[i] };
	}
	redis_record_write(out, 1, 0, &(struct destinations){ at, nitems(at) });
	return out;
}

/*
 * What was refused takes no room from what follows: half of these lead where
 * nobody may go, the rest are as many and as large as they can be.
 */
static void
test_most(void)
{
	static struct redis_view view = { .vet = &vet };
	static char record[RECORD_MAX];
	redisReply *routes = hash_of(2 * ROUTES_MAX);
	redisReply *records = hash_of(ROUTES_MAX);
	char pattern[32];
	size_t whole = 0;

	for (size_t i = 0; i < ROUTES_MAX; i++) {
		snprintf(pattern, sizeof(pattern), "/refused/%zu", i);
		put(routes, pattern, "http://127.0.0.1:8000");
	}
	for (size_t i = 0; i < ROUTES_MAX; i++) {
		snprintf(pattern, sizeof(pattern), "/taken/%zu", i);
		put(routes, pattern, "http://192.0.2.1:8000");
		put(records, pattern, full_record(record));
	}
	redis_view_records(&view, records);
	ok(redis_view_read(&view, "talpha", routes), "it is read");
	is_int(view.refused, ROUTES_MAX, "half of it is refused: %s", view.why);
	is_int(view.nroutes, ROUTES_MAX, "half of it is not");
	for (size_t i = 0; i < view.nroutes; i++)
		whole += view.routes[i].nto == ROUTE_BACKENDS_MAX;
	is_int(whole, ROUTES_MAX, "each with all of its backends");
	ok(view.ndestinations <= DESTINATIONS_MAX, "and there was room");
	is_int(view.nkept, ROUTES_MAX, "what was refused is known");
	ok(redis_view_kept(&view, "/refused/0"), "by its pattern");
	freeReplyObject(routes);
	freeReplyObject(records);
}

int
main(void)
{
	test_most();
	return done();
}
