/* The route table: what was put is read, by any process, and nothing else. */
#include "shm/table_read.h"
#include "shm/table_write.h"

#include <errno.h>
#include <sys/wait.h>
#include <unistd.h>

#include "shm/segment.h"
#include "shm/table_writer.h"
#include "t/tap.h"
#include "t/unit/shm/sample.h"

#define SIZE (64 * 1024 * 1024)

static int fd, ro;
static struct table_writer *w;
static struct table *t;
static struct table_copy copy;
static struct tool got;

static int
put(unsigned n, uint64_t version)
{
	static struct sample sample;

	return table_put(w, sample_tool(&sample, n, version), version);
}

/* Is it there, exactly as put(n, version) put it? */
static bool
holds(unsigned n, uint64_t version)
{
	char key[32];

	return table_read(t, sample_key(key, n), &copy, &got) == LOOKUP_FOUND &&
	       got.version == version && sample_is(&got, n, version);
}

static enum lookup
look(unsigned n)
{
	char key[32];

	return table_read(t, sample_key(key, n), &copy, &got);
}

static int
drop(unsigned n, uint64_t version)
{
	char key[32];

	return table_delete(w, sample_key(key, n), version);
}

static void
start(void)
{
	fd = segment_create("test", SIZE);
	ok(table_format(fd) == 0, "formatted");
	w = table_writer_new(fd, NULL, NULL);
	ro = segment_reopen_readonly(fd);
	t = table_open(ro);
	ok(w != NULL && t != NULL, "a writer and a reader");
}

/* The writer goes; another recovers what it left. */
static void
succeed(void)
{
	table_writer_free(w);
	w = table_writer_new(fd, NULL, NULL);
	ok(w != NULL, "a successor");
}

static void
stop(void)
{
	table_close(t);
	table_writer_free(w);
	close(ro);
	close(fd);
}

static void
one_name(void)
{
	uint64_t generation;

	start();
	is_int(look(1), LOOKUP_NOT_READY, "nothing loaded: not ready");
	is_int(put(1, 5), 0, "put");
	ok(holds(1, 5), "found");
	is_int(look(2), LOOKUP_NOT_READY, "another: the load is not complete");
	table_set_ready(w);
	is_int(look(2), LOOKUP_ABSENT, "ready: absent");
	generation = table_generation(w);
	is_int(put(1, 6), 0, "changed");
	ok(holds(1, 6), "found as changed");
	ok(table_generation(w) > generation,
	    "the table's generation has moved");
	ok(put(1, 4) == -1 && errno == ESTALE, "an older version is refused");
	ok(holds(1, 6), "and changes nothing");
	is_int(put(1, 6), 0, "the same version again is not");
	is_int(table_count(w), 1, "one name");
	is_int(drop(2, 9), 0, "deleting what is not there");
	is_int(drop(1, 9), 0, "deleting what is");
	is_int(look(1), LOOKUP_ABSENT, "absent");
	is_int(table_count(w), 0, "no name");
	ok(put(1, 8) == -1 && errno == ESTALE,
	    "an older version does not come back");
	is_int(put(1, 10), 0, "a newer one does");
	ok(holds(1, 10), "found");
	stop();
}

/* The table grows with its names, and they are all there at any time. */
static void
many_names(void)
{
	unsigned missing = 0, n = 20000;

	start();
	table_set_ready(w);
	for (unsigned i = 0; i < n; i++) {
		missing += put(i, 1) != 0;
		for (unsigned j = 0; j <= i; j += 1 + i / 8)
			missing += !holds(j, 1);
	}
	is_int(missing, 0, "%u names put, those before always there", n);
	is_int(table_count(w), n, "counted");
	for (unsigned i = 0; i < n; i++)
		missing += !holds(i, 1);
	is_int(missing, 0, "each is itself");
	for (unsigned i = n; i < 2 * n; i++)
		missing += look(i) != LOOKUP_ABSENT;
	is_int(missing, 0, "as many others are absent");

	for (unsigned i = 0; i < n; i += 2)
		missing += drop(i, 2) != 0;
	for (unsigned i = 1; i < n; i += 2)
		missing += put(i, 3) != 0;
	for (unsigned i = 0; i < n; i++)
		missing += i % 2 ? !holds(i, 3) : look(i) != LOOKUP_ABSENT;
	is_int(missing, 0, "half deleted, half changed");
	is_int(table_count(w), n / 2, "counted");
	succeed();
	is_int(table_count(w), n / 2, "counts them too");
	for (unsigned i = 0; i < n; i++)
		missing += i % 2 ? !holds(i, 3) : look(i) != LOOKUP_ABSENT;
	is_int(missing, 0, "all is as it was");
	for (unsigned i = 1; i < n; i += 2)
		missing += put(i, 4) != 0 || !holds(i, 4);
	is_int(missing, 0, "and can be changed");
	stop();
}

