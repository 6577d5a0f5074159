/* Contexts of OpenSSL, one for each set of certificates that share names. */
#include "worker/tls.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdlib.h>
#include <string.h>

#include "lib/array.h"
#include "lib/bundle.h"
#include "lib/certpair.h"
#include "lib/log.h"
#include "worker/stream.h"

/* A name of certificates, and the best of each kind for it. */
struct tls_name {
	const char *name; /* borrowed from a pair; "*.a": below a */
	const struct certpair *pairs[CERTPAIR_KINDS]; /* borrowed; or NULL */
	SSL_CTX *ctx; /* borrowed from contexts */
};

/* All certificates of one moment. */
struct tls_set {
	struct certpair *pairs; /* owned */
	size_t npairs;
	struct tls_name *names; /* owned; in the order of strcmp() */
	size_t nnames;
	SSL_CTX **contexts; /* owned; as many as names, or less */
	size_t ncontexts;
	SSL_CTX *fallback; /* borrowed: for clients that name nothing */
};

struct tls {
	const struct conf *conf; /* borrowed */
	struct tls_set set;
};

/*
 * Mozilla's recommendations, version 5.7.  TLS 1.3 has no bad ciphers, and
 * OpenSSL's own list of them is the recommended one.
 */
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

/* The name in the extension's bytes (RFC 6066 section 3).  Empty: none. */
static struct span
server_name(SSL *ssl)
{
	const unsigned char *ext;
	size_t len, n;

	if (!SSL_client_hello_get0_ext(
		ssl, TLSEXT_TYPE_server_name, &ext, &len) ||
	    len < 5 || ext[2] != TLSEXT_NAMETYPE_host_name)
		return SPAN("");
	n = (size_t)ext[3] << 8 | ext[4];
	if (n > len - 5 || n > TLSEXT_MAXLEN_host_name)
		return SPAN("");
	return (struct span){ (const char *)ext + 5, n };
}

static int
compare_names(const void *a, const void *b)
{
	return strcmp(((const struct tls_name *)a)->name,
	    ((const struct tls_name *)b)->name);
}

static const struct tls_name *
find(const struct tls_set *set, const char *name)
{
	struct tls_name key = { .name = name };

	return bsearch(
	    &key, set->names, set->nnames, sizeof(*set->names), compare_names);
}

/* The name itself, or all names that are one label below its parent. */
static const struct tls_name *
find_host(const struct tls_set *set, struct span host)
{
	char name[TLSEXT_MAXLEN_host_name + 2];
	const struct tls_name *found;
	char *dot;

	for (size_t i = 0; i < host.len; i++)
		name[1 + i] = (char)(host.ptr[i] >= 'A' && host.ptr[i] <= 'Z'
					 ? host.ptr[i] | 0x20
					 : host.ptr[i]);
	name[1 + host.len] = '\0';
	found = find(set, name + 1);
	dot = strchr(name + 1, '.');
	if (found != NULL || dot == NULL || dot == name + 1)
		return found;
	dot[-1] = '*';
	return find(set, dot - 1);
}

/* The client has said whom it wants: before anything is looked at, sessions. */
static int
on_client_hello(SSL *ssl, int *alert, void *arg)
{
	const struct tls *t = arg;
	struct span host = server_name(ssl);
	const struct tls_name *name =
	    host.len == 0 ? NULL : find_host(&t->set, host);

	if (name == NULL && host.len > 0 &&
	    t->conf->tls_unknown_name == TLS_UNKNOWN_REFUSE) {
		*alert = SSL_AD_UNRECOGNIZED_NAME;
		return SSL_CLIENT_HELLO_ERROR;
	}
	SSL_set_SSL_CTX(ssl, name == NULL ? t->set.fallback : name->ctx);
	return SSL_CLIENT_HELLO_SUCCESS;
}

