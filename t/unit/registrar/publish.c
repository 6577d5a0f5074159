/*
 * registrar/publish.c: a tool that is gone is stopped for ten minutes, then
 * unknown, over a restart as well; what the table has already is left alone.
 */
#include "registrar/publish.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "registrar/process.h"
#include "shm/segment.h"
#include "shm/table_read.h"
#include "shm/table_write.h"
#include "t/tap.h"

#define SIZE (16u << 20)
#define MANY 600 /* more than one slice */
#define TEN_MINUTES_MS (10 * 60 * 1000)

static struct registrar r;
static struct conf conf;
static struct table *reader;
static struct tool tool; /* that was seen last */

static void
enter(const char *key)
{
	const struct destination to = {
		.url = "http://192.0.2.1:8000",
		.backend = { .ip = { .bytes = { 192, 0, 2, 1 },
				 .family = AF_INET },
		    .port = 8000 },
	};

	ok(book_set(&r.book, key, ".*", &to, 1, ORIGIN_TOOL, 1) != NULL,
	    "%s is in the book", key);
}

static void
strike(const char *key)
{
	struct book_name *name = book_find(&r.book, key);

	book_strike(&r.book, name, TAILQ_FIRST(&name->routes));
	ok(publish_name(&r, key, change_version(&r.changes)) == 0, "%s is gone",
	    key);
}

/* As workers see it: its state, or -1 when there is nothing. */
static int
seen(const char *key)
{
	static struct table_copy copy;

	if (table_read(reader, span_str(key), &copy, &tool) != LOOKUP_FOUND)
		return -1;
	return (int)tool.state;
}

static void
wait_ms(uint64_t ms)
{
	r.loop.now_ms += ms;
	timer_run(&r.loop.timers, r.loop.now_ms);
}

/* What the loop would do in its next turns. */
static void
turn(void)
{
	struct ev_task *task;

	while ((task = r.loop.tasks) != NULL) {
		ev_forget(&r.loop, task);
		task->run(task);
	}
}

/* A loaded book knows nothing of the table; that is not compared yet. */
static void
load(void)
{
	for (struct book_name *name = book_from(&r.book, ""); name != NULL;
	     name = book_next(&r.book, name))
		name->version = 0;
	ok(publish_open(&r) == 0, "a registrar");
	publish_all(&r);
	publish_ready(&r);
}

static void
begin(void)
{
	load();
	turn();
}

static void
tombstones(void)
{
	is_int(seen("talpha"), TOOL_ACTIVE, "published");
	strike("talpha");
	is_int(seen("talpha"), TOOL_STOPPED, "a tombstone");
	wait_ms(TEN_MINUTES_MS - 2 * TIMER_TICK_MS);
	is_int(seen("talpha"), TOOL_STOPPED, "for ten minutes");
	wait_ms(3 * TIMER_TICK_MS);
	is_int(seen("talpha"), -1, "then nothing");

	strike("tbeta");
	enter("tbeta");
	ok(publish_name(&r, "tbeta", change_version(&r.changes)) == 0, "back");
	wait_ms(2 * TEN_MINUTES_MS);
	is_int(seen("tbeta"), TOOL_ACTIVE, "who is back stays");
}

static void
restart(void)
{
	uint64_t generation = table_generation(r.table);

	publish_close(&r);
	begin();
	is_int((long long)(table_generation(r.table) - generation), 1,
	    "a restart changes nothing that is right, but the epoch");
	publish_close(&r);
	book_find(&r.book, "tbeta")->canonical = true;
	begin();
	is_int(seen("tbeta"), TOOL_ACTIVE, "what is not right");
	ok(tool.canonical, "is put right");

	strike("tbeta");
	publish_close(&r);
	begin();
	is_int(seen("tbeta"), TOOL_STOPPED, "stopped over a restart");
	wait_ms(TEN_MINUTES_MS + TIMER_TICK_MS);
	is_int(seen("tbeta"), -1, "but not for ever");

	enter("tgamma");
	publish_close(&r);
	begin();
	is_int(seen("tgamma"), TOOL_ACTIVE, "what the table lacked is there");
	book_strike(&r.book, book_find(&r.book, "tgamma"),
	    TAILQ_FIRST(&book_find(&r.book, "tgamma")->routes));
	publish_close(&r);
	begin();
	is_int(seen("tgamma"), -1, "what nobody knows of goes");
}

/* Those who register do not wait until all names have been compared. */
static void
change_meanwhile(void)
{
	char key[16];
	uint32_t slot;
	uint64_t generation;

	for (unsigned i = 0; i < MANY; i++) {
		snprintf(key, sizeof(key), "tmany%u", i);
		enter(key);
		publish_name(&r, key, change_version(&r.changes));
	}
	slot = publish_slot(&r, "tmany0");
	ok(slot != 0, "counters");
	publish_close(&r);
	for (unsigned i = 0; i < MANY; i++) {
		snprintf(key, sizeof(key), "tfresh%u", i);
		enter(key);
	}
	load();
	is_int(publish_slot(&r, "tmany0"), slot, "are inherited at once");
	strike("tmany0");
	strike("tmany1");
	enter("tmany1");
	ok(publish_name(&r, "tmany1", change_version(&r.changes)) == 0,
	    "back again");
	enter("tlate");
	ok(publish_name(&r, "tlate", change_version(&r.changes)) == 0, "late");
	ok(publish_slot(&r, "tlate") != slot, "nobody else has them");
	generation = table_generation(r.table);
	turn();
	is_int((long long)(table_generation(r.table) - generation), MANY,
	    "what is right is left alone");
	is_int(seen("tmany0"), TOOL_STOPPED, "who went meanwhile is stopped");
	is_int(seen("tmany1"), TOOL_ACTIVE, "who came back is there");
	is_int(seen("tlate"), TOOL_ACTIVE, "and who came");
	for (struct book_name *name = book_from(&r.book, ""); name != NULL;
	     name = book_next(&r.book, name))
		ok(name->version != 0, "%s was compared", name->key + 1);
	wait_ms(TEN_MINUTES_MS + TIMER_TICK_MS);
	is_int(seen("tmany0"), -1, "not for ever");
}

int
main(void)
{
	int fd = segment_create("test", SIZE);

	ok(table_format(fd) == 0, "a table");
	r.conf = &conf;
	r.boot.segment_fds[SEGMENT_TABLE] = fd;
	changes_init(&r.changes);
	ok(book_init(&r.book) && ev_init(&r.loop) == 0, "a book, a loop");
	enter("talpha");
	enter("tbeta");
	begin();
	reader = table_open(fd);
	tombstones();
	restart();
	change_meanwhile();
	table_close(reader);
	publish_close(&r);
	book_release(&r.book);
	ev_release(&r.loop);
	close(fd);
	return done();
}
