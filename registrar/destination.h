/* Where a route leads: its backends, as registered and parsed. */
#ifndef REGISTRAR_DESTINATION_H
#define REGISTRAR_DESTINATION_H

#include <stdbool.h>
#include <stddef.h>

#include "shm/route.h"

/* As registered, and the same parsed once (vet_url()). */
struct destination {
	const char *url;
	struct backend backend;
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

/* Their URLs with blanks between, for the log; cut off where out ends. */
const char *destinations_text(
    const struct destinations *d, char *out, size_t size);

#endif
