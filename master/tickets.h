/*
 * Keys of session tickets: made and changed here every tls_ticket_rotation, or
 * read from a file that nodes share.
 */
#ifndef MASTER_TICKETS_H
#define MASTER_TICKETS_H

struct master;

/* After segments_make(), when the loop is there.  -1: it was logged why. */
int tickets_start(struct master *m);
void tickets_stop(struct master *m);

/*
 * Read the file again, if there is one.  -1: it was logged why not, and the
 * keys are as before.
 */
int tickets_reload(struct master *m);

#endif
