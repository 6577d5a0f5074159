/* Slabs of counters: a worker adds in its own, readers sum up all. */
#include "shm/counters.h"

#include <errno.h>
#include <stdalign.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "shm/segment.h"

#define COUNTERS_MAGIC UINT64_C(0x33746e63706e7964) /* "dynpcnt3" */

#define COUNT_MAX (UINT64_C(1) << 53) /* what a double holds exactly */
#define UNDER_WAY_MAX 1000000	      /* of one worker; connections, too */

typedef _Atomic uint64_t count;

typedef _Atomic uint32_t holder; /* a slot whole; 0: nobody yet */

struct record {
	alignas(64) count requests[COUNTERS_CLASSES][COUNTERS_METHODS];
	count times[COUNTERS_TIMES];
	count took_ms, received, sent;
};

/* What most tools never have: answers of ours, and why. */
struct trouble {
	alignas(64) count requests[COUNTERS_CLASSES][COUNTERS_METHODS];
	count reasons[COUNTERS_REASONS];
};

/* Pages of it cost when they are used: readers look at the holders first. */
struct slab {
	alignas(4096) holder holders[COUNTERS_SLOTS];
	holder troubled[COUNTERS_SLOTS];
	_Atomic uint32_t under_way[COUNTERS_SLOTS];
	struct record records[COUNTERS_SLOTS];
	struct trouble troubles[COUNTERS_SLOTS];
	alignas(64) count events[EVENT_COUNT];
	count connects[COUNTERS_TIMES], connects_ms;
	count clients[COUNTED_STATES];
	count no_websockets[COUNTERS_REASONS];
};

struct counters_segment {
	/* constant after counters_format() */
	struct segment_kind kind;

	struct slab slabs[]; /* by worker */
};

#define COUNTERS_ABI                                                           \
	((uint64_t)sizeof(struct record) << 48 |                               \
	    (uint64_t)sizeof(struct trouble) << 32 | COUNTED_STATES << 28 |    \
	    EVENT_COUNT << 20 | COUNTERS_SLOTS)

struct counters {
	struct counters_segment *segment; /* the mapping */
	size_t bytes;			  /* of the mapping */
	size_t nslabs;
	struct slab *own; /* in the mapping; NULL: to read */
	uint32_t cap;	  /* of a tool; 0: none */
	uint32_t share;	  /* of it, of one worker */
};

const uint32_t counters_times_ms[COUNTERS_TIMES - 1] = { 5, 10, 25, 50, 100,
	250, 500, 1000, 2500, 5000, 10000, 30000, 60000 };

static const struct segment_kind kind = { COUNTERS_MAGIC, COUNTERS_ABI };

size_t
counters_size(unsigned workers)
{
	return sizeof(struct counters_segment) + workers * sizeof(struct slab);
}

int
counters_format(int fd)
{
	return pwrite(fd, &kind, sizeof(kind), 0) == sizeof(kind) ? 0 : -1;
}

/* NULL with errno. */
static struct counters_segment *
map(int fd, bool writable, size_t *bytes)
{
	return segment_map_kind(
	    fd, writable, &kind, sizeof(struct counters_segment), bytes);
}

static size_t
slabs_in(size_t bytes)
{
	return (bytes - sizeof(struct counters_segment)) / sizeof(struct slab);
}

static struct counters *
open_segment(int fd, bool writable)
{
	struct counters *c = calloc(1, sizeof(*c));

	if (c == NULL)
		return NULL;
	c->segment = map(fd, writable, &c->bytes);
	if (c->segment == NULL) {
		free(c);
		return NULL;
	}
	c->nslabs = slabs_in(c->bytes);
	return c;
}

struct counters *
counters_open(int fd, unsigned worker)
{
	struct counters *c = open_segment(fd, true);

	if (c == NULL)
		return NULL;
	if (worker >= c->nslabs) {
		counters_close(c);
		errno = EPROTO;
		return NULL;
	}
	c->own = &c->segment->slabs[worker];
	return c;
}

struct counters *
counters_open_readonly(int fd)
{
	return open_segment(fd, false);
}

void
counters_close(struct counters *c)
{
	segment_unmap(c->segment, c->bytes);
	free(c);
}

void
counters_set_cap(struct counters *c, uint32_t cap, unsigned workers)
{
	c->cap = cap;
	c->share = cap / (workers > 0 ? workers : (uint32_t)c->nslabs);
}

/* Words: one writer, so nothing has to be locked. */

static void
add(count *word, uint64_t n)
{
	atomic_store_explicit(word,
	    atomic_load_explicit(word, memory_order_relaxed) + n,
	    memory_order_relaxed);
}

