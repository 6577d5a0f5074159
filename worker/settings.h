/*
 * What a worker goes by: the configuration and what was made of it.  A reload
 * brings another; who holds the old one goes on with it to the end of a
 * request, or of a tunnel.
 */
#ifndef WORKER_SETTINGS_H
#define WORKER_SETTINGS_H

#include "conf/boot.h"
#include "worker/site.h"

struct templates;
struct zones;

struct settings {
	unsigned users;	     /* the worker, and exchanges under way */
	struct conf *conf;   /* owned */
	struct zones *zones; /* owned */
	struct site site;    /* owned */
	struct templates *templates; /* owned; goes by what site has */
};

/*
 * Make them of what the master gave, whose configuration is ours from now on.
 * One user: the caller.  NULL with errno.
 */
struct settings *settings_new_take(struct boot *boot);

/* One user more; returns them. */
struct settings *settings_hold(struct settings *settings);

/* One user less; with the last one they go.  NULL: nothing. */
void settings_drop(struct settings *settings);

#endif
