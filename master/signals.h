/* Signals to the master: flags, acted on in the loop in a fixed order. */
#ifndef MASTER_SIGNALS_H
#define MASTER_SIGNALS_H

struct master;

/* From now on they wait for the loop.  -1 with errno. */
int signals_open(struct master *m);
void signals_close(struct master *m);

#endif
