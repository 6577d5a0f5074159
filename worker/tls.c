/* How TLS is spoken with clients: what contexts of OpenSSL are made to do. */
#include "worker/tls.h"

#include <bsd/string.h>
#include <errno.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/rand.h>
#include <openssl/sha.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>

#include "lib/bundle.h"
#include "lib/certpair.h"
#include "lib/log.h"
#include "shm/ticket_keys.h"
#include "worker/stream.h"
#include "worker/tls_set.h"

struct tls {
	const struct ticket_segment *keys; /* borrowed */
	EVP_CIPHER *cipher;		   /* owned; of tickets */
	struct tls_set set;
	enum tls_unknown_name unknown;
};

/* Mozilla's recommendations, version 5.7; of TLS 1.3, and of 1.2. */
#define CIPHERSUITES                                                           \
	"TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:"                       \
	"TLS_CHACHA20_POLY1305_SHA256"
#define INTERMEDIATE_CIPHERS                                                   \
	"ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:"           \
	"ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:"           \
	"ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305:"           \
	"DHE-RSA-AES128-GCM-SHA256:DHE-RSA-AES256-GCM-SHA384:"                 \
	"DHE-RSA-CHACHA20-POLY1305"
#define CURVES "X25519:prime256v1:secp384r1"

static const struct {
	int oldest;
	const char *ciphers;
} profiles[] = {
	[TLS_INTERMEDIATE] = { TLS1_2_VERSION, INTERMEDIATE_CIPHERS },
	[TLS_MODERN] = { TLS1_3_VERSION, INTERMEDIATE_CIPHERS },
};

/* In the order in which we like them; each behind its length. */
static const unsigned char protocols[] = "\x02h2\x08http/1.1";

/* A client that offers nothing of ours is told so (RFC 7301 section 3.2). */
static int
choose_protocol(SSL *ssl, const unsigned char **out, unsigned char *len,
    const unsigned char *in, unsigned inlen, void *arg)
{
	unsigned char *chosen;

	(void)ssl;
	(void)arg;
	if (SSL_select_next_proto(&chosen, len, protocols,
		sizeof(protocols) - 1, in, inlen) != OPENSSL_NPN_NEGOTIATED)
		return SSL_TLSEXT_ERR_ALERT_FATAL;
	*out = chosen;
	return SSL_TLSEXT_ERR_OK;
}

enum tls_protocol
tls_protocol(const SSL *ssl)
{
	const unsigned char *name;
	unsigned len;

	SSL_get0_alpn_selected(ssl, &name, &len);
	return len == 2 && memcmp(name, "h2", 2) == 0 ? TLS_HTTP2 : TLS_HTTP1;
}

/*
 * The name in the extension's bytes (RFC 6066 section 3), in lower case.
 * Empty: none; OpenSSL refuses later what is malformed.
 */
static void
server_name(SSL *ssl, char out[TLSEXT_MAXLEN_host_name + 1])
{
	const unsigned char *ext;
	size_t len, n = 0;

	if (SSL_client_hello_get0_ext(
		ssl, TLSEXT_TYPE_server_name, &ext, &len) &&
	    len >= 5 && ext[2] == TLSEXT_NAMETYPE_host_name)
		n = (size_t)ext[3] << 8 | ext[4];
	if (n > 0 && (n > len - 5 || n > TLSEXT_MAXLEN_host_name))
		n = 0;
	for (size_t i = 0; i < n; i++)
		out[i] = (char)(ext[5 + i] >= 'A' && ext[5 + i] <= 'Z'
				    ? ext[5 + i] | 0x20
				    : ext[5 + i]);
	out[n] = '\0';
}

