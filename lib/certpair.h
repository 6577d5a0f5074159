/*
 * A certificate with what a server needs to show it: the chain that leads to
 * its issuer, and its private key.
 */
#ifndef LIB_CERTPAIR_H
#define LIB_CERTPAIR_H

#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <stdint.h>
#include <time.h>

#include "lib/span.h"

/* A server has one of each for a name; the client says which it can check. */
enum certpair_kind { CERTPAIR_RSA, CERTPAIR_EC, CERTPAIR_EDWARDS };
#define CERTPAIR_KINDS (CERTPAIR_EDWARDS + 1)

#define CERTPAIR_PRINT 32 /* bytes of SHA-256 */

struct certpair {
	X509 *cert;		/* owned */
	STACK_OF(X509) * chain; /* owned; from its issuer on; may be empty */
	EVP_PKEY *key;		/* owned */
	enum certpair_kind kind;
	char **names;  /* owned; lower case; "*.a" is what is below a */
	size_t nnames; /* at least 1 */
	unsigned char print[CERTPAIR_PRINT]; /* of the certificate */
	time_t not_before, not_after;
};

/*
 * Read PEM text: the certificate first, each that follows having signed the
 * one before it, and one private key, anywhere, not encrypted.
 *
 * Returns NULL when all is well; else what is wrong, in storage that the next
 * call may use again; then nothing is to be released.
 */
const char *certpair_parse(struct certpair *pair, struct span pem);
void certpair_release(struct certpair *pair);

/* Have a context show it, beside those of other kinds.  As above. */
const char *certpair_use(const struct certpair *pair, SSL_CTX *ctx);

#endif
