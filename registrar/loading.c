/* Tells the master that the start goes on. */
#include "registrar/loading.h"

#include "lib/ctlmsg.h"

#define EVERY 10000 /* routes: milliseconds, or a second of a slow disk */

void
loading_tell(size_t done)
{
	struct ctlmsg loading = { .type = CTL_LOADING };

	if (done % EVERY == 0)
		ctlmsg_send(
		    CTL_FD, &loading, -1); /* or it will hear of the end */
}
