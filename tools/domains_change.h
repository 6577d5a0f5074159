/*
 * Changes of domains: into the store, then to the registrar, and with it to
 * Redis and the table; all or nothing for who asked.  A domain that the
 * registrar could not be told of is pending, and told later as the store has
 * it; so is what was cut off by the end of either program.
 */
#ifndef TOOLS_DOMAINS_CHANGE_H
#define TOOLS_DOMAINS_CHANGE_H

#include <pthread.h>
#include <stdbool.h>

#include "tools/domains_store.h"

struct domains;

#define CHANGER_LOCKS 64
#define CHANGE_EDITS_MAX 2

struct changer {
	pthread_mutex_t locks[CHANGER_LOCKS]; /* of domains, by their hash */
	pthread_mutex_t lock;		      /* of what follows */
	pthread_cond_t wake;
	bool pending, stops;
	pthread_t thread; /* tells the registrar what it missed */
	bool runs;
};

/* The thread is not started with read_only. */
bool changer_start(struct domains *d);
void changer_stop(struct domains *d);

/*
 * Nobody else changes these domains until changer_unlock().  Who reads one in
 * order to change it holds it from before he reads.
 */
void changer_lock(struct domains *d, const char *const domains[], size_t n);
void changer_unlock(struct domains *d, const char *const domains[], size_t n);

enum change_end {
	CHANGE_MADE,
	CHANGE_NOT_ALLOWED, /* the registrar says why */
	CHANGE_NOT_NOW,	    /* a store, or the registrar, is away */
};

/*
 * Make edits, at most CHANGE_EDITS_MAX, of domains that are locked.
 * why   DOMAINS_WHY_MAX bytes, for all but CHANGE_MADE
 */
enum change_end change_make(struct domains *d, const struct store_edit *edits,
    size_t n, const char *by, char *why);

#endif
