/* A change's last step: from the stores into the book and the table. */
#ifndef REGISTRAR_ENTER_H
#define REGISTRAR_ENTER_H

#include "registrar/change.h"

/* May it go on its way?  False: change->why says which bound it meets. */
bool enter_allows(struct registrar *r, struct change *change);

/*
 * It is stored: into the book and the table with it.  CHANGE_FAILED, and
 * change->why: the table did not take it.
 */
enum change_result enter_change(struct registrar *r, struct change *change);

#endif
