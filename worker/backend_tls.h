/*
 * TLS to https backends.  Certificates are checked when backend_ca is set,
 * against the tool's own host name: a backend moves, its tool does not.
 */
#ifndef WORKER_BACKEND_TLS_H
#define WORKER_BACKEND_TLS_H

#include "lib/span.h"
#include "worker/pool.h"

struct backend_tls;
struct ssl_st;

/*
 * ca  PEM certificates that sign those of backends; empty: none is checked
 * NULL after saying why on the log.
 */
struct backend_tls *backend_tls_new(struct span ca);
void backend_tls_free(struct backend_tls *t);

/*
 * The client's side for one more connection.  NULL: no memory.
 *
 * name  the tool's host name, ends with a NUL
 */
struct ssl_st *backend_tls_begin(struct backend_tls *t,
    const struct pool_owner *owner, const char *name);

#endif