static void
clear(void *record, size_t bytes)
{
	count *words = record;

	for (size_t i = 0; i < bytes / sizeof(*words); i++)
		atomic_store_explicit(&words[i], 0, memory_order_relaxed);
}

static uint32_t
holder_at(const holder *places, uint32_t at)
{
	return atomic_load_explicit(&places[at], memory_order_relaxed);
}

static bool
holds(const holder *places, uint32_t slot)
{
	return holder_at(places, counters_index(slot)) == slot;
}

static void
set_holder(holder *places, uint32_t slot)
{
	atomic_store_explicit(
	    &places[counters_index(slot)], slot, memory_order_release);
}

/* The place in our slab is this holder's from now on. */
static struct record *
record_of(struct slab *s, uint32_t slot)
{
	struct record *r = &s->records[counters_index(slot)];

	if (holds(s->holders, slot))
		return r;
	clear(r, sizeof(*r));
	atomic_store_explicit(
	    &s->under_way[counters_index(slot)], 0, memory_order_relaxed);
	set_holder(s->holders, slot);
	return r;
}

static struct trouble *
trouble_of(struct slab *s, uint32_t slot)
{
	struct trouble *t = &s->troubles[counters_index(slot)];

	if (holds(s->troubled, slot))
		return t;
	clear(t, sizeof(*t));
	set_holder(s->troubled, slot);
	return t;
}

/* Requests under way. */

static bool
is_tool(uint32_t slot)
{
	uint32_t index = counters_index(slot);

	return index > 0 && index < COUNTERS_TOOLS;
}

static uint32_t
under_way(const struct slab *s, uint32_t slot)
{
	uint32_t n;

	if (!holds(s->holders, slot))
		return 0;
	n = atomic_load_explicit(
	    &s->under_way[counters_index(slot)], memory_order_relaxed);
	return n <= UNDER_WAY_MAX ? n : 0;
}

bool
counters_may_enter(const struct counters *c, uint32_t slot)
{
	uint64_t sum = 0;

	if (c->cap == 0 || !is_tool(slot) || under_way(c->own, slot) < c->share)
		return true;
	for (size_t i = 0; i < c->nslabs; i++)
		sum += under_way(&c->segment->slabs[i], slot);
	return sum < c->cap;
}

void
counters_enter(struct counters *c, uint32_t slot)
{
	if (!is_tool(slot))
		return;
	record_of(c->own, slot);
	atomic_store_explicit(&c->own->under_way[counters_index(slot)],
	    under_way(c->own, slot) + 1, memory_order_relaxed);
}

/* The place may be another's by now, who did not enter for us. */
void
counters_leave(struct counters *c, uint32_t slot)
{
	uint32_t n = is_tool(slot) ? under_way(c->own, slot) : 0;

	if (n > 0)
		atomic_store_explicit(&c->own->under_way[counters_index(slot)],
		    n - 1, memory_order_relaxed);
}

/* Responses. */

size_t
counters_time_slot(uint64_t ms)
{
	size_t i = 0;

	while (i < COUNTERS_TIMES - 1 && ms > counters_times_ms[i])
		i++;
	return i;
}

static unsigned
class_of(unsigned status)
{
	return status < 600 ? status / 100 : 0;
}

void
counters_add(struct counters *c, const struct counted *r)
{
	uint32_t slot =
	    counters_index(r->slot) < COUNTERS_SLOTS ? r->slot : COUNTERS_OTHER;
	unsigned method = r->method < COUNTERS_METHODS ? r->method : 0;
	struct record *to = record_of(c->own, slot);
	unsigned class = class_of(r->status);

	add(r->by_backend ? &to->requests[class][method]
			  : &trouble_of(c->own, slot)->requests[class][method],
	    1);
	add(&to->times[counters_time_slot(r->took_ms)], 1);
	add(&to->took_ms, r->took_ms);
	add(&to->received, r->received);
	add(&to->sent, r->sent);
	if (r->reason > 0 && r->reason < COUNTERS_REASONS)
		add(&trouble_of(c->own, slot)->reasons[r->reason], 1);
	if (r->no_websocket && r->reason < COUNTERS_REASONS)
		add(&c->own->no_websockets[r->reason], 1);
}

void
counters_event(struct counters *c, enum counters_event event)
{
	add(&c->own->events[event], 1);
}

void
counters_client_is(
    struct counters *c, enum counters_client was, enum counters_client is)
{
	if (was != COUNTED_GONE)
		add(&c->own->clients[was], UINT64_MAX); /* one less */
	if (is != COUNTED_GONE)
		add(&c->own->clients[is], 1);
}

