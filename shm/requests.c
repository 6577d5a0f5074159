/* Slabs of running requests: two copies, and a counter of which is valid. */
#include "shm/requests.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "shm/latch.h"
#include "shm/segment.h"

#define REQUESTS_MAGIC UINT64_C(0x31716572706e7964) /* "dynpreq1" */
#define REQUESTS_ABI                                                           \
	((uint64_t)sizeof(struct slab) << 32 | sizeof(struct request_note))
#define READ_TRIES 4 /* who writes twice in a second is up to no good */
#define BYTES_MAX (UINT64_C(1) << 53) /* what a double holds exactly */

#define WORDS (sizeof(struct request_note) / sizeof(uint64_t))
_Static_assert(sizeof(struct request_note) % sizeof(uint64_t) == 0, "words");

struct copy {
	latch_word head; /* the worker's number << 32 | how many */
	latch_word notes[REQUESTS_TOLD][WORDS];
};

struct slab {
	latch_word told_ms; /* CLOCK_MONOTONIC; 0: nobody has it */
	latch_word seq;	    /* its low bit names the valid copy */
	struct copy copies[2];
};

struct requests_segment {
	/* constant after requests_format() */
	struct segment_kind kind;

	struct slab slabs[]; /* by worker */
};

struct requests {
	struct requests_segment *segment; /* the mapping */
	size_t bytes;			  /* of the mapping */
	size_t nslabs;
	struct slab *own; /* in the mapping; NULL: to read */
	size_t n;	  /* put so far */
	bool some;	  /* were told last */
};

static const struct segment_kind kind = { REQUESTS_MAGIC, REQUESTS_ABI };

size_t
requests_size(unsigned workers)
{
	return sizeof(struct requests_segment) + workers * sizeof(struct slab);
}

int
requests_format(int fd)
{
	return pwrite(fd, &kind, sizeof(kind), 0) == sizeof(kind) ? 0 : -1;
}

static struct requests *
open_segment(int fd, bool writable)
{
	struct requests *r = calloc(1, sizeof(*r));

	if (r == NULL)
		return NULL;
	r->segment = segment_map_kind(
	    fd, writable, &kind, sizeof(struct requests_segment), &r->bytes);
	if (r->segment == NULL) {
		free(r);
		return NULL;
	}
	r->nslabs =
	    (r->bytes - sizeof(struct requests_segment)) / sizeof(struct slab);
	return r;
}

struct requests *
requests_open(int fd, unsigned worker)
{
	struct requests *r = open_segment(fd, true);

	if (r == NULL)
		return NULL;
	if (worker >= r->nslabs) {
		requests_close(r);
		errno = EPROTO;
		return NULL;
	}
	r->own = &r->segment->slabs[worker];
	r->some = true; /* somebody's before us, perhaps */
	return r;
}

struct requests *
requests_open_readonly(int fd)
{
	return open_segment(fd, false);
}

void
requests_close(struct requests *r)
{
	segment_unmap(r->segment, r->bytes);
	free(r);
}

/* The copy that nobody reads. */
static struct copy *
other_copy(struct slab *slab)
{
	return &slab->copies[(latch_load(&slab->seq) + 1) & 1];
}

void
requests_begin(struct requests *r)
{
	r->n = 0;
}

bool
requests_put(struct requests *r, const struct request_note *note)
{
	if (r->n == REQUESTS_TOLD)
		return false;
	latch_copy_in(
	    other_copy(r->own)->notes[r->n++], (const uint64_t *)note, WORDS);
	return true;
}

/* That there are none is told once. */
void
requests_end(struct requests *r, uint32_t number, uint64_t now_ms)
{
	uint64_t head = (uint64_t)number << 32 | r->n;

	if (r->n > 0 || r->some) {
		latch_copy_in(&other_copy(r->own)->head, &head, 1);
		word_write(&r->own->seq, latch_load(&r->own->seq) + 1);
	}
	r->some = r->n > 0;
	word_write(&r->own->told_ms, now_ms);
}

size_t
requests_slabs(const struct requests *r)
{
	return r->nslabs;
}

static void
make_ip(struct ip *ip)
{
	if (ip->family != AF_INET && ip->family != AF_INET6)
		ip->family = 0;
}

/* Whatever it was, it is one now. */
static void
make_note(struct request_note *note, uint64_t now_ms)
{
	if (note->begun_ms > now_ms)
		note->begun_ms = now_ms;
	if (note->received > BYTES_MAX)
		note->received = BYTES_MAX;
	if (note->sent > BYTES_MAX)
		note->sent = BYTES_MAX;
	if (note->state >= REQUEST_STATES)
		note->state = REQUEST_WAITING;
	make_ip(&note->client);
	make_ip(&note->backend);
	segment_text(note->protocol, sizeof(note->protocol));
	segment_text(note->tool, sizeof(note->tool));
	segment_text(note->url, sizeof(note->url));
}

/* False: the other copy was made valid meanwhile, and this one may be written.
 */
static bool
read_copy(const struct slab *slab, uint32_t *number, struct request_note *out,
    size_t *n)
{
	uint64_t seq = latch_begin(&slab->seq), head;
	const struct copy *copy = &slab->copies[seq & 1];

	head = latch_load(&copy->head);
	*number = (uint32_t)(head >> 32);
	*n = (uint32_t)head;
	if (*n > REQUESTS_TOLD)
		*n = REQUESTS_TOLD;
	for (size_t i = 0; i < *n; i++)
		latch_copy_out((uint64_t *)&out[i], copy->notes[i], WORDS);
	return latch_held(&slab->seq, seq);
}

size_t
requests_read(const struct requests *r, size_t slab, uint64_t now_ms,
    uint32_t *number, struct request_note out[REQUESTS_TOLD])
{
	const struct slab *s = &r->segment->slabs[slab];
	uint64_t told_ms = word_read(&s->told_ms);
	size_t n = 0;
	int tries = 0;

	*number = 0;
	if (told_ms == 0 || told_ms + REQUESTS_STALE_MS < now_ms)
		return 0;
	while (!read_copy(s, number, out, &n))
		if (++tries == READ_TRIES)
			return 0;
	for (size_t i = 0; i < n; i++)
		make_note(&out[i], now_ms);
	return n;
}

int
requests_forget(int fd, unsigned worker)
{
	struct requests *r = requests_open(fd, worker);

	if (r == NULL)
		return -1;
	word_write(&r->own->told_ms, 0);
	requests_close(r);
	return 0;
}
