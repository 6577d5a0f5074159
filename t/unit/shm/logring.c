/*
 * Whole lines come out of a ring, each once and in order, whoever is killed at
 * whatever instruction; a full ring waits for nobody and counts; and nothing
 * that the other side writes leads a process astray.
 */
#include <errno.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

static unsigned stores_left; /* 0: live */

static void
stored(void)
{
	if (stores_left > 0 && --stores_left == 0)
		raise(SIGKILL);
}

#define LATCH_STORED() stored()
#include "shm/logring.c"

#include <bsd/stdlib.h>

#include "t/tap.h"

#define SLOTS 3

static int rings_fd, marks_fd;
static char out[LOGRING_BYTES + 1];

static void
make_segments(void)
{
	if (rings_fd > 0) {
		close(rings_fd);
		close(marks_fd);
	}
	rings_fd = segment_create("rings", logring_rings_size(SLOTS));
	marks_fd = segment_create("marks", logring_marks_size(SLOTS));
}

static struct logring_writer
writer(unsigned slot)
{
	struct logring_writer w;

	if (logring_writer_open(&w, rings_fd, marks_fd, slot) == -1)
		abort();
	return w;
}

static struct logring_reader
reader(void)
{
	struct logring_reader r;

	if (logring_reader_open(&r, rings_fd, marks_fd, true) == -1)
		abort();
	return r;
}

static enum logring_put
put(struct logring_writer *w, const char *line)
{
	return logring_put(w, span_str(line));
}

static bool
peeked(struct logring_reader *r, unsigned slot, const char *expected)
{
	size_t n = logring_peek(r, slot, out);

	out[n] = '\0';
	return strcmp(out, expected) == 0;
}

static void
in_and_out(void)
{
	struct logring_writer w, v;
	struct logring_reader r;
	struct logring_counts counts;

	make_segments();
	w = writer(0);
	v = writer(2);
	r = reader();
	is_int(r.slots, SLOTS, "as many rings as there is room for");
	ok(peeked(&r, 0, ""), "nothing is in a new one");
	put(&w, "one\n");
	put(&w, "two\n");
	put(&v, "three\n");
	ok(peeked(&r, 0, "one\ntwo\n"), "lines come in order");
	ok(peeked(&r, 0, "one\ntwo\n"), "until they are taken");
	logring_take(&r, 0, 4, 1);
	ok(peeked(&r, 0, "two\n"), "one was taken");
	ok(peeked(&r, 2, "three\n"), "each slot has its own");
	logring_reader_close(&r);
	r = reader();
	ok(peeked(&r, 0, "two\n"), "the next logger goes on there");
	logring_counts(&r, &counts);
	ok(counts.written == 1 && counts.dropped == 0, "and with the count");
	ok(logring_writer_open(&w, rings_fd, marks_fd, SLOTS) == -1 &&
		errno == EINVAL,
	    "there is no slot behind the last");
}

/* Who watches takes nothing away, and sees whole lines or none. */
static void
followed(void)
{
	static char line[1024];
	struct logring_writer w;
	struct logring_reader r;
	uint64_t at = 0;
	size_t n;

	make_segments();
	w = writer(0);
	r = reader();
	put(&w, "one\n");
	n = logring_follow(&r, 0, &at, out);
	ok(n == 4 && memcmp(out, "one\n", n) == 0, "a line that is new");
	is_int((long)logring_follow(&r, 0, &at, out), 0, "no other is");
	ok(peeked(&r, 0, "one\n"), "it is there for the logger");

	make_segments();
	w = writer(0);
	r = reader();
	memset(line, 'a', sizeof(line));
	line[sizeof(line) - 1] = '\n';
	for (size_t i = 0; i < LOGRING_BYTES / sizeof(line); i++)
		logring_put(&w, (struct span){ line, sizeof(line) });
	logring_take(&r, 0, LOGRING_BYTES, 1);
	/* the next line, as far as its worker has come */
	memset(w.ring->bytes, 'b', 10);
	at = 0;
	n = logring_follow(&r, 0, &at, out);
	ok(memchr(out, 'b', n) == NULL, "none that is being written over");
	ok(at == w.head, "what follows is seen again");
}

