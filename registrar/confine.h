/* What the registrar may do. */
#ifndef REGISTRAR_CONFINE_H
#define REGISTRAR_CONFINE_H

#include "conf/boot.h"

/*
 * Before anything is opened: user, files, limits.  And when all is open:
 * system calls, of both threads.  -1 after saying why: do not go on.
 */
int confine_registrar(const struct boot *boot);
int confine_registrar_calls(const struct conf *conf);

#endif