/* Changes alone, of names new and old, never fill the table. */
static void
churn(void)
{
	unsigned bad = 0, kept = 1000;

	start();
	for (unsigned i = 0; i < 300000; i++) {
		bad += put(i, 1) != 0;
		if (i >= kept)
			bad += drop(i - kept, 2) != 0;
	}
	is_int(bad, 0, "300000 names come and go");
	is_int(table_count(w), kept, "the last ones are there");
	for (unsigned i = 300000 - kept; i < 300000; i++)
		bad += !holds(i, 1);
	is_int(bad, 0, "each is itself");
	while (table_grow_step(w))
		continue;
	succeed();
	for (unsigned i = 300000 - kept; i < 300000; i++)
		bad += drop(i, 2) != 0 || look(i) != LOOKUP_NOT_READY;
	is_int(bad, 0, "all can be deleted");
	succeed();
	is_int(put(1, 3), 0, "an empty table is as good as a new one");
	ok(holds(1, 3), "found");
	stop();
}

/* A full table refuses, and serves what it has. */
static void
full(void)
{
	unsigned n = 0, bad = 0, freed;
	int small;

	small = segment_create("small", 256 * 1024);
	ok(table_format(small) == 0, "a small table");
	w = table_writer_new(small, NULL, NULL);
	t = table_open(small);
	while (put(n, 1) == 0)
		n++;
	is_int(errno, ENOSPC, "full after %u names", n);
	for (unsigned i = 0; i < n; i++)
		bad += !holds(i, 1);
	is_int(bad, 0, "all of them are there");
	freed = n / 2;
	for (unsigned i = 0; i < freed; i++)
		bad += drop(i, 2) != 0;
	for (unsigned i = 0; i < freed / 2; i++)
		bad += put(i, 3) != 0;
	is_int(bad, 0, "room that was freed is used again");
	table_close(t);
	table_writer_free(w);
	close(small);
}

static struct {
	unsigned names, sum;
} each;

static void
count_each(void *arg, const struct tool *tool)
{
	each.names++;
	each.sum += tool->counter_slot + (unsigned)tool->version;
	ok(arg == &each, "with the asker's argument");
}

static void
second_writer(void)
{
	int status;
	pid_t pid;

	start();
	for (unsigned i = 0; i < 10; i++)
		put(i, 1);
	drop(9, 2);
	pid = fork();
	if (pid == 0)
		_exit(table_writer_new(fd, NULL, NULL) == NULL && errno == EBUSY
			  ? 0
			  : 1);
	waitpid(pid, &status, 0);
	is_int(status, 0, "no second writer beside a living one");
	succeed();
	is_int(table_count(w), 9, "knows the names");
	each.names = each.sum = 0;
	table_walk(w, &(struct table_walk){ 0 }, SIZE_MAX, count_each, &each);
	is_int(each.names, 9, "tells each of them");
	is_int(each.sum, 36 + 9, "as it was put");
	ok(put(9, 1) == -1 && errno == ESTALE, "remembers deleted versions");
	is_int(put(3, 2), 0, "and goes on");
	ok(holds(3, 2) && holds(4, 1), "readers see both");
	stop();
}

/*
 * Put and delete names until the directory has moved: to that unit, or anywhere
 * where it is 0.
 */
static bool
move(uint32_t to)
{
	static unsigned next = 100;
	unsigned most = next + 100000;
	uint32_t from = w->now.unit;

	for (; next < most; next++) {
		put(next, 1);
		drop(next, 2);
		if (w->now.unit != from && (to == 0 || w->now.unit == to))
			return true;
	}
	return false;
}

/* A walk begins anew in a directory that lies where the first one lay. */
static void
walks(void)
{
	struct table_walk walk = { 0 };
	uint32_t where;

	start();
	for (unsigned i = 0; i < 100; i++)
		put(i, 1);
	ok(move(0), "the table moves");
	where = w->now.unit;
	table_walk(w, &walk, table_entries(w) - 1, count_each, &each);
	ok(move(0) && move(where), "and comes back");
	each.names = each.sum = 0;
	table_walk(w, &walk, SIZE_MAX, count_each, &each);
	is_int(each.names, 100, "a walk tells all its names");
	stop();
}

/* Overwrite a byte of a name's blob, as only a bug could. */
static void
damage(unsigned n)
{
	size_t size;
	char key[32], *map = segment_map(fd, true, &size), *at;
	struct span name = sample_key(key, n);

	at = memmem(map, size, name.ptr, name.len);
	at[-1] ^= 1;
	segment_unmap(map, size);
}