/* Lines of all lengths, round and round. */
static void
wrap(void)
{
	static char line[5000], expected[LOGRING_BYTES + 1];
	struct logring_writer w;
	struct logring_reader r;
	size_t n, total = 0;
	bool same = true;

	make_segments();
	w = writer(1);
	r = reader();
	for (unsigned round = 0; round < 2000; round++) {
		n = 0;
		for (unsigned k = 0; k < 5; k++) {
			size_t len = arc4random_uniform(sizeof(line) - 1) + 1;

			memset(line, 'a' + (int)(round + k) % 26, len);
			line[len - 1] = '\n';
			logring_put(&w, (struct span){ line, len });
			memcpy(expected + n, line, len);
			n += len;
		}
		same = same && logring_peek(&r, 1, out) == n &&
		       memcmp(out, expected, n) == 0;
		logring_take(&r, 1, n, 5);
		total += n;
	}
	ok(same, "%zu rounds of the ring give what was put in",
	    total / LOGRING_BYTES);
}

static void
full(void)
{
	static char line[1000];
	struct logring_writer w;
	struct logring_reader r;
	struct logring_counts counts;
	unsigned in = 0, woken = 0;
	enum logring_put got;

	make_segments();
	w = writer(0);
	r = reader();
	memset(line, 'x', sizeof(line));
	line[sizeof(line) - 1] = '\n';
	while ((got = logring_put(&w, (struct span){ line, sizeof(line) })) !=
	       LOGRING_FULL) {
		in++;
		woken += got == LOGRING_HALF;
	}
	is_int(in, LOGRING_BYTES / 1000, "it takes what it has room for");
	is_int(woken, 1, "the logger is woken once, half-way");
	is_int(put(&w, "short\n"), LOGRING_PUT, "a short one may still fit");
	logring_put(&w, (struct span){ line, sizeof(line) });
	logring_counts(&r, &counts);
	is_int((long)counts.dropped, 2, "each that is dropped is counted");
	is_int(
	    (long)logring_peek(&r, 0, out), in * 1000 + 6, "nothing is lost");
	logring_take(&r, 0, in * 1000 + 6, in + 1);
	is_int(put(&w, "more\n"), LOGRING_PUT, "then there is room again");
	ok(peeked(&r, 0, "more\n"), "for whole lines");
}

/*
 * The worker dies in mid-copy, which is before its first store, or after each
 * of its stores: its successor's lines follow upon whole ones.
 */
static void
killed_worker(void)
{
	static const char *const after[] = { "before\n", "before\nlast\n" };
	struct logring_writer w;
	struct logring_reader r;
	int status;

	for (unsigned n = 0; n < 2; n++) {
		make_segments();
		w = writer(0);
		r = reader();
		put(&w, "before\n");
		if (fork() == 0) {
			stores_left = n;
			if (n == 0) {
				copy_in(w.ring, w.head, SPAN("last"));
				raise(SIGKILL);
			}
			put(&w, "last\n");
			_exit(0);
		}
		wait(&status);
		ok(WIFSIGNALED(status), "a worker was killed");
		ok(peeked(&r, 0, after[n]), "and left whole lines");
		w = writer(0);
		put(&w, "next\n");
		ok(strncmp(out, after[n], strlen(after[n])) == 0 &&
			logring_peek(&r, 0, out) == strlen(after[n]) + 5 &&
			memcmp(out + strlen(after[n]), "next\n", 5) == 0,
		    "its successor goes on behind them");
	}
}

/* What the logger does with one ring's lines; they "reach" a file of ours. */
static void
write_out(struct logring_reader *r, volatile uint64_t *file_size)
{
	struct logring_intent intent = { 0, 7, *file_size };
	size_t n = logring_peek(r, 0, out);

	logring_intend(r, &intent);
	*file_size += n;
	stored();
	logring_take(r, 0, n, 1);
}

