/* Another configuration while we serve: applied, or refused and why. */
#ifndef MASTER_RELOAD_H
#define MASTER_RELOAD_H

#include "master/master.h"

enum reload_end {
	RELOAD_DONE,
	RELOAD_PARTLY,  /* it is what goes, but not everybody goes by it yet */
	RELOAD_REFUSED, /* all is as before */
	RELOAD_AGAIN,   /* not now: the last one is not over */
};

/*
 * Read the configuration again and go by it.  ended() is called once, perhaps
 * at once; says: lines that tell why, or "".
 */
void reload_begin(struct master *m,
    void (*ended)(struct master *m, enum reload_end end, const char *says));

/* A child is ready, gone, or has answered: go on. */
void reload_child(struct child *c);

/* A child that starts says that it has a lot to load: wait for it. */
void reload_loading(const struct child *c);

/* We are told to end: whoever waits for one that is under way is told. */
void reload_stop(struct master *m);

/* Forget one that is under way, at our end. */
void reload_release(struct master *m);

#endif
