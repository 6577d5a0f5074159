/*
 * All certificates of one moment, by the names that clients ask for, and a
 * context of OpenSSL for each set of certificates that share names.
 */
#ifndef WORKER_TLS_SET_H
#define WORKER_TLS_SET_H

#include <openssl/ssl.h>
#include <stdbool.h>
#include <stddef.h>

#include "lib/bundle.h"
#include "lib/certpair.h"

/* A name of certificates, and the best of each kind for it. */
struct tls_name {
	const char *name; /* borrowed from a pair; "*.a": below a */
	const struct certpair *pairs[CERTPAIR_KINDS]; /* borrowed; or NULL */
	SSL_CTX *ctx; /* borrowed from contexts */
};

struct tls_pair; /* one that several sets may have */

struct tls_set {
	struct tls_pair **pairs; /* owned, with the sets that have them, too */
	size_t npairs;
	struct tls_name *names; /* owned; in the order of strcmp() */
	size_t nnames;
	SSL_CTX **contexts; /* owned; as many as names, or less */
	size_t ncontexts;
	const struct tls_name *fallback; /* for clients that name nothing */
};

/*
 * Who makes a context that shows these certificates.  NULL after saying why on
 * the log.
 */
struct tls_maker {
	SSL_CTX *(*make)(
	    void *arg, const struct certpair *const pairs[CERTPAIR_KINDS]);
	void *arg;
};

/*
 * Read the pairs of a bundle.  Those that the set before has, too, are not read
 * again, which takes most of a millisecond for each; and so it is with
 * contexts.
 *
 * Returns NULL when all is well; else what is wrong, in storage that the next
 * call may use again: then, too, the set is the caller's to release.
 */
const char *tls_set_build(struct tls_set *set, const struct tls_set *before,
    const struct bundle *bundle, const struct tls_maker *maker);
void tls_set_release(struct tls_set *set);

/* The name itself, or all names that are one label below its parent. */
const struct tls_name *tls_set_find_host(
    const struct tls_set *set, const char *host);

#endif
