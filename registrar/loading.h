/* A long start: the master, which gives up on a silent one, hears of it. */
#ifndef REGISTRAR_LOADING_H
#define REGISTRAR_LOADING_H

#include <stddef.h>

/* So many are done: now and then that is a sign of life. */
void loading_tell(size_t done);

#endif