/* A session is good for these certificates and this name only. */
static void
set_session_context(SSL *ssl, const struct tls_name *name, const char *host)
{
	unsigned char id[CERTPAIR_KINDS * CERTPAIR_PRINT +
			 TLSEXT_MAXLEN_host_name + 1] = { 0 };
	unsigned char digest[SHA256_DIGEST_LENGTH];

	for (unsigned i = 0; i < CERTPAIR_KINDS; i++)
		if (name->pairs[i] != NULL)
			memcpy(id + i * CERTPAIR_PRINT, name->pairs[i]->print,
			    CERTPAIR_PRINT);
	strlcpy((char *)id + CERTPAIR_KINDS * CERTPAIR_PRINT, host,
	    TLSEXT_MAXLEN_host_name + 1);
	SHA256(id, sizeof(id), digest);
	SSL_set_session_id_context(ssl, digest, sizeof(digest));
}

/* The client has said whom it wants: before anything is looked at, sessions. */
static int
on_client_hello(SSL *ssl, int *alert, void *arg)
{
	const struct tls *t = arg;
	char host[TLSEXT_MAXLEN_host_name + 1];
	const struct tls_name *name;

	server_name(ssl, host);
	name = *host == '\0' ? NULL : tls_set_find_host(&t->set, host);
	if (name == NULL && *host != '\0' && t->unknown == TLS_UNKNOWN_REFUSE) {
		*alert = SSL_AD_UNRECOGNIZED_NAME;
		return SSL_CLIENT_HELLO_ERROR;
	}
	if (name == NULL)
		name = t->set.fallback;
	SSL_set_SSL_CTX(ssl, name->ctx);
	set_session_context(ssl, name, host);
	return SSL_CLIENT_HELLO_SUCCESS;
}

static const struct ticket_key *
find_key(const struct ticket_keys *keys, const unsigned char name[16])
{
	for (size_t i = 0; i < keys->n; i++)
		if (memcmp(keys->key[i].name, name, 16) == 0)
			return &keys->key[i];
	return NULL;
}

/* False: OpenSSL has no memory. */
static bool
use_key(const struct tls *t, const struct ticket_key *key,
    const unsigned char *iv, EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac,
    int encrypt)
{
	char digest[] = "SHA256";
	const OSSL_PARAM params[] = {
		OSSL_PARAM_construct_octet_string(
		    OSSL_MAC_PARAM_KEY, (void *)key->hmac, sizeof(key->hmac)),
		OSSL_PARAM_construct_utf8_string(
		    OSSL_MAC_PARAM_DIGEST, digest, 0),
		OSSL_PARAM_construct_end(),
	};

	return EVP_MAC_CTX_set_params(mac, params) &&
	       EVP_CipherInit_ex(
		   cipher, t->cipher, NULL, key->aes, iv, encrypt);
}

/* As SSL_CTX_set_tlsext_ticket_key_evp_cb(3) wants it. */
static int
on_ticket(SSL *ssl, unsigned char name[16], unsigned char *iv,
    EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac, int encrypt)
{
	const struct tls *t = SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));
	const struct ticket_key *key = NULL;
	struct ticket_keys keys = { 0 };
	int rc = 0; /* no ticket, or one that is not ours */

	if (ticket_keys_read(t->keys, &keys) && keys.n > 0)
		key = encrypt ? &keys.key[0] : find_key(&keys, name);
	if (key != NULL) {
		if (encrypt) {
			memcpy(name, key->name, sizeof(key->name));
			rc = RAND_bytes(iv, EVP_MAX_IV_LENGTH) == 1 ? 1 : -1;
		} else {
			rc = key == &keys.key[0] ? 1 : 2; /* 2: a new one */
		}
		if (rc > 0 && !use_key(t, key, iv, cipher, mac, encrypt))
			rc = -1;
	}
	explicit_bzero(&keys, sizeof(keys));
	return rc;
}

/* See struct tls_maker. */
struct making {
	struct tls *t;
	enum tls_profile profile; /* the same in the whole life of a worker */
};

