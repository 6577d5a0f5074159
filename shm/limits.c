/*
 * Rate buckets, and the segment that they share with limits_address.c.
 *
 * A bucket is one word: 16 bits of the client's hash, and 48 bits of the time,
 * in microseconds, at which it will be as good as new: the "theoretical
 * arrival time" of the generic cell rate algorithm (ITU-T I.371 appendix A;
 * each request moves it by 1/rate, and it may be burst/rate ahead of now at
 * most, but for what a client was charged).  An unused word and a bucket whose
 * time has come are the same, so forgetting such a bucket changes nothing: it
 * is the only kind that makes room for another client.  Two clients with the
 * same 31 bits of hash share a bucket.
 *
 * Buckets lie in sets of a cache line.  A set in which all eight are in use
 * cannot count one more client, and lets it through: with a key that strangers
 * do not know it takes more requests than a node can serve to bring that about.
 */
#include <errno.h>
#include <stdlib.h>

#include "shm/limits_layout.h"
#include "shm/segment.h"

#define TRIES 1024 /* lost races for one bucket, until it is let through */

#define TIME_BITS 48 /* 8.9 years after the machine's start */
#define TIME_MASK ((UINT64_C(1) << TIME_BITS) - 1)
#define SECOND_US UINT64_C(1000000)

/* For which a client that abuses what it has begun is locked out, at most. */
#define DEBT_US (10 * SECOND_US)

/* A worker's clock may be behind another's by as long as one turn takes. */
#define SKEW_US (10 * SECOND_US)

static const struct segment_kind kind = { LIMITS_MAGIC, LIMITS_ABI };

size_t
limits_size(unsigned workers)
{
	return sizeof(struct limits_segment) + workers * sizeof(struct slab);
}

int
limits_format(int fd)
{
	struct limits_segment *s;
	size_t bytes;

	s = segment_map(fd, true, &bytes);
	if (s == NULL)
		return -1;
	s->kind = kind;
	arc4random_buf(s->key, sizeof(s->key));
	segment_unmap(s, bytes);
	return 0;
}

/* NULL with errno. */
static struct limits_segment *
map(int fd, size_t *bytes)
{
	return segment_map_kind(
	    fd, true, &kind, sizeof(struct limits_segment), bytes);
}

static size_t
slabs_in(size_t bytes)
{
	return (bytes - sizeof(struct limits_segment)) / sizeof(struct slab);
}

static struct rate
make_rate(unsigned rate, unsigned burst, uint64_t wait_us, uint64_t debt_us)
{
	struct rate r = { 0 };

	if (rate == 0)
		return r;
	r.interval_us = (SECOND_US + rate / 2) / rate;
	if (r.interval_us == 0)
		r.interval_us = 1;
	r.burst_us = r.interval_us * burst;
	r.window_us = r.burst_us + wait_us;
	r.owed_us = r.window_us + debt_us;
	return r;
}

void
limits_apply(struct limits *l, const struct limits_set *set)
{
	l->requests = make_rate(set->rate, set->burst, 0, 0);
	l->handshakes = make_rate(
	    set->handshakes, set->handshakes_burst, SECOND_US, DEBT_US);
	l->connections = set->connections;
}

/* From now on the others look at it, too. */
static void
use_slab(struct limits *l)
{
	_Atomic uint32_t *used = &l->segment->used;
	uint32_t n = atomic_load(used), want = (uint32_t)l->own + 1;

	while (n < want && !atomic_compare_exchange_weak(used, &n, want))
		;
}

struct limits *
limits_open(int fd, unsigned worker, const struct limits_set *set)
{
	struct limits *l = calloc(1, sizeof(*l));

	if (l == NULL)
		return NULL;
	l->segment = map(fd, &l->bytes);
	if (l->segment == NULL) {
		free(l);
		return NULL;
	}
	l->nslabs = slabs_in(l->bytes);
	if (worker >= l->nslabs) {
		limits_close(l);
		errno = EPROTO;
		return NULL;
	}
	l->own = worker;
	use_slab(l);
	memcpy(l->key, l->segment->key, sizeof(l->key));
	limits_apply(l, set);
	return l;
}

void
limits_close(struct limits *l)
{
	segment_unmap(l->segment, l->bytes);
	free(l);
}

