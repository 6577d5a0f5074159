/*
 * Leases: backends that are there as long as who registered them keeps a
 * connection open (1-registration.md 1.1).  The book says which node holds
 * one; here are those of this node.
 */
#ifndef REGISTRAR_LEASE_H
#define REGISTRAR_LEASE_H

#include <bsd/sys/tree.h>
#include <stdbool.h>
#include <stddef.h>

struct destination;
struct lease;
struct registrar;

/* Who keeps a lease; embedded in its session. */
struct lease_holder {
	struct lease *lease; /* NULL: none, or none any more */

	/* It is over, with nothing left to be said; lease is NULL already. */
	void (*ended)(struct lease_holder *holder);
};

struct leases {
	RB_HEAD(lease_tree, lease) tree; /* by key, pattern and URL */
	size_t held;                     /* the others wait for their holder */
};

void leases_init(struct leases *leases);

/* The end of this process, not of the leases: those stay in the stores. */
void leases_release(struct registrar *r);

/*
 * Someone holds it now: a destination that is in the book with this node's
 * lease.  A holder from before is told that it has ended, or what was to
 * withdraw it is given up.  False: no memory.
 */
bool lease_hold(struct registrar *r, const char *key, const char *pattern,
    const char *url, struct lease_holder *holder);

/* What it is a lease of; each buffer has room for a line (line.h). */
void lease_names(const struct lease *lease, char *pattern, char *url);

/* The holder is gone: the backend is withdrawn, however long that takes. */
void lease_withdraw(struct lease_holder *holder);

/*
 * A destination of this node's, from before it was started: it is withdrawn
 * unless someone holds it again within lease_grace.
 */
void lease_await(struct registrar *r, const char *key, const char *pattern,
    const char *url);

/*
 * Those among a route's destinations that are this node's, and that nobody
 * holds: SQLite had them from before, or another node has written them again.
 */
void leases_await(struct registrar *r, const char *key, const char *pattern,
    const struct destination *to, size_t n);

/* The name's routes have changed: leases that are not in the book are over. */
void leases_check(struct registrar *r, const char *key);

#endif
