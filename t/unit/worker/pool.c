/* An idle connection is used again: by the same tool, while it is good. */
#include "worker/pool.h"

#include <stdlib.h>
#include <unistd.h>

#include "lib/clock.h"
#include "lib/sock.h"
#include "t/tap.h"
#include "worker/process.h"

#define IDLE_MAX 2
#define IDLE_MS 1000
#define PATIENCE_MS 10000

static struct conf conf = { .backend_idle_max = IDLE_MAX,
	.backend_idle_timeout_ms = IDLE_MS };
static struct worker *w;
static struct pool *pool;
static struct pool_owner alpha; /* of a listening backend */
static int listener;
static unsigned events; /* on lent connections */
static int user;

static void
ready(void *arg)
{
	events += arg == &user;
}

static struct pool_conn *
take(const struct pool_owner *owner)
{
	return pool_take(pool, owner, ready, &user);
}

static struct pool_conn *
open_one(const struct pool_owner *owner)
{
	struct pool_conn *c = pool_connect(pool, owner, "a.test", ready, &user);

	if (c == NULL)
		abort();
	return c;
}

static void
stop_loop(struct timer *t)
{
	(void)t;
	ev_stop(&w->loop);
}

/* Let the loop work on what has happened. */
static void
turn(void)
{
	struct timer stop = { .fire = stop_loop };

	timer_set(&w->loop.timers, &stop, w->loop.now_ms + TIMER_TICK_MS);
	ev_run(&w->loop);
}

static bool
heard(void)
{
	return events > 0;
}

static bool
none_idle(void)
{
	return pool_size(pool) == 0;
}

/* What the other end does may be on its way yet, with the kernel. */
static bool
eventually(bool (*holds)(void))
{
	uint64_t until_ms = clock_mono_ms() + PATIENCE_MS;

	while (!holds() && clock_mono_ms() < until_ms)
		turn();
	return holds();
}

static int
accept_one(void)
{
	struct addr from;
	int fd;

	while ((fd = sock_accept(listener, &from)) == -1)
		;
	return fd;
}

static void
setup(void)
{
	const struct ip loopback = { { 127, 0, 0, 1 }, AF_INET };
	struct addr a;

	w = calloc(1, sizeof(*w));
	w->conf = &conf;
	if (ev_init(&w->loop) == -1)
		abort();
	addr_set(&a, &loopback, 0);
	listener = sock_listen(&a, 16, false, 0);
	a.len = sizeof(a.u);
	if (listener == -1 || getsockname(listener, &a.u.sa, &a.len) == -1)
		abort();
	pool = pool_new(w);
	addr_ip(&a, &alpha.backend.ip);
	alpha.backend.port = addr_port(&a);
	alpha.tool = 0x1234567812345678;
	alpha.version = 7;
}

static void
test_reuse(void)
{
	struct pool_conn *c = open_one(&alpha), *again;
	struct pool_owner beta = alpha, moved = alpha;

	ok(!c->used, "a new connection");
	ok(take(&alpha) == NULL, "is nobody else's while it is lent");
	pool_put(pool, c);
	beta.tool = 0x8765432187654321;
	moved.backend.port++;
	ok(take(&beta) == NULL, "nor another tool's when it is idle");
	beta.tool = alpha.tool ^ 0x100000001; /* in the same bucket */
	ok(take(&beta) == NULL, "nor of one whose hash is alike");
	ok(take(&moved) == NULL, "nor another backend's");
	again = take(&alpha);
	ok(again == c && c->used, "but its own tool's");
	pool_close(pool, c);
	ok(take(&alpha) == NULL, "until it is closed");
	close(accept_one());
}

static void
pass_ms(uint64_t ms)
{
	w->loop.now_ms += ms;
	timer_run(&w->loop.timers, w->loop.now_ms);
}

static void
test_latest_first(void)
{
	struct pool_conn *c[IDLE_MAX + 1];

	for (size_t i = 0; i < nitems(c); i++)
		c[i] = open_one(&alpha);
	for (size_t i = 0; i < nitems(c); i++)
		pool_put(pool, c[i]);
	ok(take(&alpha) == c[IDLE_MAX], "the latest is used first");
	ok(take(&alpha) == c[IDLE_MAX - 1], "then the one before");
	pool_put(pool, c[IDLE_MAX - 1]);
	pool_put(pool, c[IDLE_MAX]);
	pass_ms(IDLE_MS / 2);
	ok(pool_size(pool) == IDLE_MAX, "more than the limit are kept briefly");
	ok(take(&alpha) == c[IDLE_MAX - 1], "what is within it longer");
	ok(take(&alpha) == c[0], "all of it");
	ok(take(&alpha) == NULL, "and no more");
	pool_close(pool, c[0]);
	pool_close(pool, c[IDLE_MAX - 1]);
	for (size_t i = 0; i < nitems(c); i++)
		close(accept_one());
}

static void
test_none_kept(void)
{
	struct pool_conn *c = open_one(&alpha);

	conf.backend_idle_max = 0;
	pool_put(pool, c);
	ok(pool_size(pool) == 0, "a limit of none keeps none");
	conf.backend_idle_max = IDLE_MAX;
	close(accept_one());
}

static void
test_sweep(void)
{
	struct pool_conn *c[IDLE_MAX + 1];

	for (size_t i = 0; i < nitems(c); i++)
		c[i] = open_one(&alpha);
	for (size_t i = 0; i < nitems(c); i++)
		pool_put(pool, c[i]);
	ok(pool_sweep(pool) && pool_size(pool) == 0, "a sweep ends all");
	ok(!pool_sweep(pool), "and another one finds none");
	for (size_t i = 0; i < nitems(c); i++)
		close(accept_one());
}

static void
test_version(void)
{
	struct pool_conn *idle = open_one(&alpha), *lent = open_one(&alpha);
	struct pool_owner newer = alpha;

	pool_put(pool, idle);
	newer.version++;
	ok(take(&newer) == NULL, "a change of the routes ends idle ones");
	pool_put(pool, lent);
	ok(take(&newer) == NULL, "those lent meanwhile are old for it");
	ok(take(&alpha) == NULL, "for good");
	close(accept_one());
	close(accept_one());
}

static void
test_death(void)
{
	struct pool_conn *c = open_one(&alpha);
	int fd = accept_one();

	ok(eventually(heard), "the user hears of events while it is lent");
	pool_put(pool, c);
	turn();
	ok((c = take(&alpha)) != NULL, "an idle one lives on");
	pool_put(pool, c);
	close(fd);
	ok(eventually(none_idle) && take(&alpha) == NULL,
	    "until the backend closes it");

	c = open_one(&alpha);
	fd = accept_one();
	turn();
	pool_put(pool, c);
	ok(write(fd, "x", 1) == 1, "the backend says what nobody asked");
	ok(eventually(none_idle) && take(&alpha) == NULL,
	    "and is not listened to");
	close(fd);
}

static void
test_age(void)
{
	struct pool_conn *c = open_one(&alpha);

	pool_put(pool, c);
	pass_ms(IDLE_MS - 1);
	ok((c = take(&alpha)) != NULL, "kept as long as it was promised");
	pool_put(pool, c);
	pass_ms(IDLE_MS + TIMER_TICK_MS);
	ok(take(&alpha) == NULL, "and no longer");
	close(accept_one());
}

int
main(void)
{
	setup();
	test_reuse();
	test_latest_first();
	test_none_kept();
	test_sweep();
	test_version();
	alpha.version = 9;
	test_death();
	test_age();
	pool_free(pool);
	close(listener);
	ev_release(&w->loop);
	free(w);
	return done();
}
