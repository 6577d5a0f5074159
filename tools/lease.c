/* Holds a lease: pings it, and asks again when the connection is lost. */
#include "tools/lease.h"

#include <err.h>
#include <string.h>
#include <unistd.h>

#include "lib/clock.h"

#define UNKNOWN_COMMAND "fail" /* and no reason (1-registration.md 1.1) */
#define PATIENCE_MS 15000
#define PING_MS 10000
#define PAUSE_MIN_MS 500
#define PAUSE_MAX_MS 10000

static void
due_in(struct lease *l, unsigned ms)
{
	l->due_ms = clock_mono_ms() + ms;
}

static void
lose(struct lease *l)
{
	close(l->fd);
	l->fd = -1;
	l->pause_ms = PAUSE_MIN_MS;
	due_in(l, 0); /* the proxy may only have been started anew */
}

static void
hold(struct lease *l)
{
	l->offered = true;
	l->pause_ms = PAUSE_MIN_MS;
	due_in(l, PING_MS);
}

static void
retry_later(struct lease *l)
{
	due_in(l, l->pause_ms);
	l->pause_ms *= 2;
	if (l->pause_ms > PAUSE_MAX_MS)
		l->pause_ms = PAUSE_MAX_MS;
}

/* The first time, of a proxy that has just registered the route. */
static void
take(struct lease *l)
{
	switch (reg_lease(l->reg, l->route, l->url, &l->fd)) {
	case REG_OK:
		hold(l);
		return;
	case REG_REFUSED:
		if (strcmp(l->reg->said, UNKNOWN_COMMAND) == 0)
			return; /* it knows no leases, and all is well */
		break;
	default:
		break;
	}
	/* not now: it went away meanwhile, or its host has many that ask */
	l->offered = true;
	l->pause_ms = PAUSE_MIN_MS;
	retry_later(l);
}

enum reg_result
lease_begin(
    struct lease *l, struct reg *reg, const char *route, const char *url)
{
	enum reg_result result;

	*l = (struct lease){ .reg = reg, .route = route, .url = url, .fd = -1 };
	reg->patience_ms = PATIENCE_MS;
	result = reg_say(reg, "registerCanonical", route, url);
	if (result == REG_OK)
		take(l);
	return result;
}

/* The connection is lost: ask for the lease again, once. */
static void
renew(struct lease *l)
{
	l->reg->patience_ms = 0;
	reg_look_again(l->reg); /* any node that shares its store will do */
	switch (reg_lease(l->reg, l->route, l->url, &l->fd)) {
	case REG_OK:
		hold(l);
		return;
	case REG_REFUSED:
		warnx("%s refuses to renew the lease of %s: %s", l->reg->host,
		    l->url, l->reg->said);
		break;
	default:
		break;
	}
	retry_later(l);
}

void
lease_tend(struct lease *l)
{
	char byte;

	if (!l->offered)
		return;
	/* nothing is said to us unasked: it can only be the end */
	if (l->fd != -1 && recv(l->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) >= 0)
		lose(l);
	if (clock_mono_ms() < l->due_ms)
		return;
	if (l->fd == -1)
		renew(l);
	else if (reg_lease_say(l->reg, l->fd, "ping") == REG_OK)
		due_in(l, PING_MS);
	else
		lose(l);
}

int
lease_wait_ms(const struct lease *l)
{
	uint64_t now_ms = clock_mono_ms();

	if (!l->offered)
		return -1;
	return now_ms < l->due_ms ? (int)(l->due_ms - now_ms) : 0;
}

void
lease_drain(struct lease *l)
{
	if (l->fd != -1 && reg_lease_say(l->reg, l->fd, "drain") != REG_OK)
		lose(l);
}

enum reg_result
lease_end(struct lease *l)
{
	enum reg_result result;

	l->reg->patience_ms = 5000;
	if (l->fd == -1)
		reg_look_again(l->reg);
	result = reg_say(l->reg, "unregister", l->route, NULL);
	if (l->fd != -1)
		close(l->fd);
	l->fd = -1;
	l->offered = false;
	return result;
}
