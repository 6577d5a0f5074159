/* The listening sockets of 8282, 8081 and control, which the master has bound.
 */
#ifndef REGISTRAR_DOOR_H
#define REGISTRAR_DOOR_H

#include <stddef.h>

struct door;
struct registrar;

struct doors {
	struct door *all; /* owned */
	size_t n;
};

/* Begin to accept on all of them.  -1 with errno: no memory. */
int doors_open(struct doors *doors, struct registrar *r);

/* Accept nobody any more.  The descriptors stay open: they are the boot's. */
void doors_close(struct doors *doors);

#endif
