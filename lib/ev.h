/* The event loop of every process: epoll, timers, and work put off. */
#ifndef LIB_EV_H
#define LIB_EV_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/epoll.h>

#include "lib/timer.h"

#define EV_BATCH 256 /* events taken by one epoll_wait(2) */

/* A descriptor that is watched; embedded in what it belongs to. */
struct ev_io {
	int fd; /* the owner's to close, after ev_del() */
	void (*ready)(struct ev_io *io, uint32_t events); /* EPOLLIN, ... */
};

/* Work for the end of this turn of the loop; embedded, zeroed: not queued. */
struct ev_task {
	struct ev_task *next;
	struct ev_task **link; /* NULL: not queued */
	void (*run)(struct ev_task *task);
};

struct ev_loop {
	int epfd;
	uint64_t now_ms;                  /* CLOCK_MONOTONIC, read once a turn */
	bool stop;                        /* set by ev_stop() */
	int nready, at;                   /* of the batch being worked on */
	struct ev_task *tasks, **tasks_end;
	struct timer_wheel timers;
	struct epoll_event batch[EV_BATCH];
};

/* -1 with errno. */
int ev_init(struct ev_loop *loop);
void ev_release(struct ev_loop *loop);

/* Watch io->fd for events (EPOLLET too is the caller's choice).  -1, errno. */
int ev_add(struct ev_loop *loop, struct ev_io *io, uint32_t events);
int ev_mod(struct ev_loop *loop, struct ev_io *io, uint32_t events);

/*
 * Stop watching; events already taken from the kernel are forgotten too, so
 * io may be freed right away.  The descriptor stays open, and must still be
 * so: a closed one is our bug.  Harmless for an open one not watched.
 */
void ev_del(struct ev_loop *loop, struct ev_io *io);

/*
 * The same, and close it, which is a system call less: for descriptors that
 * nobody else has a copy of, since only then is epoll(7) rid of it.
 */
void ev_close(struct ev_loop *loop, struct ev_io *io);

/* Run task->run once, after the events at hand.  Queued already: nothing. */
void ev_later(struct ev_loop *loop, struct ev_task *task);
void ev_forget(struct ev_loop *loop, struct ev_task *task);

/* Turn until ev_stop(). */
void ev_run(struct ev_loop *loop);
void ev_stop(struct ev_loop *loop);

#endif
