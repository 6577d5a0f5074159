/*
 * TLS for clients: certificates by the name that a client asks for (SNI), and
 * what is spoken (2-http.md 2.4).
 */
#ifndef WORKER_TLS_H
#define WORKER_TLS_H

#include "conf/conf.h"

struct ssl_st;
struct tls;

/* NULL after saying why on the log. */
struct tls *tls_new(const struct conf *conf);
void tls_free(struct tls *t);

/* Go by another configuration; certificates by the next tls_load(). */
void tls_follow(struct tls *t, const struct conf *conf);

/*
 * Take the certificates that the master hands over (CTL_CERTIFICATES) in the
 * place of those there are; connections under way keep theirs.  -1 after
 * saying why on the log: all is as before.  The descriptor stays the caller's.
 */
int tls_load(struct tls *t, int fd);

/* The server's side for one more client.  NULL: no memory. */
struct ssl_st *tls_accept(struct tls *t);

/* What the client chose by ALPN (RFC 7301), after the handshake. */
enum tls_protocol { TLS_HTTP1, TLS_HTTP2 };
enum tls_protocol tls_protocol(const struct ssl_st *ssl);

#endif
