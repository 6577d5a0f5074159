/*
 * registrar/redis_pass.c: names that cannot be read do not end it, but then it
 * has not seen all.
 */
#include "registrar/redis_pass.h"

#include <stdio.h>

#include "lib/clock.h"
#include "registrar/process.h"
#include "registrar/publish.h"
#include "registrar/redis_watch.h"
#include "registrar/store_redis.h"
#include "shm/segment.h"
#include "shm/table_write.h"
#include "t/tap.h"
#include "t/unit/registrar/a_redis.h"

#define NAMES 200000

static struct registrar r;
static struct store_redis s = { .r = &r };

static void
enter(int i)
{
	const struct destination to = { .url = "http://192.0.2.1:8000" };
	char key[KEY_MAX];

	snprintf(key, sizeof(key), "ttool-%06d", i);
	book_set(&r.book, key, ".*", &to, 1, ORIGIN_TOOL, 1);
}

/*
 * So many names wait to be read that none of ours can be added: each is done
 * with as soon as it is asked for, and the stack is no deeper by that.
 */
static void
test_no_room(void)
{
	s.watch.nnames = SIZE_MAX;
	s.pass.phase = PASS_BOOK;
	s.pass.open = 2; /* one of them is answered now */
	pass_read_done(&s);
	ok(book_next(&r.book, book_from(&r.book, s.pass.book_at)) == NULL,
	    "it goes over all names");
	is_int((long long)s.pass.open, 1, "and waits for the other answer");
	s.pass.loss = true;
	pass_read_done(&s);
	is_int(s.pass.phase, PASS_IDLE, "which is its end");
	ok(s.pass.loss, "but what was lost of those is not known yet");
	ok(s.pass.synced_ms == 0, "and it was no full one");
	s.watch.nnames = 0;
}

static void
up(struct redis *c)
{
	ev_stop(c->loop);
}

static void
down(struct redis *c, const char *why)
{
	diag("%s", why);
	ev_stop(c->loop);
}

/* A Redis that greets; then it is the test's to say what it says. */
static int
connect_reads(void)
{
	static const struct redis_ops ops = { .up = up, .down = down };
	static struct addr at;
	int listener = listen_at(&at), fd;

	redis_open(&s.reads, &r.loop, &at, "", "", &ops, &s);
	timer_run(&r.loop.timers, clock_mono_ms() + 2 * TIMER_TICK_MS);
	fd = accept(listener, NULL, NULL);
	say(fd, "+PONG\r\n");
	ev_run(&r.loop);
	close(listener);
	return fd;
}

static void
asked(void *arg, const redisReply *reply)
{
	(void)reply;
	ev_stop(arg);
}

/* A name is still being read when the pass is given up, and the next begun. */
static void
test_given_up(void)
{
	int fd = connect_reads();

	s.ready = true;
	s.pass.phase = PASS_BOOK; /* at its end, as it was left */
	watch_want(&s, "ttool-000000", true);
	s.pass.open = 1;
	pass_unread(&s);
	is_int(s.pass.phase, PASS_IDLE, "a pass that is given up");
	s.pass.phase = PASS_BOOK;
	s.pass.open = 2;
	redis_command(&s.reads, asked, &r.loop, "PING", NULL);
	say(fd, "+PONG\r\n");
	ev_run(&r.loop); /* the name is asked for */
	redis_command(&s.reads, asked, &r.loop, "PING", NULL);
	say(fd, "+OK\r\n+QUEUED\r\n+QUEUED\r\n+QUEUED\r\n"
		"*3\r\n:0\r\n*0\r\n-WRONGTYPE a string\r\n+PONG\r\n");
	ev_run(&r.loop);
	is_int((long long)s.watch.nnames, 0, "what it wanted is read later");
	is_int((long long)s.pass.open, 2, "and is none of the next one's");
	s.ready = false;
	redis_close(&s.reads);
	close(fd);
}

static bool
open_all(void)
{
	int table = segment_create("test", 16u << 20);

	r.boot.segment_fds[SEGMENT_TABLE] = table;
	return table_format(table) == 0 && book_init(&r.book) &&
	       ev_init(&r.loop) == 0 && publish_open(&r) == 0;
}

int
main(void)
{
	ok(open_all(), "a book, a loop, a table");
	for (int i = 0; i < NAMES; i++)
		enter(i);
	is_int((long long)r.book.nroutes, NAMES, "with many names");
	watch_init(&s);
	pass_init(&s);
	test_no_room();
	test_given_up();
	watch_release(&s);
	publish_close(&r);
	book_release(&r.book);
	ev_release(&r.loop);
	return done();
}
