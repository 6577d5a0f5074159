/* Publishes what the master knows with a latch: a reader waits for nobody. */
#include "shm/node.h"

#include <errno.h>

#include "shm/latch.h"
#include "shm/segment.h"

#define WORDS (sizeof(struct node) / sizeof(uint64_t))
#define TRIES 64

_Static_assert(sizeof(struct node) % sizeof(uint64_t) == 0, "words");

struct node_segment {
	latch_word seq;
	latch_word copies[2 * WORDS];
};

size_t
node_size(void)
{
	return sizeof(struct node_segment);
}

struct node_segment *
node_open(int fd, bool writable)
{
	size_t bytes;
	struct node_segment *s = segment_map(fd, writable, &bytes);

	if (s == NULL || bytes >= sizeof(*s))
		return s;
	segment_unmap(s, bytes);
	errno = EPROTO;
	return NULL;
}

void
node_close(struct node_segment *s)
{
	segment_unmap(s, sizeof(*s));
}

bool
node_read(const struct node_segment *s, struct node *out)
{
	uint64_t seq;

	for (int tries = 0; tries < TRIES; tries++) {
		seq = latch_begin(&s->seq);
		latch_copy_out(
		    (uint64_t *)out, s->copies + (seq & 1) * WORDS, WORDS);
		if (latch_held(&s->seq, seq))
			return out->nprocesses <= NODE_PROCESSES_MAX &&
			       out->ncertificates <= NODE_CERTIFICATES_MAX;
	}
	return false;
}

void
node_write(struct node_segment *s, const struct node *node)
{
	latch_publish(&s->seq, s->copies, (const uint64_t *)node, WORDS);
}
