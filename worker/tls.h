/*
 * TLS for clients: certificates by the name that a client asks for (SNI), and
 * what is spoken (2-http.md 2.4).
 */
#ifndef WORKER_TLS_H
#define WORKER_TLS_H

#include "conf/conf.h"
#include "lib/span.h"

struct ssl_st;
struct ticket_segment;
struct tls;

/* keys: borrowed.  NULL after saying why on the log. */
struct tls *tls_new(const struct ticket_segment *keys);
void tls_free(struct tls *t);

/*
 * Take the certificates that the master hands over (CTL_CERTIFICATES) in the
 * place of those there are; connections under way keep theirs.  -1 after
 * saying why on the log: all is as before.  The descriptor stays the caller's,
 * and so does the configuration, of which the profile is taken.
 */
int tls_load(struct tls *t, const struct conf *conf, int fd);

/* The server's side for one more client.  NULL: no memory. */
struct ssl_st *tls_accept(struct tls *t);

/* What the client chose by ALPN (RFC 7301), after the handshake. */
enum tls_protocol { TLS_HTTP1, TLS_HTTP2 };
enum tls_protocol tls_protocol(const struct ssl_st *ssl);

/*
 * The client has asked for a name, was shown a certificate, and now wants
 * something of another host: is that one for which we have a certificate, but
 * not this one (RFC 9110 section 15.5.20)?  Of the name itself it costs a
 * comparison.
 *
 * host   normalised
 */
bool tls_misdirects(
    const struct tls *t, const struct ssl_st *ssl, struct span host);

#endif