/* Make a context that shows these.  NULL after saying why on the log. */
static SSL_CTX *
make_context(struct tls *t, const struct certpair *const pairs[CERTPAIR_KINDS])
{
	enum tls_profile profile = t->conf->tls_profile;
	SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
	const char *wrong = NULL;

	if (ctx == NULL ||
	    !SSL_CTX_set_min_proto_version(ctx, profiles[profile].oldest) ||
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
	SSL_CTX_set_client_hello_cb(ctx, on_client_hello, t);
	SSL_CTX_set_alpn_select_cb(ctx, choose_protocol, NULL);
	return ctx;
}

static void
release_set(struct tls_set *set)
{
	for (size_t i = 0; i < set->ncontexts; i++)
		SSL_CTX_free(set->contexts[i]);
	free(set->contexts);
	free(set->names);
	for (size_t i = 0; i < set->npairs; i++)
		certpair_release(&set->pairs[i]);
	free(set->pairs);
	*set = (struct tls_set){ 0 };
}

/* The pairs of a bundle.  NULL: all is well, else what is wrong. */
static const char *
read_pairs(struct tls_set *set, const struct bundle *bundle)
{
	struct bundle_piece piece;
	const char *wrong;
	size_t n = 0;

	for (size_t at = 0; bundle_next(bundle, &at, &piece);)
		n++;
	set->pairs = calloc(n, sizeof(*set->pairs));
	if (n == 0 || set->pairs == NULL)
		return n == 0 ? "there is none" : "no memory";
	for (size_t at = 0; bundle_next(bundle, &at, &piece);) {
		wrong = certpair_parse(&set->pairs[set->npairs], piece.bytes);
		if (wrong != NULL)
			return wrong;
		set->npairs++;
	}
	return NULL;
}

/* Of two for the same name, the one that was made later. */
static void
add_pair(struct tls_name *name, const struct certpair *pair)
{
	const struct certpair **at = &name->pairs[pair->kind];

	if (*at == NULL || pair->not_before > (*at)->not_before)
		*at = pair;
}

/* Every name once, with its pairs.  False: no memory. */
static bool
collect_names(struct tls_set *set)
{
	struct tls_name *names;
	size_t n = 0, kept = 0;

	for (size_t i = 0; i < set->npairs; i++)
		n += set->pairs[i].nnames;
	names = set->names = calloc(n, sizeof(*names));
	if (names == NULL)
		return false;
	n = 0;
	for (size_t i = 0; i < set->npairs; i++)
		for (size_t j = 0; j < set->pairs[i].nnames; j++) {
			names[n].name = set->pairs[i].names[j];
			add_pair(&names[n++], &set->pairs[i]);
		}
	qsort(names, n, sizeof(*names), compare_names);
	for (size_t i = 0; i < n; i++) {
		if (kept == 0 ||
		    strcmp(names[kept - 1].name, names[i].name) != 0) {
			names[kept++] = names[i];
			continue;
		}
		for (unsigned k = 0; k < CERTPAIR_KINDS; k++)
			if (names[i].pairs[k] != NULL)
				add_pair(&names[kept - 1], names[i].pairs[k]);
	}
	set->nnames = kept;
	return true;
}

/* Names that show the same certificates share a context. */
static SSL_CTX *
context_for(struct tls *t, struct tls_set *set, size_t at)
{
	const struct tls_name *name = &set->names[at];

	while (at-- > 0)
		if (memcmp(set->names[at].pairs, name->pairs,
			sizeof(name->pairs)) == 0)
			return set->names[at].ctx;
	set->contexts[set->ncontexts] = make_context(t, name->pairs);
	return set->contexts[set->ncontexts] == NULL
		   ? NULL
		   : set->contexts[set->ncontexts++];
}

/* NULL: all is well, else what is wrong. */
static const char *
build(struct tls *t, struct tls_set *set, const struct bundle *bundle)
{
	const char *wrong = read_pairs(set, bundle);

	if (wrong != NULL)
		return wrong;
	if (!collect_names(set))
		return "no memory";
	set->contexts = calloc(set->nnames, sizeof(SSL_CTX *));
	if (set->contexts == NULL)
		return "no memory";
	for (size_t i = 0; i < set->nnames; i++) {
		set->names[i].ctx = context_for(t, set, i);
		if (set->names[i].ctx == NULL)
			return "see above";
	}
	set->fallback = find(set, set->pairs[0].names[0])->ctx;
	return NULL;
}

struct tls *
tls_new(const struct conf *conf)
{
	struct tls *t = calloc(1, sizeof(*t));

	if (t == NULL)
		log_event(LOG_ERR, "worker-start", "TLS: no memory");
	else
		t->conf = conf;
	return t;
}

void
tls_follow(struct tls *t, const struct conf *conf)
{
	t->conf = conf;
}

void
tls_free(struct tls *t)
{
	release_set(&t->set);
	free(t);
}

int
tls_load(struct tls *t, int fd)
{
	struct tls_set set = { 0 };
	struct bundle bundle;
	const char *wrong = strerror(EPROTO);

	if (bundle_open(&bundle, fd)) {
		wrong = build(t, &set, &bundle);
		bundle_close(&bundle);
	}
	if (wrong != NULL) {
		log_event(
		    LOG_ERR, "certificates-refused", "reason=\"%s\"", wrong);
		release_set(&set);
		return -1;
	}
	release_set(&t->set);
	t->set = set;
	return 0;
}

SSL *
tls_accept(struct tls *t)
{
	SSL *ssl = SSL_new(t->set.fallback);

	if (ssl != NULL)
		SSL_set_accept_state(ssl);
	return ssl;
}