/*
 * The client's bucket in its set, or one that nobody needs any more; *word is
 * what is in it.  NULL: all are in use.
 */
static bucket *
find_bucket(bucket set[WAYS], uint64_t tag, uint64_t now_us, uint64_t *word)
{
	bucket *unused = NULL;
	uint64_t w;

	for (size_t i = 0; i < WAYS; i++) {
		w = atomic_load_explicit(&set[i], memory_order_relaxed);
		if (w >> TIME_BITS == tag) {
			*word = w;
			return &set[i];
		}
		if (unused == NULL && (w & TIME_MASK) <= now_us) {
			*word = w;
			unused = &set[i];
		}
	}
	return unused;
}

/*
 * Until when the bucket is in use.  So far ahead as no worker puts it: the
 * word is damaged, or from before the limits were changed.
 */
static uint64_t
time_of(const struct rate *r, uint64_t word, uint64_t now_us)
{
	uint64_t time = word & TIME_MASK;

	return time < now_us || time > now_us + r->owed_us + SKEW_US ? now_us
								     : time;
}

/*
 * Move the time of the bucket of this hash; what is owed, as far as it can be.
 * Returns how far ahead of now it is then, 0 where there is no limit;
 * UINT64_MAX: too far, it was not moved.
 */
static uint64_t
move(struct limits *l, const struct rate *r, uint64_t hash, uint64_t now_ms,
    uint64_t by_us, bool owed)
{
	uint64_t now_us = now_ms * 1000 & TIME_MASK;
	uint64_t tag = hash >> TIME_BITS, word, next;
	bucket *b;

	if (r->interval_us == 0)
		return 0;
	for (int tries = 0; tries < TRIES; tries++) {
		b = find_bucket(
		    l->segment->buckets[hash % SETS], tag, now_us, &word);
		if (b == NULL)
			return 0;
		/* one that changes hands has no debts: its time has come */
		next = time_of(r, word, now_us) + by_us;
		if (!owed && next > now_us + r->window_us)
			return UINT64_MAX;
		if (next > now_us + r->owed_us)
			next = now_us + r->owed_us;
		if (atomic_compare_exchange_weak_explicit(b, &word,
			tag << TIME_BITS | (next & TIME_MASK),
			memory_order_relaxed, memory_order_relaxed))
			return next - now_us;
	}
	return 0;
}

/* Count one more in the bucket of this hash. */
static uint64_t
take(struct limits *l, const struct rate *r, uint64_t hash, uint64_t now_ms)
{
	return move(l, r, hash, now_ms, r->interval_us, false);
}

bool
limits_client(struct limits *l, const struct ip *ip, uint64_t now_ms)
{
	if (l->requests.interval_us == 0)
		return true;
	return take(l, &l->requests, hash_client(l, ip), now_ms) != UINT64_MAX;
}

/* Another bucket than that of its requests. */
static uint64_t
hash_handshakes(const struct limits *l, const struct ip *ip)
{
	return ~hash_client(l, ip);
}

int
limits_handshake(struct limits *l, const struct ip *ip, uint64_t now_ms)
{
	const struct rate *r = &l->handshakes;
	uint64_t ahead;

	if (r->interval_us == 0)
		return 0;
	ahead = take(l, r, hash_handshakes(l, ip), now_ms);
	if (ahead == UINT64_MAX)
		return -1;
	return ahead <= r->burst_us ? 0 : (int)((ahead - r->burst_us) / 1000);
}

void
limits_charge_handshakes(
    struct limits *l, const struct ip *ip, unsigned ms, uint64_t now_ms)
{
	move(l, &l->handshakes, hash_handshakes(l, ip), now_ms,
	    ms * UINT64_C(1000), true);
}

static void
forget(struct slab *slab)
{
	for (size_t set = 0; set < ADDRESS_SETS; set++)
		for (size_t way = 0; way < ADDRESS_WAYS; way++)
			atomic_store_explicit(&slab->addresses[set][way], 0,
			    memory_order_relaxed);
}

int
limits_forget(int fd, unsigned worker)
{
	struct limits_segment *s;
	size_t bytes;

	s = map(fd, &bytes);
	if (s == NULL)
		return -1;
	if (worker < slabs_in(bytes))
		forget(&s->slabs[worker]);
	segment_unmap(s, bytes);
	return 0;
}