void
counters_connected(struct counters *c, uint64_t took_ms)
{
	add(&c->own->connects[counters_time_slot(took_ms)], 1);
	add(&c->own->connects_ms, took_ms);
}

/* Reading. */

static void
sum_word(uint64_t *sum, const count *word)
{
	uint64_t n = atomic_load_explicit(word, memory_order_relaxed);

	if (n <= COUNT_MAX && *sum + n <= COUNT_MAX)
		*sum += n;
}

static void
sum_words(uint64_t *sums, const count *words, size_t n)
{
	for (size_t i = 0; i < n; i++)
		sum_word(&sums[i], &words[i]);
}

#define REQUESTS (COUNTERS_CLASSES * COUNTERS_METHODS)

static void
sum_trouble(struct counters_sum *sum, const struct trouble *t)
{
	sum_words(sum->requests[0][0], t->requests[0], REQUESTS);
	sum_words(sum->reasons, t->reasons, COUNTERS_REASONS);
}

static void
sum_record(struct counters_sum *sum, const struct record *r)
{
	sum_words(sum->requests[1][0], r->requests[0], REQUESTS);
	sum_words(sum->times, r->times, COUNTERS_TIMES);
	sum_word(&sum->took_ms, &r->took_ms);
	sum_word(&sum->received, &r->received);
	sum_word(&sum->sent, &r->sent);
}

uint64_t
counters_events(const struct counters *c, enum counters_event event)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < c->nslabs; i++)
		sum_word(&sum, &c->segment->slabs[i].events[event]);
	return sum;
}

uint64_t
counters_clients(const struct counters *c, enum counters_client state)
{
	uint64_t sum = 0, n;

	for (size_t i = 0; i < c->nslabs; i++) {
		n = atomic_load_explicit(
		    &c->segment->slabs[i].clients[state], memory_order_relaxed);
		sum += n <= UNDER_WAY_MAX ? n : 0;
	}
	return sum;
}

uint64_t
counters_no_websockets(const struct counters *c, unsigned reason)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < c->nslabs; i++)
		sum_word(&sum, &c->segment->slabs[i].no_websockets[reason]);
	return sum;
}

void
counters_read_connects(const struct counters *c, struct counters_connects *sum)
{
	memset(sum, 0, sizeof(*sum));
	for (size_t i = 0; i < c->nslabs; i++) {
		const struct slab *s = &c->segment->slabs[i];

		sum_words(sum->times, s->connects, COUNTERS_TIMES);
		sum_word(&sum->took_ms, &s->connects_ms);
	}
}

/* What there is of whoever holds the place; trouble may be another's still. */
static void
sum_place(struct counters_sum *sum, const struct slab *s, uint32_t at)
{
	uint32_t slot = holder_at(s->holders, at);

	sum_record(sum, &s->records[at]);
	if (holder_at(s->troubled, at) == slot)
		sum_trouble(sum, &s->troubles[at]);
	if (counters_index(slot) == at)
		sum->under_way += under_way(s, slot);
}

void
counters_read(const struct counters *c, uint32_t slot, struct counters_sum *sum)
{
	const struct slab *s;

	memset(sum, 0, sizeof(*sum));
	if (counters_index(slot) >= COUNTERS_SLOTS)
		return;
	for (size_t i = 0; i < c->nslabs; i++) {
		s = &c->segment->slabs[i];
		if (holds(s->holders, slot))
			sum_place(sum, s, counters_index(slot));
	}
}

void
counters_read_all(const struct counters *c, struct counters_sum *sum)
{
	const struct slab *s;

	memset(sum, 0, sizeof(*sum));
	for (size_t i = 0; i < c->nslabs; i++) {
		s = &c->segment->slabs[i];
		for (uint32_t at = 0; at < COUNTERS_SLOTS; at++)
			if (at == COUNTERS_OTHER ||
			    holder_at(s->holders, at) != 0)
				sum_place(sum, s, at);
	}
}

int
counters_forget(int fd, unsigned worker)
{
	struct counters_segment *s;
	size_t bytes;

	s = map(fd, true, &bytes);
	if (s == NULL)
		return -1;
	for (size_t i = 0; worker < slabs_in(bytes) && i < COUNTERS_SLOTS; i++)
		atomic_store_explicit(
		    &s->slabs[worker].under_way[i], 0, memory_order_relaxed);
	for (size_t i = 0; worker < slabs_in(bytes) && i < COUNTED_STATES; i++)
		atomic_store_explicit(
		    &s->slabs[worker].clients[i], 0, memory_order_relaxed);
	segment_unmap(s, bytes);
	return 0;
}
