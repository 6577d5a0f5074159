/*
 * Every socket that listens: bound by the master, held for as long as it
 * lives.  A reload makes another set, of the same sockets where it can.
 */
#ifndef MASTER_LISTENERS_H
#define MASTER_LISTENERS_H

#include <stdbool.h>
#include <stddef.h>

#include "conf/conf.h"

struct listener {
	struct addr addr;
	size_t at;     /* its place in conf->listeners */
	unsigned slot; /* of those for clients, each worker has its own */
	int fd;        /* owned; -1: closed */
	unsigned named; /* 1 + the kind that it was given to us for, whatever
			   its own address; 0: it has addr */
};

struct listeners {
	struct listener *list; /* owned */
	size_t n;
	bool beside; /* others of ours may have the same addresses */
	unsigned slots; /* sockets of an address for clients */
};

/*
 * Make a set for a configuration.  Sockets of from are taken again, as
 * descriptors of their own; NULL: there are none.  slots: at least as many as
 * there are workers.  beside: workers of a dead master may have the addresses,
 * and share them; those for clients do not listen yet.  NULL: it was logged
 * which one could not be bound.
 */
struct listeners *listeners_new(const struct conf *conf,
    const struct listeners *from, unsigned slots, bool beside);

/*
 * Close them, and remove the paths of Unix sockets that the next set does not
 * have; next is NULL: all of them.  NULL: nothing.
 */
void listeners_free(struct listeners *l, const struct listeners *next);

/*
 * One more socket that somebody handed to us; it is ours from now on.  named: as
 * in struct listener.
 */
int listeners_add_take(struct listeners *l, int fd, unsigned named);

/*
 * Those that were handed to us, as the configuration wants them: one that is
 * named is for a listener of that kind which has none; it is logged which is
 * for none.
 */
void listeners_fit(struct listeners *l, const struct conf *conf);

/* Have those for clients listen.  -1 with errno. */
int listeners_listen_web(struct listeners *l, const struct conf *conf);

/*
 * Let go of those for clients: the workers that drain close the last
 * descriptions, and nobody waits in a queue that is never served again.
 */
void listeners_close_web(struct listeners *l, const struct conf *conf);

/* The socket of a listener by its place in conf->listeners; -1: none. */
int listener_fd(const struct listeners *l, size_t at, unsigned slot);

#endif
