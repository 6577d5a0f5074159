/*
 * The library's memory.  Each session of it holds a buffer for a frame of 16
 * KiB, of which only the first few hundred bytes are used: DATA does not go
 * through it.  So a session begins in whole pages, with what it needs all the
 * time in front of that buffer, and the pages behind it are never touched.
 */
#ifndef WORKER_H2_MEMORY_H
#define WORKER_H2_MEMORY_H

#include <bsd/sys/queue.h>
#include <nghttp2/nghttp2.h>
#include <stdbool.h>

struct h2_slot;

LIST_HEAD(h2_blocks, h2_block);

/* A worker's: slots of whole pages, one for each session. */
struct h2_memory {
	char *slots;	      /* owned: mapped */
	size_t nslots, fresh; /* those from `fresh` on were never lent */
	struct h2_slot *spare;
};

/* A session's: zeroed, then h2_arena_open(). */
struct h2_arena {
	char *slot;		 /* lent; NULL: none was left */
	size_t used;		 /* bytes of its front */
	bool has_table;		 /* its last page is in use */
	bool failed;		 /* it had no memory for something */
	struct h2_blocks blocks; /* owned: what malloc(3) gave */
};

/* -1 with errno. */
int h2_memory_open(struct h2_memory *m, size_t sessions);
void h2_memory_close(struct h2_memory *m);

/* For nghttp2_session_server_new3(): good until h2_arena_close(). */
nghttp2_mem h2_arena_open(struct h2_arena *a, struct h2_memory *m);

/* No stream is open, nor will one be soon: what is not needed goes. */
void h2_arena_rest(struct h2_arena *a);

/*
 * Behind nghttp2_session_del(), or instead of it when the arena has failed:
 * the library may have freed what it frees once more at the end.
 */
void h2_arena_close(struct h2_arena *a, struct h2_memory *m);

#endif
