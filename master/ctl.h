/* The master's half of dynproxyctl: messages of fixed size, for its own user. */
#ifndef MASTER_CTL_H
#define MASTER_CTL_H

struct master;

/* Answer on the socket of LISTEN_MASTER.  -1 with errno. */
int ctl_open(struct master *m);
void ctl_close(struct master *m);

#endif
