/*
 * Certificates change while we run: their directory is watched, and what is
 * new goes to every worker.  Connections under way keep what they have.
 */
#ifndef MASTER_CERTS_WATCH_H
#define MASTER_CERTS_WATCH_H

struct master;

/* When the loop is there.  -1: it was logged why. */
int certs_watch_start(struct master *m);
void certs_watch_stop(struct master *m);

/*
 * Read certificates and ticket keys now, and hand them to the workers that
 * run.  -1: some were refused, as the log says, and those before are kept.
 */
int certs_reload(struct master *m);

#endif
