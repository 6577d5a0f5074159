/* A change's last step: from the stores into the book and the table. */
#ifndef REGISTRAR_ENTER_H
#define REGISTRAR_ENTER_H

#include "registrar/change.h"

enum enter_way {
	ENTER_GO,      /* it may go to the stores */
	ENTER_NOTHING, /* all is as it wants it already */
	ENTER_REFUSED, /* a bound was reached; change->why says which */
};

/*
 * Its turn has come: a change of one destination becomes CHANGE_SET or
 * CHANGE_STRIKE, by what the book has now.
 */
enum enter_way enter_prepare(struct registrar *r, struct change *change);

/*
 * It is stored: into the book and the table with it.  CHANGE_FAILED, and
 * change->why: the table did not take it.
 */
enum change_result enter_change(struct registrar *r, struct change *change);

#endif
