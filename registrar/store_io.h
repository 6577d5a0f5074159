/* What the other store asks of this one; the rest of it is in store.h. */
#ifndef REGISTRAR_STORE_IO_H
#define REGISTRAR_STORE_IO_H

#include <stdbool.h>

#include "registrar/store.h"

/* Is a change of this name handed over and not yet answered? */
bool store_io_busy(const struct store_io *io, const char *key);

#endif
