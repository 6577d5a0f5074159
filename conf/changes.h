/* What of a new configuration is new, and what it takes to apply it. */
#ifndef CONF_CHANGES_H
#define CONF_CHANGES_H

#include "conf/conf.h"

/* How a setting's new value comes into force while we run. */
enum applied {
	APPLIED_IN_PLACE,  /* in every process, between two turns of its loop */
	APPLIED_REGISTRAR, /* by another registrar */
	APPLIED_WORKERS,   /* by other workers; the old ones drain */
	APPLIED_PROCESSES, /* by other processes, whatever their role */
	APPLIED_RESTART,   /* not at all */
};

/*
 * Which kinds of settings differ, as bits (1 << APPLIED_...); with that of
 * APPLIED_PROCESSES come those of workers and of the registrar.
 *
 * restart  the name of the first of APPLIED_RESTART; NULL: none differs
 */
unsigned conf_changes(
    const struct conf *before, const struct conf *after, const char **restart);

#endif
