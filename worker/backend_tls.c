/* The client's side of OpenSSL, and the sessions to go on with. */
#include "worker/backend_tls.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdlib.h>

#include "lib/log.h"
#include "worker/stream.h"

#define SESSIONS 256 /* kept; a power of two */

/* What a backend gave to go on with; another one may take its place. */
struct session {
	struct pool_owner owner;
	SSL_SESSION *session; /* owned; NULL: none */
	uintptr_t turn;	      /* how many owners it has had */
};

struct backend_tls {
	SSL_CTX *ctx;
	bool verify;
	struct session sessions[SESSIONS];
};

/* An SSL knows its place, and whose it was then. */
static void *
pack(const struct backend_tls *t, const struct session *s)
{
	return (void *)(s->turn * SESSIONS + (uintptr_t)(s - t->sessions));
}

/* NULL: it is somebody else's by now. */
static struct session *
unpack(struct backend_tls *t, const void *packed)
{
	struct session *s = &t->sessions[(uintptr_t)packed % SESSIONS];

	return pack(t, s) == packed ? s : NULL;
}

static void
drop(struct session *s)
{
	SSL_SESSION_free(s->session);
	s->session = NULL;
}

/* OpenSSL has a new one for us; 1: it is ours now. */
static int
new_session(SSL *ssl, SSL_SESSION *session)
{
	struct backend_tls *t = SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));
	struct session *s = unpack(t, SSL_get_app_data(ssl));

	if (s == NULL)
		return 0;
	drop(s);
	s->session = session;
	return 1;
}

static bool
same(const struct pool_owner *a, const struct pool_owner *b)
{
	return a->tool == b->tool && a->version == b->version &&
	       memcmp(&a->backend, &b->backend, sizeof(a->backend)) == 0;
}

static struct session *
session_of(struct backend_tls *t, const struct pool_owner *o)
{
	uint64_t at = o->tool ^ o->backend.port * 0x9e3779b97f4a7c15u;
	struct session *s = &t->sessions[(at ^ at >> 32) % SESSIONS];

	if (!same(&s->owner, o)) {
		drop(s);
		s->owner = *o;
		s->turn++;
	}
	return s;
}

/* False: there is no certificate in it, or a bad one. */
static bool
trust(SSL_CTX *ctx, struct span ca)
{
	BIO *pem = BIO_new_mem_buf(ca.ptr, (int)ca.len);
	unsigned n = 0;
	X509 *cert;

	while (pem != NULL &&
	       (cert = PEM_read_bio_X509(pem, NULL, NULL, NULL)) != NULL) {
		n += X509_STORE_add_cert(SSL_CTX_get_cert_store(ctx), cert);
		X509_free(cert);
	}
	BIO_free(pem);
	/* the end of the text is an error, too */
	if (n > 0 &&
	    ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE) {
		ERR_clear_error();
		return true;
	}
	return false;
}

static bool
set_up(struct backend_tls *t, struct span ca)
{
	t->ctx = SSL_CTX_new(TLS_client_method());
	if (t->ctx == NULL ||
	    !SSL_CTX_set_min_proto_version(t->ctx, TLS1_2_VERSION))
		return false;
	stream_tls_modes(t->ctx);
	SSL_CTX_set_session_cache_mode(
	    t->ctx, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
	SSL_CTX_sess_set_new_cb(t->ctx, new_session);
	SSL_CTX_set_app_data(t->ctx, t);
	t->verify = ca.len > 0;
	if (t->verify)
		SSL_CTX_set_verify(t->ctx, SSL_VERIFY_PEER, NULL);
	return !t->verify || trust(t->ctx, ca);
}

struct backend_tls *
backend_tls_new(struct span ca)
{
	struct backend_tls *t = calloc(1, sizeof(*t));

	if (t != NULL && set_up(t, ca))
		return t;
	log_event(LOG_ERR, "worker-start", "TLS to backends, backend_ca: %s",
	    t == NULL ? "no memory" : ERR_reason_error_string(ERR_get_error()));
	if (t != NULL)
		backend_tls_free(t);
	return NULL;
}

void
backend_tls_free(struct backend_tls *t)
{
	for (size_t i = 0; i < SESSIONS; i++)
		drop(&t->sessions[i]);
	SSL_CTX_free(t->ctx);
	free(t);
}

struct ssl_st *
backend_tls_begin(
    struct backend_tls *t, const struct pool_owner *owner, const char *name)
{
	struct session *s = session_of(t, owner);
	SSL *ssl = SSL_new(t->ctx);

	if (ssl == NULL)
		return NULL;
	SSL_set_connect_state(ssl);
	SSL_set_app_data(ssl, pack(t, s));
	if (SSL_set_tlsext_host_name(ssl, name) &&
	    (!t->verify || SSL_set1_host(ssl, name)) &&
	    (s->session == NULL || SSL_set_session(ssl, s->session)))
		return ssl;
	SSL_free(ssl);
	return NULL;
}
