/*
 * Certificates and their keys: read by the master, who alone may, and handed
 * to workers sealed (7-security.md 7.6, Key plan).
 *
 * In tls_directory NAME.pem has a certificate, its chain, and its private key
 * unless that is in NAME.key.  Who else than its owner may read a private key
 * may copy it: such a file is refused.
 */
#ifndef MASTER_CERTS_H
#define MASTER_CERTS_H

#include "master/master.h"

/*
 * A configuration that does not speak of https has it when there are
 * certificates: take the default listener away when there are none.
 */
void certs_settle(struct conf *conf);

/* Read those that are there, at the start.  -1: it was logged why. */
int certs_load(struct master *m);
void certs_release(struct master *m);

/* A descriptor that stays ours, for CTL_CERTIFICATES; -1: there are none. */
int certs_fd(const struct master *m);

#endif
