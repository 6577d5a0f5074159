/* The system calls of the registrar. */
#ifndef REGISTRAR_CONFINE_H
#define REGISTRAR_CONFINE_H

#include "conf/boot.h"

/* Nothing but to register, from now on, in both threads.  -1 after saying why.
 */
int confine_registrar(const struct conf *conf);

#endif
