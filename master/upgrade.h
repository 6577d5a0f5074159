/*
 * Another program in the place of this one: the same process, the same
 * children until they are replaced, the same sockets (3-processes.md).
 */
#ifndef MASTER_UPGRADE_H
#define MASTER_UPGRADE_H

#include "master/reload.h"

/*
 * Try the installed program as a child; when it can go on, become it.  ended()
 * is called when that was refused; otherwise the next image tells asker, which
 * is a descriptor that stays the caller's; -1: none.
 */
void upgrade_begin(struct master *m, int asker,
    void (*ended)(struct master *m, enum reload_end end, const char *says));

/*
 * We are told to end: another program is not tried any more, and no process
 * replaced by it.  Whoever waits for that is told.
 */
void upgrade_stop(struct master *m);

/* In the next image, after supervise_init(): serve, and replace children. */
int upgrade_go_on(struct master *m);

/* A child is ready. */
void upgrade_child(struct child *c);

/* As reload_loading(). */
void upgrade_loading(const struct child *c);

/* A process that is in no place has ended. */
void upgrade_reaped(struct master *m, pid_t pid, int status);

/* In the next image, which cannot even begin: returns if that failed, too. */
void upgrade_back_at_once(struct master *m);

void upgrade_release(struct master *m);

/* The child that tries: argv[2] is the descriptor of the state. */
int upgrade_probe(const char *state);

/* What this image was started with; NULL: it is the first one. */
#define UPGRADE_VARIABLE "DYNPROXY_STATE"

#endif