static SSL_CTX *
make_context(void *arg, const struct certpair *const pairs[CERTPAIR_KINDS])
{
	const struct making *making = arg;
	enum tls_profile profile = making->profile;
	struct tls *t = making->t;
	SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
	const char *wrong = NULL;

	if (ctx == NULL ||
	    !SSL_CTX_set_min_proto_version(ctx, profiles[profile].oldest) ||
	    !SSL_CTX_set_ciphersuites(ctx, CIPHERSUITES) ||
	    !SSL_CTX_set_cipher_list(ctx, profiles[profile].ciphers) ||
	    !SSL_CTX_set1_curves_list(ctx, CURVES))
		wrong = "the profile cannot be set";
	for (unsigned i = 0; wrong == NULL && i < CERTPAIR_KINDS; i++)
		if (pairs[i] != NULL)
			wrong = certpair_use(pairs[i], ctx);
	if (wrong != NULL) {
		log_event(
		    LOG_ERR, "certificate-refused", "reason=\"%s\"", wrong);
		SSL_CTX_free(ctx);
		return NULL;
	}
	stream_tls_modes(ctx);
	SSL_CTX_set_mode(ctx, SSL_MODE_NO_AUTO_CHAIN);
	SSL_CTX_set_options(ctx,
	    SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
		SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA);
	SSL_CTX_set_dh_auto(ctx, 1);
	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_num_tickets(ctx, 1);
	SSL_CTX_set_app_data(ctx, t);
	SSL_CTX_set_tlsext_ticket_key_evp_cb(ctx, on_ticket);
	SSL_CTX_set_client_hello_cb(ctx, on_client_hello, t);
	SSL_CTX_set_alpn_select_cb(ctx, choose_protocol, NULL);
	return ctx;
}

struct tls *
tls_new(const struct ticket_segment *keys)
{
	struct tls *t = calloc(1, sizeof(*t));

	if (t != NULL &&
	    (t->cipher = EVP_CIPHER_fetch(NULL, "AES-256-CBC", NULL)) != NULL) {
		t->keys = keys;
		return t;
	}
	free(t);
	log_event(LOG_ERR, "worker-start", "TLS: no memory");
	return NULL;
}

void
tls_free(struct tls *t)
{
	tls_set_release(&t->set);
	EVP_CIPHER_free(t->cipher);
	free(t);
}

int
tls_load(struct tls *t, const struct conf *conf, int fd)
{
	struct making making = { t, conf->tls_profile };
	const struct tls_maker maker = { make_context, &making };
	struct tls_set set = { 0 };
	struct bundle bundle;
	const char *wrong = strerror(EPROTO);

	if (bundle_open(&bundle, fd)) {
		wrong = tls_set_build(&set, &t->set, &bundle, &maker);
		bundle_close(&bundle);
	}
	if (wrong != NULL) {
		log_event(
		    LOG_ERR, "certificates-refused", "reason=\"%s\"", wrong);
		tls_set_release(&set);
		return -1;
	}
	tls_set_release(&t->set);
	t->set = set;
	t->unknown = conf->tls_unknown_name;
	/* a ticket is good while the key is there in any case that it has */
	for (size_t i = 0; i < set.ncontexts; i++)
		SSL_CTX_set_timeout(set.contexts[i],
		    2 * (long)(conf->tls_ticket_rotation_ms / 1000));
	return 0;
}

SSL *
tls_accept(struct tls *t)
{
	SSL *ssl = SSL_new(t->set.fallback->ctx);

	if (ssl != NULL)
		SSL_set_accept_state(ssl);
	return ssl;
}

bool
tls_misdirects(const struct tls *t, const SSL *ssl, struct span host)
{
	const char *asked = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
	char text[TLSEXT_MAXLEN_host_name + 1];
	const struct tls_name *wanted;

	if (asked == NULL || span_eq_nocase(host, span_str(asked)) ||
	    host.len >= sizeof(text))
		return false;
	memcpy(text, host.ptr, host.len);
	text[host.len] = '\0';
	wanted = tls_set_find_host(&t->set, text);
	return wanted != NULL && wanted->ctx != SSL_get_SSL_CTX(ssl) &&
	       X509_check_host(
		   SSL_get_certificate(ssl), text, host.len, 0, NULL) != 1;
}
