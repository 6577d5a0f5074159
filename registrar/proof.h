/*
 * Proofs: whose is the port of a backend?  A connection is made to it, and
 * identd on its host is asked who accepts there (1-registration.md 1.1,
 * 7-security.md 7.3): when a tool registers it, and every verify_interval.
 */
#ifndef REGISTRAR_PROOF_H
#define REGISTRAR_PROOF_H

#include <stddef.h>
#include <stdint.h>

struct book_route;
struct destination;
struct proofs;
struct registrar;

/* The walk over the book begins with the loop.  NULL: no memory. */
struct proofs *proofs_open(struct registrar *r);
void proofs_close(struct proofs *proofs);

/* It was registered just now: soon, before those whose time has come. */
void proof_soon(struct registrar *r, const char *key, const char *pattern);

/* Somebody doubts it. */
void proof_again(struct registrar *r, const struct book_route *route,
    const struct destination *to);

struct proofs_status {
	size_t theirs, strangers, unknown; /* results since the start */
	size_t waiting;
};
void proofs_status(const struct proofs *proofs, struct proofs_status *status);

#endif
