/* The lookup process: hosts' addresses and users' names, for the registrar. */
#ifndef MASTER_LOOKUP_H
#define MASTER_LOOKUP_H

#include <stdbool.h>

#include "conf/conf.h"

/* Is there anything to be looked up?  Else no such process is started. */
bool lookup_needed(const struct conf *conf);

/* Run it; returns the exit status.  The master's socket is at CTL_FD. */
int lookup_main(void);

#endif
