/*
 * registrar/sentinel.c: a switch of the primary is heard of, also when it comes
 * while the sentinel is asked, or before we are subscribed.
 */
#include "registrar/sentinel.h"

#include <stdio.h>

#include "lib/array.h"
#include "lib/clock.h"
#include "t/tap.h"
#include "t/unit/registrar/a_redis.h"

#define PATIENCE_MS 20000

#define SUBSCRIBED "*3\r\n$9\r\nsubscribe\r\n$14\r\n+switch-master\r\n:1\r\n"
#define MESSAGE "*3\r\n$7\r\nmessage\r\n$14\r\n+switch-master\r\n$1\r\nx\r\n"

/* A sentinel, on the loop of those who ask it. */
static struct {
	struct ev_io listener;
	struct ev_io sides[2];
	size_t nsides;
	int events;	     /* who subscribed; -1: nobody yet */
	bool asked;	     /* for the first time */
	const char *now;     /* the port of the primary */
	const char *next;    /* it switches to that when it is asked */
	const char *unheard; /* before it says that it is subscribed to */
} peer = { .events = -1, .now = "1001", .unheard = "1002" };

static struct ev_loop loop;
static struct sentinel sentinel;
static struct addr primary;
static uint16_t awaited;

/* It knows what it knows when it is asked; what happens then it only tells. */
static void
tell_primary(int fd)
{
	char answer[128];

	snprintf(answer, sizeof(answer),
	    "*2\r\n$9\r\n127.0.0.1\r\n$4\r\n%s\r\n", peer.now);
	if (peer.next != NULL) {
		peer.now = peer.next;
		peer.next = NULL;
		say(peer.events, MESSAGE);
	}
	say(fd, answer);
	peer.asked = true;
}

/* When it has answered once: by then it has switched. */
static void
subscribe(void)
{
	if (peer.events == -1 || peer.unheard == NULL || !peer.asked)
		return;
	peer.now = peer.unheard;
	peer.unheard = NULL;
	say(peer.events, SUBSCRIBED);
}

static void
spoken(struct ev_io *io, uint32_t events)
{
	char text[512];
	ssize_t n = read(io->fd, text, sizeof(text) - 1);

	(void)events;
	if (n <= 0) {
		ev_close(&loop, io);
		return;
	}
	text[n] = '\0';
	if (strstr(text, "PING") != NULL)
		say(io->fd, "+PONG\r\n");
	if (strstr(text, "GET-MASTER-ADDR") != NULL)
		tell_primary(io->fd);
	if (strstr(text, "SUBSCRIBE") != NULL)
		peer.events = io->fd;
	subscribe();
}

static void
connected(struct ev_io *io, uint32_t events)
{
	struct ev_io *side = &peer.sides[peer.nsides++];

	(void)events;
	if (peer.nsides > nitems(peer.sides))
		exit(1); /* one was lost */
	*side =
	    (struct ev_io){ .fd = accept(io->fd, NULL, NULL), .ready = spoken };
	ev_add(&loop, side, EPOLLIN);
}

static void
moved(void *owner)
{
	(void)owner;
	if (ntohs(primary.u.in.sin_port) == awaited)
		ev_stop(&loop);
}

static void
too_late(struct timer *t)
{
	(void)t;
	ev_stop(&loop);
}

/* Is the primary at this port, in the end? */
static bool
comes_to(uint16_t port)
{
	struct timer patience = { .fire = too_late };

	awaited = port;
	timer_set(&loop.timers, &patience, clock_mono_ms() + PATIENCE_MS);
	ev_run(&loop);
	timer_clear(&loop.timers, &patience);
	return ntohs(primary.u.in.sin_port) == port;
}

int
main(void)
{
	struct addr at;
	struct conf conf = { .redis_sentinels = &at,
		.nredis_sentinels = 1,
		.redis_primary = (char[]){ "main" } };

	peer.listener =
	    (struct ev_io){ .fd = listen_at(&at), .ready = connected };
	ok(ev_init(&loop) == 0 && ev_add(&loop, &peer.listener, EPOLLIN) == 0,
	    "a sentinel");
	sentinel_open(&sentinel, &loop, &conf, &primary, moved, NULL);
	ok(comes_to(1001), "it says where the primary is");
	ok(comes_to(1002), "it had switched before we were subscribed");
	peer.next = "1003";
	sentinel_ask(&sentinel);
	ok(comes_to(1003), "it switches while it is asked");
	sentinel_close(&sentinel);
	for (size_t i = 0; i < peer.nsides; i++)
		ev_close(&loop, &peer.sides[i]);
	ev_close(&loop, &peer.listener);
	ev_release(&loop);
	return done();
}
