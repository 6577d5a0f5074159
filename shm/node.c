/* Publishes what the master knows with a latch: a reader waits for nobody. */
#include "shm/node.h"

#include <unistd.h>

#include "shm/latch.h"
#include "shm/segment.h"

#define NODE_MAGIC UINT64_C(0x31646f6e706e7964) /* "dynpnod1" */
#define NODE_ABI UINT64_C(2)			/* moves with the layout */
#define WORDS (sizeof(struct node) / sizeof(uint64_t))
#define TRIES 64

_Static_assert(sizeof(struct node) % sizeof(uint64_t) == 0, "words");

struct node_segment {
	/* constant after node_format() */
	struct segment_kind kind;

	latch_word seq;
	latch_word copies[2 * WORDS];
};

static const struct segment_kind kind = { NODE_MAGIC, NODE_ABI };

size_t
node_size(void)
{
	return sizeof(struct node_segment);
}

int
node_format(int fd)
{
	return pwrite(fd, &kind, sizeof(kind), 0) == sizeof(kind) ? 0 : -1;
}

struct node_segment *
node_open(int fd, bool writable)
{
	size_t bytes;

	return segment_map_kind(
	    fd, writable, &kind, sizeof(struct node_segment), &bytes);
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
