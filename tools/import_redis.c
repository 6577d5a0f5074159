/* The original's Redis: how many routes there are, and which will not do. */
#include <err.h>
#include <hiredis/hiredis.h>
#include <stdlib.h>
#include <string.h>

#include "conf/value.h"
#include "lib/addr.h"
#include "tools/import.h"

#define PATIENCE_S 5
#define KEYS_MAX 2000000
#define PASSWORD_MAX 512
#define PORT_LOW 1024 /* tools have no lower one */

struct keys {
	char **at; /* owned, and each of them */
	size_t n;
};

struct tally {
	redisContext *redis;
	size_t tools, routes, canonical, frontends, refused;
	bool loopback, link_local; /* a destination is there */
};

static redisReply *
ask(redisContext *redis, const char *format, const char *a, const char *b)
{
	redisReply *reply = redisCommand(redis, format, a, b);

	if (reply == NULL)
		errx(1, "Redis: %s", redis->errstr);
	if (reply->type == REDIS_REPLY_ERROR)
		errx(1, "Redis: %s", reply->str);
	return reply;
}

static redisContext *
connect_to(const char *address, const char *password)
{
	struct timeval patience = { .tv_sec = PATIENCE_S };
	char host[INET6_ADDRSTRLEN], word[PASSWORD_MAX];
	struct addr addr;
	struct ip ip;
	redisContext *redis;
	FILE *file;

	if (!addr_parse(&addr, address))
		errx(1, "%s: no address as 127.0.0.1:6379", address);
	redis = addr_ip(&addr, &ip)
		    ? redisConnectWithTimeout(
			  ip_format(&ip, host), addr_port(&addr), patience)
		    : redisConnectUnixWithTimeout(address, patience);
	if (redis == NULL || redis->err != 0)
		errx(1, "%s: %s", address,
		    redis != NULL ? redis->errstr : "no memory");
	if (redisSetTimeout(redis, patience) != REDIS_OK)
		err(1, "%s", address);
	if (password == NULL)
		return redis;
	file = fopen(password, "re");
	if (file == NULL || fgets(word, sizeof(word), file) == NULL)
		err(1, "%s", password);
	fclose(file);
	word[strcspn(word, "\n")] = '\0';
	freeReplyObject(ask(redis, "AUTH %s", word, NULL));
	explicit_bzero(word, sizeof(word));
	return redis;
}

static void
add_key(struct keys *keys, const char *key)
{
	if (keys->n == KEYS_MAX)
		errx(1, "Redis: more than %d keys", KEYS_MAX);
	if ((keys->n & (keys->n - 1)) == 0) {
		keys->at = reallocarray(
		    keys->at, keys->n == 0 ? 1 : keys->n * 2, sizeof(char *));
		if (keys->at == NULL)
			err(1, NULL);
	}
	keys->at[keys->n] = strdup(key);
	if (keys->at[keys->n++] == NULL)
		err(1, NULL);
}

static int
compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* SCAN may name a key twice: sort, so that the second one is seen. */
static void
find_keys(redisContext *redis, const char *pattern, struct keys *keys)
{
	char cursor[24] = "0";
	redisReply *reply, *page;

	*keys = (struct keys){ .at = NULL };
	do {
		reply =
		    ask(redis, "SCAN %s MATCH %s COUNT 1000", cursor, pattern);
		if (reply->type != REDIS_REPLY_ARRAY || reply->elements != 2 ||
		    reply->element[0]->type != REDIS_REPLY_STRING ||
		    reply->element[1]->type != REDIS_REPLY_ARRAY)
			errx(1, "Redis: SCAN is answered with something else");
		snprintf(cursor, sizeof(cursor), "%s", reply->element[0]->str);
		page = reply->element[1];
		for (size_t i = 0; i < page->elements; i++)
			if (page->element[i]->type == REDIS_REPLY_STRING)
				add_key(keys, page->element[i]->str);
		freeReplyObject(reply);
	} while (strcmp(cursor, "0") != 0);
	if (keys->n > 0)
		qsort(keys->at, keys->n, sizeof(*keys->at), compare);
}

/* Of an address and a port, IPv6 in brackets.  NULL, or what is wrong. */
static const char *
check_place(struct tally *t, const char *place, const char *end)
{
	const char *colon = end;
	uint64_t port;
	struct span host;
	struct ip ip;
	char digits[8];

	while (colon > place && *colon != ':')
		colon--;
	host = (struct span){ place, (size_t)(colon - place) };
	if (host.len > 1 && *host.ptr == '[' && host.ptr[host.len - 1] == ']')
		host = (struct span){ host.ptr + 1, host.len - 2 };
	if (!ip_parse(&ip, host))
		return "its host is no IP address";
	snprintf(
	    digits, sizeof(digits), "%.*s", (int)(end - colon - 1), colon + 1);
	if (!count_parse(&port, digits) || port > UINT16_MAX)
		return "there is no port";
	if (port < PORT_LOW)
		return "its port is below 1024";
	if (ip.family == AF_INET ? ip.bytes[0] == 127
				 : ip_eq(&ip, &(struct ip){ .bytes[15] = 1,
						  .family = AF_INET6 }))
		t->loopback = true;
	if (ip.family == AF_INET
		? ip.bytes[0] == 169 && ip.bytes[1] == 254
		: ip.bytes[0] == 0xfe && (ip.bytes[1] & 0xc0) == 0x80)
		t->link_local = true;
	return NULL;
}

