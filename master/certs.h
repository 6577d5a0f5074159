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

#include <stdbool.h>
#include <time.h>

#include "master/master.h"

/*
 * A configuration that does not speak of https has it when there are
 * certificates: take the default listener away when there are none.
 */
void certs_settle(struct conf *conf);

/* Can all be used that are there?  It is logged which cannot, and why. */
bool certs_check(struct conf *conf);

/* Read those that are there, at the start.  -1: it was logged why. */
int certs_load(struct master *m);
void certs_release(struct master *m);

/*
 * Read them again.  A pair that cannot be used, or has expired, or is not
 * valid yet, is refused, and what there was under its name is kept; one whose
 * file is gone is gone.  -1: some were, or all; it was logged why.
 *
 * changed  certs_fd() is another
 */
int certs_reread(struct master *m, bool *changed);

/* A descriptor that stays ours, for CTL_CERTIFICATES; -1: there are none. */
int certs_fd(const struct master *m);

/* One after the other; *at is 0 for the first.  False: that is all. */
struct cert_fact {
	const char *name; /* of its file */
	const char *zone; /* the first name that it is for, without "*." */
	const char *type; /* "rsa", "ecdsa" or "eddsa" */
	time_t not_before, not_after;
	unsigned *warned; /* certs_watch.c's; UINT_MAX at first */
};
bool certs_next(const struct master *m, size_t *at, struct cert_fact *fact);

#endif
