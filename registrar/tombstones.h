/* Tools that are gone and still answer "stopped", for TOMBSTONE_MS. */
#ifndef REGISTRAR_TOMBSTONES_H
#define REGISTRAR_TOMBSTONES_H

#include <bsd/sys/queue.h>
#include <bsd/sys/tree.h>
#include <stdbool.h>

#include "lib/ev.h"

struct tombstone;

struct tombstones {
	struct ev_loop *loop; /* borrowed */
	struct timer timer;   /* for the first one */
	RB_HEAD(tomb_tree, tombstone) by_key;
	TAILQ_HEAD(, tombstone) by_age; /* owned; the first goes first */
	size_t n;

	/* its time is over; the key lasts as long as the call */
	void (*buried)(struct tombstones *tombstones, const char *key);
};

void tombstones_init(struct tombstones *tombstones, struct ev_loop *loop,
    void (*buried)(struct tombstones *tombstones, const char *key));
void tombstones_release(struct tombstones *tombstones);

/* NULL: no memory. */
struct tombstone *tombstone_new(const char *key);
void tombstone_free(struct tombstone *tombstone);

bool tombstones_has(struct tombstones *tombstones, const char *key);

/* There is none with its key yet. */
void tombstones_add_take(
    struct tombstones *tombstones, struct tombstone *tombstone);

/* The tool is back, if it was gone. */
void tombstones_remove(struct tombstones *tombstones, const char *key);

#endif
