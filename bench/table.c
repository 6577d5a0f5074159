/*
 * How fast the route table is, and how large: prints one name=value a line.
 * Lookups are timed in batches of dependent ones (the next name follows from
 * the answer), so that the processor cannot overlap them; medians of batches.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "shm/segment.h"
#include "shm/table_read.h"
#include "shm/table_write.h"

#define FEW 1000
#define MANY 1000000
#define SEGMENT ((size_t)1024 * 1024 * 1024)
#define BATCH 16
#define BATCHES 50000
#define UPDATES_PER_S 10000
#define ROUNDS 5
#define SAMPLES 4000000

struct name {
	char text[24];
	uint32_t len;
};

struct bench {
	int fd;
	struct table_writer *writer;
	struct table *table;
	struct name *names; /* owned; n of them, in random order */
	struct name *absent;
	uint32_t n;
};

static struct table_copy copy;
static struct tool found;

static uint64_t
now_ns(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static void
die(const char *what)
{
	perror(what);
	exit(EXIT_FAILURE);
}

static struct span
span_of(const struct name *n)
{
	return (struct span){ n->text, n->len };
}

static struct name *
names_new(uint32_t n, const char *prefix)
{
	struct name *names = calloc(n, sizeof(*names)), swap;
	uint32_t other;

	if (names == NULL)
		die("names");
	for (uint32_t i = 0; i < n; i++)
		names[i].len = (uint32_t)snprintf(names[i].text,
		    sizeof(names[i].text), "t%s-%06u", prefix, i);
	for (uint32_t i = n - 1; i > 0; i--) {
		other = arc4random_uniform(i + 1);
		swap = names[i];
		names[i] = names[other];
		names[other] = swap;
	}
	return names;
}

/* As most tools are: one route to one backend. */
static void
put(struct bench *b, const struct name *name, uint64_t version)
{
	static struct backend backend = { .ip.family = AF_INET };
	static struct tool tool = { .nroutes = 1,
		.routes[0] = { .kind = ROUTE_ANY, .nbackends = 1 } };

	backend.ip.bytes[0] = 10;
	backend.port = (uint16_t)(1 + version % 60000);
	tool.routes[0].text = SPAN(".*");
	tool.routes[0].backends = &backend;
	tool.key = span_of(name);
	if (table_put(b->writer, &tool, version) == -1)
		die("table_put");
}

static void
bench_open(struct bench *b, uint32_t n)
{
	b->fd = segment_create("bench", SEGMENT);
	b->n = n;
	b->names = names_new(n, "tool");
	b->absent = names_new(n, "none");
	if (b->fd == -1 || table_format(b->fd) == -1)
		die("table_format");
	b->writer = table_writer_new(b->fd, NULL, NULL);
	b->table = table_open(segment_reopen_readonly(b->fd));
	if (b->writer == NULL || b->table == NULL)
		die("table_open");
	for (uint32_t i = 0; i < n; i++)
		put(b, &b->names[i], 1);
	while (table_grow_step(b->writer))
		continue;
	table_set_ready(b->writer);
}

static int
compare(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

/* Nanoseconds of a lookup, the median of batches. */
static double
lookup_ns(struct bench *b, const struct name *names, enum lookup want)
{
	static uint32_t took[BATCHES];
	uint32_t at = 0;
	uint64_t begun;

	for (uint32_t i = 0; i < BATCHES; i++) {
		begun = now_ns(CLOCK_MONOTONIC);
		for (int k = 0; k < BATCH; k++) {
			enum lookup got = table_read(
			    b->table, span_of(&names[at]), &copy, &found);

			if (got != want)
				die("lookup");
			at += 1 + (uint32_t)got - (uint32_t)want;
			if (at == b->n)
				at = 0;
		}
		took[i] = (uint32_t)(now_ns(CLOCK_MONOTONIC) - begun);
	}
	qsort(took, BATCHES, sizeof(*took), compare);
	return (double)took[BATCHES / 2] / BATCH;
}

static int
compare_doubles(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double
median(double *values, size_t n)
{
	qsort(values, n, sizeof(*values), compare_doubles);
	return values[n / 2];
}

/* Few and many in turn, so that what disturbs one disturbs the other. */
static void
report_lookups(struct bench *few, struct bench *many)
{
	double hit_few[ROUNDS], miss_few[ROUNDS];
	double hit_many[ROUNDS], miss_many[ROUNDS];

	for (int i = 0; i < ROUNDS; i++) {
		hit_few[i] = lookup_ns(few, few->names, LOOKUP_FOUND);
		hit_many[i] = lookup_ns(many, many->names, LOOKUP_FOUND);
		miss_few[i] = lookup_ns(few, few->absent, LOOKUP_ABSENT);
		miss_many[i] = lookup_ns(many, many->absent, LOOKUP_ABSENT);
	}
	printf("lookup_ns_1k=%.0f\n", median(hit_few, ROUNDS));
	printf("lookup_ns_1m=%.0f\n", median(hit_many, ROUNDS));
	printf("miss_ns_1k=%.0f\n", median(miss_few, ROUNDS));
	printf("miss_ns_1m=%.0f\n", median(miss_many, ROUNDS));
}

/* Publishes at a steady rate, in bursts of a millisecond. */
struct updates {
	struct bench *b;
	atomic_bool stop;
	uint64_t done, took_ns;
};

static void *
update_all(void *arg)
{
	struct updates *u = arg;
	uint64_t begun = now_ns(CLOCK_MONOTONIC), due = begun;

	while (!atomic_load(&u->stop)) {
		struct timespec t = { (time_t)(due / 1000000000),
			(long)(due % 1000000000) };

		clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL);
		for (int i = 0; i < UPDATES_PER_S / 1000; i++, u->done++)
			put(u->b, &u->b->names[u->done % u->b->n],
			    2 + u->done / u->b->n);
		due += 1000000;
	}
	u->took_ns = now_ns(CLOCK_MONOTONIC) - begun;
	return NULL;
}

/*
 * Nanoseconds of single lookups: the 99.9th percentile of many, or of as many
 * as there is time for.
 * until   NULL: no such end
 */
static double
p999_ns(struct bench *b, const atomic_bool *until)
{
	static uint32_t took[SAMPLES];
	uint64_t begun;
	size_t n = 0;

	for (; n < SAMPLES && (until == NULL || !atomic_load(until)); n++) {
		begun = now_ns(CLOCK_MONOTONIC);
		table_read(
		    b->table, span_of(&b->names[n % b->n]), &copy, &found);
		took[n] = (uint32_t)(now_ns(CLOCK_MONOTONIC) - begun);
	}
	qsort(took, n, sizeof(*took), compare);
	return took[n - n / 1000];
}

static void
report_updates(struct bench *b)
{
	struct updates u = { .b = b };
	double calm = p999_ns(b, NULL), busy;
	pthread_t thread;

	pthread_create(&thread, NULL, update_all, &u);
	busy = p999_ns(b, NULL);
	atomic_store(&u.stop, true);
	pthread_join(thread, NULL);
	printf(
	    "updates_per_s=%.0f\n", (double)u.done * 1e9 / (double)u.took_ns);
	printf("lookup_p999_ns=%.0f\n", calm);
	printf("lookup_p999_ratio=%.2f\n", busy / calm);
}

/* From nothing, after the start; and the longest slice, processor's time. */
struct growth {
	struct bench b;
	struct name *more; /* owned; MANY */
	uint64_t longest_ns;
	atomic_bool done;
};

static void *
grow_all(void *arg)
{
	struct growth *g = arg;
	uint64_t begun, took;

	for (uint32_t i = 0; i < MANY; i++) {
		put(&g->b, &g->more[i], 1);
		begun = now_ns(CLOCK_THREAD_CPUTIME_ID);
		table_grow_step(g->b.writer);
		took = now_ns(CLOCK_THREAD_CPUTIME_ID) - begun;
		g->longest_ns = took > g->longest_ns ? took : g->longest_ns;
	}
	atomic_store(&g->done, true);
	return NULL;
}

/* What lookups of a few names take while a million come in, and without. */
static void
report_growth(void)
{
	static struct growth g;
	double calm, growing;
	pthread_t thread;

	bench_open(&g.b, FEW);
	g.more = names_new(MANY, "more");
	calm = p999_ns(&g.b, NULL);
	pthread_create(&thread, NULL, grow_all, &g);
	growing = p999_ns(&g.b, &g.done);
	pthread_join(thread, NULL);
	printf("lookup_p999_calm_ns=%.0f\n", calm);
	printf("lookup_p999_growing_ns=%.0f\n", growing);
	printf("growth_slice_max_us=%.0f\n", (double)g.longest_ns / 1000);
}

int
main(void)
{
	static struct bench few, many;
	struct stat st;

	setvbuf(stdout, NULL, _IOLBF, 0);
	bench_open(&few, FEW);
	bench_open(&many, MANY);
	fstat(many.fd, &st);
	printf("bytes_per_tool=%.1f\n", (double)st.st_blocks * 512 / MANY);
	report_lookups(&few, &many);
	report_updates(&many);
	report_growth();
	return 0;
}
