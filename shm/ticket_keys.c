/* Publishes ticket keys with a latch: a reader waits for nobody. */
#include "shm/ticket_keys.h"

#include <bsd/stdlib.h>
#include <bsd/string.h>
#include <errno.h>
#include <string.h>

#include "shm/latch.h"
#include "shm/segment.h"

#define TICKET_MAGIC UINT64_C(0x3174656b63697470) /* "pticket1" */
#define WORDS (sizeof(struct ticket_keys) / sizeof(uint64_t))
#define TRIES 64

_Static_assert(sizeof(struct ticket_keys) % sizeof(uint64_t) == 0, "words");

struct ticket_segment {
	struct segment_kind kind;
	latch_word seq;
	latch_word copies[2 * WORDS];
};

static const struct segment_kind kind = { TICKET_MAGIC,
	sizeof(struct ticket_segment) };

size_t
ticket_keys_size(void)
{
	return sizeof(struct ticket_segment);
}

int
ticket_keys_format(int fd)
{
	size_t bytes;
	struct ticket_segment *s = segment_map(fd, true, &bytes);

	if (s == NULL)
		return -1;
	s->kind = kind;
	ticket_keys_rotate(s);
	ticket_keys_close(s);
	return 0;
}

struct ticket_segment *
ticket_keys_open(int fd, bool writable)
{
	size_t bytes;

	return segment_map_kind(
	    fd, writable, &kind, sizeof(struct ticket_segment), &bytes);
}

void
ticket_keys_close(struct ticket_segment *s)
{
	segment_unmap(s, sizeof(*s));
}

bool
ticket_keys_read(const struct ticket_segment *s, struct ticket_keys *out)
{
	uint64_t seq, words[WORDS];

	for (int tries = 0; tries < TRIES; tries++) {
		seq = latch_begin(&s->seq);
		latch_copy_out(words, s->copies + (seq & 1) * WORDS, WORDS);
		if (!latch_held(&s->seq, seq))
			continue;
		memcpy(out, words, sizeof(*out));
		explicit_bzero(words, sizeof(words));
		return out->n <= TICKET_KEYS_MAX;
	}
	return false;
}

void
ticket_keys_write(struct ticket_segment *s, const struct ticket_keys *keys)
{
	uint64_t words[WORDS];

	memcpy(words, keys, sizeof(words));
	latch_publish(&s->seq, s->copies, words, WORDS);
	explicit_bzero(words, sizeof(words));
}

void
ticket_keys_rotate(struct ticket_segment *s)
{
	struct ticket_keys keys;

	if (!ticket_keys_read(s, &keys))
		keys.n = 0;
	if (keys.n < TICKET_KEYS_MAX)
		keys.n++;
	memmove(&keys.key[1], &keys.key[0], (keys.n - 1) * sizeof(*keys.key));
	arc4random_buf(&keys.key[0], sizeof(keys.key[0]));
	ticket_keys_write(s, &keys);
	explicit_bzero(&keys, sizeof(keys));
}