/* What an element of a reply says; nothing, if it is no text. */
static const char *
text_in(const redisReply *element)
{
	return element->type == REDIS_REPLY_STRING ? element->str : "";
}

static const char *
check_destination(struct tally *t, const char *url)
{
	const char *place = strstr(url, "://"), *end;

	if (place == NULL || (strncmp(url, "http://", 7) != 0 &&
				 strncmp(url, "https://", 8) != 0))
		return "it is neither http:// nor https://";
	place += 3;
	end = place + strcspn(place, "/");
	if (*end != '\0' && end[1] != '\0')
		return "it has a path";
	return check_place(t, place, end);
}

static void
note_refused(
    struct tally *t, const char *key, const char *what, const char *why)
{
	t->refused++;
	printf("# not taken: ");
	import_plain(key);
	if (what != NULL) {
		putchar(' ');
		import_plain(what);
	}
	printf(": %s\n", why);
}

static void
look_at_tool(struct tally *t, const char *key)
{
	redisReply *reply;
	const char *why;

	if (!tool_name_valid(strchr(key, ':') + 1)) {
		note_refused(t, key, NULL, "this is no tool's name");
		return;
	}
	reply = redisCommand(t->redis, "HGETALL %s", key);
	if (reply == NULL)
		errx(1, "Redis: %s", t->redis->errstr);
	if (reply->type != REDIS_REPLY_ARRAY) {
		note_refused(t, key, NULL, "it is no hash");
	} else {
		t->tools++;
		for (size_t i = 1; i < reply->elements; i += 2) {
			const char *url = text_in(reply->element[i]);

			why = check_destination(t, url);
			if (why == NULL)
				t->routes++;
			else
				note_refused(t, key, url, why);
		}
	}
	freeReplyObject(reply);
}

static void
count_canonical(struct tally *t, const char *key)
{
	(void)key;
	t->canonical++;
}

static void
look_at_frontend(struct tally *t, const char *key)
{
	redisReply *reply = redisCommand(t->redis, "SMEMBERS %s", key);
	const char *why;

	if (reply == NULL)
		errx(1, "Redis: %s", t->redis->errstr);
	if (reply->type != REDIS_REPLY_ARRAY) {
		note_refused(t, key, NULL, "it is no set");
	} else {
		t->frontends++;
		for (size_t i = 0; i < reply->elements; i++) {
			const char *url = text_in(reply->element[i]);

			why = check_destination(t, url);
			if (why != NULL)
				note_refused(t, key, url, why);
		}
	}
	freeReplyObject(reply);
}

static void
look_at_all(struct tally *t, const char *pattern,
    void (*look)(struct tally *t, const char *key))
{
	struct keys keys;

	find_keys(t->redis, pattern, &keys);
	for (size_t i = 0; i < keys.n; i++) {
		if (i == 0 || strcmp(keys.at[i], keys.at[i - 1]) != 0)
			look(t, keys.at[i]);
		if (i > 0)
			free(keys.at[i - 1]);
	}
	if (keys.n > 0)
		free(keys.at[keys.n - 1]);
	free(keys.at);
}

void
import_redis(const char *address, const char *password)
{
	struct tally t = { .redis = connect_to(address, password) };

	printf("\n# --- from Redis\nredis = ");
	import_quote(address);
	putchar('\n');
	if (password != NULL) {
		printf("redis_password = \"file:");
		import_plain(password);
		puts("\"");
	}
	look_at_all(&t, "prefix:*", look_at_tool);
	look_at_all(&t, "redirect:*", count_canonical);
	look_at_all(&t, "frontend:*", look_at_frontend);
	printf(
	    "# tools=%zu routes=%zu canonical=%zu frontends=%zu refused=%zu\n",
	    t.tools, t.routes, t.canonical, t.frontends, t.refused);
	if (t.loopback || t.link_local)
		printf("# destinations that are refused without this:\n"
		       "backend_networks = {%s%s%s}\n",
		    t.loopback ? "\"127.0.0.0/8\", \"::1/128\"" : "",
		    t.loopback && t.link_local ? ", " : "",
		    t.link_local ? "\"169.254.0.0/16\", \"fe80::/10\"" : "");
	redisFree(t.redis);
}
