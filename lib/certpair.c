/* Reads certificates and keys, and checks that they belong together. */
#include "lib/certpair.h"

#include <ctype.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>

#define NAME_MAX_DNS 253

static char why[160];

/* What OpenSSL says of it, and who it was that said so. */
static const char *
openssl_says(const char *what)
{
	const char *says = ERR_reason_error_string(ERR_peek_last_error());

	snprintf(why, sizeof(why), "%s: %s", what, says == NULL ? "?" : says);
	ERR_clear_error();
	return why;
}

static const char *
take_cert(struct certpair *p, const unsigned char *der, long len)
{
	X509 *cert = d2i_X509(NULL, &der, len);

	if (cert == NULL)
		return openssl_says("a certificate cannot be read");
	if (p->cert == NULL)
		p->cert = cert;
	else if (!sk_X509_push(p->chain, cert)) {
		X509_free(cert);
		return "no memory";
	}
	return NULL;
}

static const char *
take_key(struct certpair *p, const char *name, const char *header,
    const unsigned char *der, long len)
{
	if (strstr(name, "ENCRYPTED") != NULL ||
	    strstr(header, "ENCRYPTED") != NULL)
		return "the private key is encrypted: nobody is there to "
		       "type its password";
	if (p->key != NULL)
		return "there are two private keys";
	p->key = d2i_AutoPrivateKey(NULL, &der, len);
	return p->key == NULL ? openssl_says("the private key cannot be read")
			      : NULL;
}

static const char *
take(struct certpair *p, const char *name, const char *header,
    const unsigned char *der, long len)
{
	size_t n = strlen(name), key = strlen("PRIVATE KEY");

	if (strcmp(name, "CERTIFICATE") == 0)
		return take_cert(p, der, len);
	if (n >= key && strcmp(name + n - key, "PRIVATE KEY") == 0)
		return take_key(p, name, header, der, len);
	return NULL; /* parameters of curves or of DH */
}

/* Every piece of the text, up to its end or to the first that is bad. */
static const char *
read_pieces(struct certpair *p, struct span pem)
{
	BIO *in = BIO_new_mem_buf(pem.ptr, (int)pem.len);
	const char *wrong = in == NULL ? "no memory" : NULL;
	char *name, *header;
	unsigned char *der;
	long len;

	while (wrong == NULL && PEM_read_bio(in, &name, &header, &der, &len)) {
		wrong = take(p, name, header, der, len);
		OPENSSL_free(name);
		OPENSSL_free(header);
		OPENSSL_clear_free(der, (size_t)len);
	}
	BIO_free(in);
	if (wrong == NULL &&
	    ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE)
		wrong = openssl_says("it is cut or damaged");
	ERR_clear_error();
	return wrong;
}

/* Each has signed the one before it. */
static const char *
check_chain(const struct certpair *p)
{
	X509 *before = p->cert;

	for (int i = 0; i < sk_X509_num(p->chain); i++) {
		X509 *issuer = sk_X509_value(p->chain, i);

		if (X509_check_issued(issuer, before) != X509_V_OK ||
		    X509_verify(before, X509_get0_pubkey(issuer)) != 1) {
			ERR_clear_error();
			snprintf(why, sizeof(why),
			    "the chain is not in order: certificate %d did "
			    "not sign the one before it",
			    i + 2);
			return why;
		}
		before = issuer;
	}
	return NULL;
}

static bool
is_name(const unsigned char *text, int len)
{
	int begin = len > 2 && text[0] == '*' && text[1] == '.' ? 2 : 0;

	if (len - begin < 1 || len > NAME_MAX_DNS)
		return false;
	for (int i = begin; i < len; i++)
		if (!isalnum(text[i]) && text[i] != '-' && text[i] != '.' &&
		    text[i] != '_')
			return false;
	return true;
}

/* False: no memory.  Names that no client can ask for are passed over. */
static bool
add_name(struct certpair *p, const ASN1_STRING *from)
{
	const unsigned char *text = ASN1_STRING_get0_data(from);
	int len = ASN1_STRING_length(from);
	char **grown, *name;

	if (!is_name(text, len))
		return true;
	grown = reallocarray(p->names, p->nnames + 1, sizeof(*grown));
	if (grown == NULL)
		return false;
	p->names = grown;
	name = strndup((const char *)text, (size_t)len);
	if (name == NULL)
		return false;
	for (char *c = name; *c != '\0'; c++)
		*c = (char)tolower((unsigned char)*c);
	p->names[p->nnames++] = name;
	return true;
}