/* Kill the logger after each of its steps: every byte is taken once. */
static void
killed_logger(void)
{
	volatile uint64_t *file_size = mmap(NULL, sizeof(*file_size),
	    PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct logring_intent intent;
	struct logring_writer w;
	struct logring_reader r;
	unsigned n = 0;
	int status;

	do {
		make_segments();
		*file_size = 100;
		w = writer(0);
		put(&w, "one\n");
		put(&w, "two\n");
		if (fork() == 0) {
			r = reader();
			stores_left = ++n;
			write_out(&r, file_size);
			_exit(0);
		}
		n++;
		wait(&status);
		r = reader();
		if (logring_unfinished(&r, &intent) && intent.inode == 7)
			logring_take(&r, 0, *file_size - intent.size, 0);
		put(&w, "three\n");
		write_out(&r, file_size);
		is_int((long long)*file_size, 100 + 14,
		    "a logger killed after step %u: nothing twice, nothing "
		    "lost",
		    n);
	} while (WIFSIGNALED(status));
	ok(n > 7, "in each of its steps");
	munmap((void *)file_size, sizeof(*file_size));
}

/* Numbered lines of many lengths, until killed. */
static void __attribute__((noreturn)) put_numbers(volatile uint64_t *next)
{
	struct logring_writer w = writer(0);
	char line[400];
	int n;

	for (;;) {
		n = snprintf(line, sizeof(line), "%08llu %0*d\n",
		    (unsigned long long)*next, (int)(*next % 300) + 1, 0);
		if (logring_put(&w, (struct span){ line, (size_t)n }) !=
		    LOGRING_FULL)
			++*next;
	}
}

/* The lines are those that follow number *seen, one of them twice at most. */
static bool
numbers_follow(const char *lines, size_t n, uint64_t *seen, unsigned *twice)
{
	for (const char *p = lines; p < lines + n;) {
		const char *end = memchr(p, '\n', n - (size_t)(p - lines));
		uint64_t number = strtoull(p, NULL, 10);

		if (end == NULL || end - p != (long)(10 + number % 300))
			return false;
		/* put, and killed before it could count so */
		if (number + 1 == *seen)
			++*twice;
		else if (number != (*seen)++)
			return false;
		p = end + 1;
	}
	return true;
}

static void
killed_at_random(void)
{
	volatile uint64_t *next = mmap(NULL, sizeof(*next),
	    PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct logring_reader r;
	unsigned kills, twice = 0;
	uint64_t seen = 0;
	bool fine = true;
	size_t n;

	make_segments();
	r = reader();
	for (kills = 0; kills < 300 && fine; kills++) {
		pid_t pid = fork();

		if (pid == 0)
			put_numbers(next);
		for (int i = 0; i < 20 && fine; i++) {
			n = logring_peek(&r, 0, out);
			fine = numbers_follow(out, n, &seen, &twice);
			logring_take(&r, 0, n, 0);
			usleep(arc4random_uniform(200));
		}
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
	}
	ok(fine && twice <= kills && seen > kills,
	    "%u kills of a worker, %llu whole lines in order", kills,
	    (unsigned long long)seen);
	munmap((void *)next, sizeof(*next));
}

static void
hostile(void)
{
	static char line[LOGRING_BYTES];
	struct logring_writer w;
	struct logring_reader r;
	struct logring_intent intent;
	uint64_t wrong[] = { 0, 5, LOGRING_BYTES, UINT64_MAX, UINT64_MAX / 2 };

	make_segments();
	w = writer(0);
	r = reader();
	put(&w, "a\033[2Jb\x80\r\x7f"
		"c\n");
	ok(peeked(&r, 0, "a?[2Jb???c\n"), "control bytes reach no terminal");
	logring_take(&r, 0, 11, 1);

	put(&w, "forged");
	ok(peeked(&r, 0, ""), "no half of a line, before another's line");
	put(&w, "next\n");
	ok(peeked(&r, 0, "next\n"), "it is thrown away");

	for (size_t i = 0; i < nitems(wrong); i++) {
		word_write(&w.ring->head, wrong[i]);
		ok(logring_peek(&r, 0, out) <= LOGRING_BYTES, "a head of %llx",
		    (unsigned long long)wrong[i]);
		w = writer(0);
		logring_peek(&r, 0, out); /* there the logger begins anew */
		put(&w, "again\n");
		ok(logring_peek(&r, 0, out) >= 6, "lines come again");
	}
	for (size_t i = 0; i < nitems(wrong); i++) {
		word_write(&r.marks->slot[1].taken, wrong[i]);
		w = writer(1);
		memset(line, 'x', sizeof(line));
		logring_put(&w, (struct span){ line, sizeof(line) });
		put(&w, "fine\n");
		ok(true, "a mark of %llx", (unsigned long long)wrong[i]);
	}
	word_write(&r.marks->at_work, SLOTS + 1);
	ok(!logring_unfinished(&r, &intent), "no such ring was at work");
}

int
main(void)
{
	in_and_out();
	followed();
	wrap();
	full();
	killed_worker();
	killed_logger();
	killed_at_random();
	hostile();
	return done();
}
