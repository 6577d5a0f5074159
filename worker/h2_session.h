/* The library's part of a connection: its settings, and what it tells us. */
#ifndef WORKER_H2_SESSION_H
#define WORKER_H2_SESSION_H

#include <nghttp2/nghttp2.h>

#include "worker/h2.h"

#define H2_OUT_FULL (64 * 1024) /* bytes of frames; those are sent first */

/* Options and callbacks, for all connections of a worker.  NULL: no memory. */
struct h2_setup *h2_setup_new(void);
void h2_setup_free(struct h2_setup *setup);

/* Sets h->session, which has our SETTINGS to be sent.  -1: no memory. */
int h2_session_open(struct h2 *h);

/*
 * Tell the client how many streams it may have at a time, if that is no longer
 * what it knows, and if it has acknowledged what it was told before.
 */
void h2_session_limit(struct h2 *h);

/* How many bytes of connection window there are for a client, at most. */
#define H2_CONNECTION_WINDOW (1024 * 1024)

#endif