/* A damaged entry costs one name, and that one only until it is put again. */
static void
quarantine(void)
{
	struct table_header *h;
	size_t size;

	start();
	table_set_ready(w);
	for (unsigned i = 0; i < 10; i++)
		put(i, 1);
	damage(7);
	is_int(look(7), LOOKUP_DAMAGED, "a reader sees the damage");
	ok(holds(6, 1), "which is no other name's");
	succeed();
	is_int(table_damaged(w), 1, "the next writer finds it");
	is_int(table_count(w), 9, "and counts the others");
	ok(look(7) == LOOKUP_FOUND && got.state == TOOL_QUARANTINED,
	    "quarantined");
	is_int(put(7, 1), 0, "put again");
	ok(holds(7, 1), "as good as ever");

	table_writer_free(w);
	h = segment_map(fd, true, &size);
	h->root_copies[(h->root_seq & 1) * ROOT_WORDS + ROOT_PLACE] ^= 1;
	segment_unmap(h, size);
	is_int(look(7), LOOKUP_DAMAGED, "a damaged root: nothing to be had");
	ok(table_writer_new(fd, NULL, NULL) == NULL && errno == EBADMSG,
	    "no writer recovers that");
	table_close(t);
	close(ro);
	close(fd);
}

/* The words of the root that is valid. */
static latch_word *
root_of(struct table_header *h)
{
	return h->root_copies + (h->root_seq & 1) * ROOT_WORDS;
}

/* A name is not there while its tag is wrong, which the next writer mends. */
static void
tags(void)
{
	struct table_header *h;
	latch_word *words;
	size_t size;

	start();
	table_set_ready(w);
	put(1, 1);
	h = segment_map(fd, true, &size);
	words = unit_words(h, place_unit(root_of(h)[ROOT_PLACE]) + 16);
	words[0] = words[1] = 0;
	is_int(look(1), LOOKUP_ABSENT, "no tag: no name");
	succeed();
	ok(holds(1, 1), "the next writer writes it again");
	word_write(&h->epoch, word_read(&h->epoch) + 1);
	ok(put(1, 2) == -1 && errno == EBUSY, "who was deposed writes nothing");
	segment_unmap(h, size);
	stop();
}

/* The tags have to be inside, too. */
static void
directory_at_the_end(void)
{
	uint64_t root[ROOT_WORDS] = { 1, 2 };

	root[ROOT_PLACE] =
	    place_make(TABLE_LOG2_MIN, SIZE / TABLE_UNIT - 16, 0);
	root[ROOT_PLACE] |= root_sum(root);
	ok(!root_valid(root, SIZE), "a directory whose tags are outside");
	ok(root_valid(root, SIZE + TABLE_UNIT), "and one that fits");
}

static void
not_a_table(void)
{
	int other = segment_create("other", SIZE);

	ok(table_open(other) == NULL && errno == EPROTO, "zeros are no table");
	ok(table_writer_new(other, NULL, NULL) == NULL && errno == EPROTO,
	    "nor to write");
	close(other);
	other = segment_create("tiny", 4096);
	ok(table_format(other) == -1 && errno == EINVAL, "too small a segment");
	close(other);
}

/* Room that was made before: the directory is as large from the first name. */
static void
reserved(void)
{
	unsigned wrong = 0;
	size_t entries;

	start();
	put(0, 1);
	table_reserve(w, 5000);
	entries = table_entries(w);
	is_int(entries, 8192, "room for 5,000 names");
	for (unsigned n = 1; n < 5000; n++)
		wrong += put(n, 1) == -1;
	is_int(table_entries(w), entries, "and they need no more");
	for (unsigned n = 0; n < 5000; n++)
		wrong += !holds(n, 1);
	is_int(wrong, 0, "all of them are there");
	table_reserve(w, 10);
	is_int(table_entries(w), entries, "it is not made smaller");
	stop();
}

/* Units that the writer thinks are in use. */
static uint32_t
taken(void)
{
	return w->arena.top - w->arena.nfree;
}

/*
 * Whatever has become of them, directories, their tags and blobs are given
 * back: a successor, who asks the table itself, finds as many in use.
 */
static void
nothing_leaks(void)
{
	uint32_t before;

	start();
	for (unsigned i = 0; i < 3000; i++)
		put(i, 1 + i % 50);
	for (unsigned i = 0; i < 3000; i++)
		put(i, 100 + i % 7);
	for (unsigned i = 0; i < 3000; i += 3)
		drop(i, 1000);
	while (table_grow_step(w))
		continue;
	ok(table_entries(w) >= 4096, "it has grown, several times");
	before = taken();
	succeed();
	is_int(taken(), before, "nothing is in use that nobody can find");
	stop();
}

int
main(void)
{
	one_name();
	many_names();
	churn();
	nothing_leaks();
	full();
	reserved();
	second_writer();
	walks();
	quarantine();
	tags();
	directory_at_the_end();
	not_a_table();
	return done();
}