/* Those of the extension, or else the common name (RFC 6125 section 6.4.4). */
static const char *
read_names(struct certpair *p)
{
	GENERAL_NAMES *alt =
	    X509_get_ext_d2i(p->cert, NID_subject_alt_name, NULL, NULL);
	const X509_NAME *subject = X509_get_subject_name(p->cert);
	bool fine = true;
	int at;

	for (int i = 0; fine && i < sk_GENERAL_NAME_num(alt); i++) {
		const GENERAL_NAME *name = sk_GENERAL_NAME_value(alt, i);

		if (name->type == GEN_DNS)
			fine = add_name(p, name->d.dNSName);
	}
	if (alt == NULL && (at = X509_NAME_get_index_by_NID(
				(X509_NAME *)subject, NID_commonName, -1)) >= 0)
		fine = add_name(p,
		    X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at)));
	GENERAL_NAMES_free(alt);
	ERR_clear_error();
	if (!fine)
		return "no memory";
	return p->nnames == 0 ? "the certificate names no host" : NULL;
}

static time_t
unix_time(const ASN1_TIME *t)
{
	struct tm tm = { 0 };

	return ASN1_TIME_to_tm(t, &tm) ? timegm(&tm) : 0;
}

static const char *
read_facts(struct certpair *p)
{
	unsigned len = 0;

	switch (EVP_PKEY_get_base_id(p->key)) {
	case EVP_PKEY_RSA:
	case EVP_PKEY_RSA_PSS:
		p->kind = CERTPAIR_RSA;
		break;
	case EVP_PKEY_EC:
		p->kind = CERTPAIR_EC;
		break;
	case EVP_PKEY_ED25519:
	case EVP_PKEY_ED448:
		p->kind = CERTPAIR_EDWARDS;
		break;
	default:
		return "the key is neither RSA nor of an elliptic curve";
	}
	p->not_before = unix_time(X509_get0_notBefore(p->cert));
	p->not_after = unix_time(X509_get0_notAfter(p->cert));
	if (!X509_digest(p->cert, EVP_sha256(), p->print, &len))
		return openssl_says("its digest");
	return NULL;
}

static const char *
check(struct certpair *p)
{
	const char *wrong = NULL;
	SSL_CTX *ctx;

	if (p->cert == NULL)
		return "there is no certificate in it";
	if (p->key == NULL)
		return "there is no private key for it";
	if (X509_check_private_key(p->cert, p->key) != 1) {
		ERR_clear_error();
		return "the private key is another certificate's";
	}
	if ((wrong = check_chain(p)) != NULL ||
	    (wrong = read_names(p)) != NULL || (wrong = read_facts(p)) != NULL)
		return wrong;
	/* as weak as OpenSSL does not let a server be */
	ctx = SSL_CTX_new(TLS_server_method());
	wrong = ctx == NULL ? "no memory" : certpair_use(p, ctx);
	SSL_CTX_free(ctx);
	return wrong;
}

const char *
certpair_parse(struct certpair *p, struct span pem)
{
	const char *wrong;

	*p = (struct certpair){ .chain = sk_X509_new_null() };
	ERR_clear_error();
	wrong = p->chain == NULL ? "no memory" : read_pieces(p, pem);
	if (wrong == NULL)
		wrong = check(p);
	if (wrong != NULL)
		certpair_release(p);
	return wrong;
}

void
certpair_release(struct certpair *p)
{
	X509_free(p->cert);
	sk_X509_pop_free(p->chain, X509_free);
	EVP_PKEY_free(p->key);
	for (size_t i = 0; i < p->nnames; i++)
		free(p->names[i]);
	free(p->names);
	*p = (struct certpair){ 0 };
}

const char *
certpair_use(const struct certpair *p, SSL_CTX *ctx)
{
	if (SSL_CTX_use_cert_and_key(ctx, p->cert, p->key, p->chain, 1) == 1)
		return NULL;
	return openssl_says("it cannot be used");
}
