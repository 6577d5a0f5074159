/* The start of a registrar: what this node remembers. */
#ifndef REGISTRAR_WARM_H
#define REGISTRAR_WARM_H

#include <stdbool.h>

struct registrar;

/*
 * Open r->io, and fill the book and the policy with what it has kept; leases of
 * this node wait for their holders.  False: it was logged why.
 */
bool warm_start(struct registrar *r);

#endif
