/*
 * A writer and its readers at the same time, on few names, so that they meet:
 * nobody reads what was not put, and TSan (make SAN=thread) finds no access
 * that is not atomic.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

/* Readers in the writer's mapping: TSan goes by addresses. */
#include "shm/table_read.c"

#include "shm/table_writer.h"
#include "t/tap.h"
#include "t/unit/shm/sample.h"

#define NAMES 24
#define CHANGES 50000
#define READERS 2
#define SIZE (4 * 1024 * 1024)

static struct table_writer *w;
static struct table *t, same;
static _Atomic uint64_t shown[NAMES]; /* versions, after they were put */
static atomic_bool stop;

/* Puts each name again and again; new names in between make the table grow. */
static void *
write_all(void *arg)
{
	static struct sample s;
	uint64_t bad = 0;
	char key[32];

	(void)arg;
	for (unsigned i = 0; i < CHANGES; i++) {
		unsigned n = i % NAMES, extra = NAMES + i;
		uint64_t version = 1 + i / NAMES;

		bad += table_put(w, sample_tool(&s, n, version), version) != 0;
		atomic_store(&shown[n], version);
		bad += table_put(w, sample_tool(&s, extra, 1), 1) != 0;
		bad += table_delete(w, sample_key(key, extra), 1) != 0;
	}
	atomic_store(&stop, true);
	return (void *)(uintptr_t)bad;
}

static void *
read_all(void *arg)
{
	struct table_copy *copy = calloc(1, sizeof(*copy));
	struct tool *got = calloc(1, sizeof(*got));
	uint64_t bad = 0, least;
	enum lookup found;
	char key[32];

	(void)arg;
	for (unsigned i = 0; !atomic_load(&stop); i++) {
		unsigned n = i % NAMES;

		least = atomic_load(&shown[n]);
		found = table_read(t, sample_key(key, n), copy, got);
		if (found == LOOKUP_ABSENT)
			bad += least != 0;
		else
			bad += found != LOOKUP_FOUND || got->version < least ||
			       !sample_is(got, n, got->version);
	}
	free(copy);
	free(got);
	return (void *)(uintptr_t)bad;
}

int
main(void)
{
	pthread_t writer, readers[READERS];
	int fd = segment_create("threads", SIZE);
	void *bad;

	ok(table_format(fd) == 0 && (w = table_writer_new(fd, NULL, NULL)) != NULL,
	    "a table");
	same = (struct table){ .header = w->h, .bytes = w->bytes };
	t = &same;
	table_set_ready(w);
	pthread_create(&writer, NULL, write_all, NULL);
	for (int i = 0; i < READERS; i++)
		pthread_create(&readers[i], NULL, read_all, NULL);
	pthread_join(writer, &bad);
	is_int((long long)(uintptr_t)bad, 0, "every change was taken");
	for (int i = 0; i < READERS; i++) {
		pthread_join(readers[i], &bad);
		is_int((long long)(uintptr_t)bad, 0, "every read was right");
	}
	is_int(table_count(w), NAMES, "nothing else is left");
	table_writer_free(w);
	close(fd);
	return done();
}
