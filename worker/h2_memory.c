/* Lends pages to sessions, and has malloc(3) do the rest. */
#include "worker/h2_memory.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define PAGE 4096
#define TABLE (6 * PAGE) /* of streams: where it is, in a page of its own */
#define SLOT (TABLE + PAGE)
#define FRONT (PAGE - 512) /* bytes of the first page; the rest: heads */
#define LARGE (16 * 1024)  /* the buffer's size, and a frame's head */

/* In front of what malloc(3) gives. */
struct h2_block {
	LIST_ENTRY(h2_block) of_arena;
	max_align_t bytes[];
};

struct h2_slot {
	struct h2_slot *next; /* while it is spare */
};

int
h2_memory_open(struct h2_memory *m, size_t sessions)
{
	*m = (struct h2_memory){ .nslots = sessions };
	m->slots = mmap(NULL, sessions * SLOT, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (m->slots == MAP_FAILED)
		return -1;
	/* a huge page would be that of many */
	madvise(m->slots, sessions * SLOT, MADV_NOHUGEPAGE);
	return 0;
}

void
h2_memory_close(struct h2_memory *m)
{
	munmap(m->slots, m->nslots * SLOT);
}

static bool
is_inside(const struct h2_arena *a, const void *p)
{
	const char *at = p;

	return a->slot != NULL && at >= a->slot && at < a->slot + SLOT;
}

/* NULL: there is none. */
static void *
keep(struct h2_arena *a, struct h2_block *b)
{
	if (b == NULL) {
		a->failed = true;
		return NULL;
	}
	LIST_INSERT_HEAD(&a->blocks, b, of_arena);
	return b->bytes;
}

static struct h2_block *
block_of(void *p)
{
	return (
	    struct h2_block *)((char *)p - offsetof(struct h2_block, bytes));
}

static void *
lend(size_t size, void *user)
{
	struct h2_arena *a = user;
	size_t end = a->used + (size + 15) / 16 * 16;
	void *p;

	if (a->slot == NULL || end > (size > LARGE ? TABLE : FRONT))
		return keep(a, malloc(sizeof(struct h2_block) + size));
	p = a->slot + a->used;
	a->used = end;
	return p;
}

static void
give_back(void *p, void *user)
{
	if (p == NULL || is_inside(user, p))
		return;
	LIST_REMOVE(block_of(p), of_arena);
	free(block_of(p));
}

static void *
lend_zeroed(size_t n, size_t size, void *user)
{
	struct h2_arena *a = user;
	void *p;

	if (n * size == PAGE && a->slot != NULL && !a->has_table) {
		a->has_table = true;
		return memset(a->slot + TABLE, 0, PAGE);
	}
	p = lend(n * size, user);
	if (p != NULL)
		memset(p, 0, n * size);
	return p;
}

/* What has pages of its own never grows: it is as large as it gets. */
static void *
resize(void *p, size_t size, void *user)
{
	struct h2_arena *a = user;
	struct h2_block *b, *larger;

	if (p == NULL) /* as nghttp2 asks for buffers */
		return lend(size, user);
	if (is_inside(a, p))
		return keep(a, NULL);
	b = block_of(p);
	LIST_REMOVE(b, of_arena);
	larger = realloc(b, sizeof(*b) + size);
	if (larger == NULL)
		keep(a, b);
	return keep(a, larger);
}

void
h2_arena_rest(struct h2_arena *a)
{
	static const char zeros[PAGE];

	/* without streams it is what a fresh page is */
	if (a->has_table && memcmp(a->slot + TABLE, zeros, PAGE) == 0)
		madvise(a->slot + TABLE, PAGE, MADV_DONTNEED);
}

nghttp2_mem
h2_arena_open(struct h2_arena *a, struct h2_memory *m)
{
	*a = (struct h2_arena){ .slot = (char *)m->spare };
	if (m->spare != NULL)
		m->spare = m->spare->next;
	else if (m->fresh < m->nslots)
		a->slot = m->slots + m->fresh++ * SLOT;
	return (nghttp2_mem){ .mem_user_data = a,
		.malloc = lend,
		.free = give_back,
		.calloc = lend_zeroed,
		.realloc = resize };
}

void
h2_arena_close(struct h2_arena *a, struct h2_memory *m)
{
	struct h2_slot *slot = (struct h2_slot *)a->slot;
	struct h2_block *b;

	while ((b = LIST_FIRST(&a->blocks)) != NULL) {
		LIST_REMOVE(b, of_arena);
		free(b);
	}
	if (slot == NULL)
		return;
	slot->next = m->spare;
	m->spare = slot;
}
