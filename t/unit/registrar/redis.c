/*
 * registrar/redis.c: a Redis that is gone is tried again after 100 ms, later
 * after up to 5 s, and nodes that lost it together come back spread
 * (1-registration.md 1.3); what is said to it goes at once.  Time is the
 * test's own: nothing is waited for.
 */
#include "registrar/redis.h"

#include <poll.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "t/tap.h"
#include "t/unit/registrar/a_redis.h"

#define FIRST_MS 100
#define LAST_MS 5000
#define LASTED_MS 5000 /* a connection that was up for so long was good */
#define ROUNDS 500
#define NEVER_MS UINT64_MAX /* no try is to come */

static uint64_t now_ms = 1000;
static struct ev_loop loop;
static struct redis redis;
static unsigned downs;

/* What clock_mono_ms() reads. */
int
clock_gettime(clockid_t clock, struct timespec *ts)
{
	if (clock != CLOCK_MONOTONIC)
		return (int)syscall(SYS_clock_gettime, clock, ts);
	*ts = (struct timespec){ .tv_sec = (time_t)(now_ms / 1000),
		.tv_nsec = (long)(now_ms % 1000) * 1000000 };
	return 0;
}

static void
up(struct redis *c)
{
	ev_stop(c->loop);
}

static void
down(struct redis *c, const char *why)
{
	(void)why;
	(void)c;
	downs++;
}

static const struct redis_ops ops = { .up = up, .down = down };

/* How long until the next try. */
static uint64_t
pause_ms(void)
{
	if (redis.state != REDIS_APART || !timer_is_set(&redis.timer))
		return NEVER_MS;
	return redis.timer.due_ms - now_ms;
}

/* Let time pass until the next try, if any is to come, has been made. */
static void
try_next(void)
{
	unsigned before = downs;

	while (downs == before && redis.state == REDIS_APART &&
	       timer_is_set(&redis.timer)) {
		now_ms++;
		loop.now_ms = now_ms;
		timer_run(&loop.timers, now_ms);
	}
}

/* The longest that the pause after the nth loss in a row may be. */
static uint64_t
longest_ms(unsigned n)
{
	uint64_t ms = FIRST_MS;

	for (; n > 0 && ms < LAST_MS; n--)
		ms *= 2;
	return ms < LAST_MS ? ms : LAST_MS;
}

static void
open_redis(const struct addr *addr)
{
	redis_open(&redis, &loop, addr, "", "", &ops, NULL);
}

/* Nobody knows where it is, so that every try fails at once. */
static void
test_gone(void)
{
	static const struct addr nowhere;
	uint64_t least = LAST_MS, most = 0;
	bool bounded = true;

	open_redis(&nowhere);
	for (unsigned n = 1; n <= ROUNDS; n++) {
		uint64_t pause, longest = longest_ms(n);

		try_next();
		pause = pause_ms();
		if (pause < longest / 2 || pause > longest) {
			diag("try %u comes after %llu of %llu ms", n,
			    (unsigned long long)pause,
			    (unsigned long long)longest);
			bounded = false;
		}
		if (longest == LAST_MS && pause < least)
			least = pause;
		if (longest == LAST_MS && pause > most)
			most = pause;
	}
	is_int(downs, ROUNDS, "each try that fails is followed by another");
	ok(bounded, "the pause doubles from 100 ms to 5 s, half of it chance");
	ok(least < LAST_MS * 6 / 10 && most > LAST_MS * 9 / 10,
	    "and that chance is all of the half: %llu to %llu ms",
	    (unsigned long long)least, (unsigned long long)most);
	redis_close(&redis);
}

/* Returns when it is connected, or not; the Redis' side, which is to close. */
static int
connect_to(int listener)
{
	static const char pong[] = "+PONG\r\n";
	int fd;

	try_next();
	fd = accept(listener, NULL, NULL);
	if (fd == -1 || write(fd, pong, sizeof(pong) - 1) == -1)
		exit(1);
	ev_run(&loop);
	return fd;
}

/* How long a connection was up, and what may follow its loss at most. */
static const struct {
	const char *what;
	uint64_t lasted_ms, longest_ms;
} connections[] = {
	{ "a connection that is lost at once", 0, 2 * FIRST_MS },
	{ "one that almost lasted", LASTED_MS - 1, 4 * FIRST_MS },
	{ "another that is lost at once", 0, 8 * FIRST_MS },
	{ "one that lasted: it begins anew", LASTED_MS, FIRST_MS },
	{ "and doubles again", 0, 2 * FIRST_MS },
};

