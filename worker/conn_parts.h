/*
 * What the files of a connection share among themselves; others include
 * conn.h.  conn.c drives it, conn_begin.c has the steps before there is
 * anything to serve, conn_serve.c those from then on.
 */
#ifndef WORKER_CONN_PARTS_H
#define WORKER_CONN_PARTS_H

#include <stdbool.h>

#include "worker/conn.h"

#define LINGER_MS 5000 /* for the client to take what was sent */

/* The step of each state: the next one, or the same to wait. */
enum conn_state conn_step_proxied(struct conn *c);
enum conn_state conn_step_held(struct conn *c);
enum conn_state conn_step_handshake(struct conn *c);
enum conn_state conn_step_idle(struct conn *c);
enum conn_state conn_step_head(struct conn *c);
enum conn_state conn_step_busy(struct conn *c);
enum conn_state conn_step_tunnel(struct conn *c);
enum conn_state conn_step_h2(struct conn *c);
enum conn_state conn_step_linger(struct conn *c);

/* Where a client begins, that is who it is said to be. */
enum conn_state conn_first_state(const struct conn *c);

/* CLOCK_MONOTONIC milliseconds: when its state has lasted long enough. */
void conn_set_deadline(struct conn *c, uint64_t due_ms);

/* Have c->h1 there, for the first bytes.  False: no memory. */
bool conn_borrow_h1(struct conn *c);

#endif
