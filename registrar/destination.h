/* Where a route leads: its backends, as registered and parsed. */
#ifndef REGISTRAR_DESTINATION_H
#define REGISTRAR_DESTINATION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "conf/value.h"
#include "shm/route.h"

/* What the last proof has found (proof.h). */
enum proof_result {
	PROOF_NONE,     /* there was none yet */
	PROOF_THEIRS,   /* the tool's own process accepts there */
	PROOF_STRANGER, /* somebody else's */
	PROOF_UNKNOWN,  /* nobody could tell */
};

/* "none", "theirs", "stranger", "unknown": in `list`. */
const char *proof_result_name(enum proof_result result);

/* A backend, as registered, and the same parsed once (vet_url()). */
struct destination {
	const char *url;
	const char *lease;     /* the node that holds it; NULL: no lease */
	struct backend backend;
	uint64_t since_ms;     /* CLOCK_REALTIME, of a lease; 0: the route's */
	bool drained;          /* no new requests: it asked, or an operator */
	bool stale;            /* the port is somebody else's: no requests */
	bool unproved;         /* whose it is nobody has told: none, too */

	/* of this process only: neither stored nor compared */
	uint8_t proof;         /* enum proof_result */
	uint8_t unknown;       /* rounds in a row; see proof.c */
	uint64_t proved_ms;    /* CLOCK_REALTIME of the last; 0: none */
};

/* Zeroed: none. */
struct destinations {
	struct destination *at; /* owned, with the URLs; in byte order of these */
	size_t n;               /* at most ROUTE_BACKENDS_MAX */
};

/*
 * Copy, in order and each URL once; over ROUTE_BACKENDS_MAX the last are left
 * out.  False: no memory, *to is as it was.  What *to held is lost.
 */
bool destinations_copy(
    struct destinations *to, const struct destination *from, size_t n);
void destinations_release(struct destinations *d);

/* qsort(3): the order of their URLs. */
int destination_order(const void *a, const void *b);

/* The same URLs?  The other list is in order, too. */
bool destinations_eq(
    const struct destinations *d, const struct destination *other, size_t n);
bool destinations_has(const struct destinations *d, const char *url);

/* NULL: not among them. */
struct destination *destinations_find(
    const struct destinations *d, const char *url);

/* Of two lists with the same URLs: do all of them get requests as before? */
bool destinations_serve_alike(
    const struct destinations *d, const struct destination *other);

/* Their URLs with blanks between, for the log; cut off where out ends. */
const char *destinations_text(
    const struct destinations *d, char *out, size_t size);

/*
 * As the stores have one: its URL, then perhaps ",lease=NODE", ",since=MS",
 * ",drained", ",stale", ",unproved".  False: out is too small.
 */
#define DESTINATION_STORED_MAX (1024 + NODE_NAME_MAX + 64)
bool destination_store(const struct destination *d, char *out, size_t size);

/*
 * The reverse.  text is cut into strings to which *d points; its backend is
 * not set.  False: malformed.
 */
bool destination_restore(struct destination *d, char *text);

#endif