static void
test_connected(const struct addr *at, int listener)
{
	open_redis(at);
	for (size_t i = 0; i < nitems(connections); i++) {
		uint64_t longest = connections[i].longest_ms, pause;
		int fd = connect_to(listener);

		is_int(redis.state, REDIS_UP, "%s", connections[i].what);
		now_ms += connections[i].lasted_ms;
		redis_lose(&redis, "the test says so");
		pause = pause_ms();
		ok(pause >= longest / 2 && pause <= longest,
		    "  then %llu ms, up to %llu", (unsigned long long)pause,
		    (unsigned long long)longest);
		close(fd);
	}
}

/* The primary is elsewhere now: nobody waits for that. */
static void
test_moved(int listener)
{
	int fd;

	redis_moved(&redis);
	is_int((long long)pause_ms(), 0, "at another address: at once");
	fd = connect_to(listener);
	redis_lose(&redis, "the test says so");
	ok(pause_ms() <= 2 * FIRST_MS, "and what was before is forgotten");
	redis_close(&redis);
	close(fd);
	is_int((long long)pause_ms(), (long long)NEVER_MS, "closed: no more");
}

static void
stop(struct ev_task *task)
{
	(void)task;
	ev_stop(&loop);
}

/* What was sent may be on its way yet, with the kernel. */
static void
wait_for(int fd)
{
	struct pollfd p = { fd, POLLIN, 0 };

	poll(&p, 1, 5000);
}

/* What has come to the other side after a turn of the loop; "": nothing. */
static const char *
arrived(int fd)
{
	static char text[256];
	struct ev_task task = { .run = stop };
	ssize_t n;

	ev_later(&loop, &task); /* behind what is to be done in this turn */
	ev_run(&loop);
	wait_for(fd);
	n = recv(fd, text, sizeof(text) - 1, MSG_DONTWAIT);
	text[n > 0 ? n : 0] = '\0';
	return text;
}

/* Whose answer nobody wants, does not wait for that of the one before. */
static void
test_no_answer(const struct addr *at, int listener)
{
	int fd;

	open_redis(at);
	fd = connect_to(listener);
	arrived(fd); /* its greeting */
	ok(redis_command(&redis, NULL, NULL, "DEL", "a", NULL),
	    "a command whose answer nobody wants");
	is_str(arrived(fd), "*2\r\n$3\r\nDEL\r\n$1\r\na\r\n", "goes");
	ok(redis_command(&redis, NULL, NULL, "DEL", "b", NULL) &&
		redis_command(&redis, NULL, NULL, "DEL", "c", NULL),
	    "two more, before there is one");
	is_str(arrived(fd),
	    "*2\r\n$3\r\nDEL\r\n$1\r\nb\r\n"
	    "*2\r\n$3\r\nDEL\r\n$1\r\nc\r\n",
	    "go, too");
	redis_close(&redis);
	close(fd);
}

static void
late(void)
{
	now_ms += REDIS_ANSWER_MS + TIMER_TICK_MS;
	loop.now_ms = now_ms;
	timer_run(&loop.timers, now_ms);
}

/* An answer that has come in time counts, however late we are to read it. */
static void
test_late(const struct addr *at, int listener)
{
	int fd;

	open_redis(at);
	fd = connect_to(listener);
	arrived(fd); /* its greeting */
	redis_command(&redis, NULL, NULL, "DEL", "a", NULL);
	arrived(fd);
	ok(write(fd, ":1\r\n", 4) == 4, "an answer comes");
	wait_for(redis.io.fd);
	late();
	ok(redis.state == REDIS_UP, "and is found when it is looked for");
	late();
	ok(redis.state == REDIS_APART, "without one the connection is lost");
	redis_close(&redis);
	close(fd);
}

int
main(void)
{
	struct addr at;
	int listener = listen_at(&at);

	ok(ev_init(&loop) == 0, "a loop");
	test_gone();
	test_connected(&at, listener);
	test_moved(listener);
	test_no_answer(&at, listener);
	test_late(&at, listener);
	close(listener);
	ev_release(&loop);
	return done();
}
