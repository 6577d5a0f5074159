/* registrar/redis_pass.c: names that cannot be read do not end it. */
#include "registrar/redis_pass.h"

#include <stdio.h>

#include "registrar/process.h"
#include "registrar/redis_watch.h"
#include "registrar/store_redis.h"
#include "t/tap.h"

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
	s.watch.nnames = 0;
}

int
main(void)
{
	ok(book_init(&r.book) && ev_init(&r.loop) == 0, "a book, a loop");
	for (int i = 0; i < NAMES; i++)
		enter(i);
	is_int((long long)r.book.nroutes, NAMES, "with many names");
	watch_init(&s);
	pass_init(&s);
	test_no_room();
	watch_release(&s);
	book_release(&r.book);
	ev_release(&r.loop);
	return done();
}
