/*
 * A WebSocket over HTTP/2 (RFC 8441): DATA frames on the client's side, on the
 * backend's what follows a 101.
 */
#ifndef WORKER_H2_TUNNEL_H
#define WORKER_H2_TUNNEL_H

#include "worker/h2_stream.h"
#include "worker/tunnel.h"

#define H2_ACCEPT_LEN 28 /* 20 bytes in base64 */

/* Make a key for a backend, and what it must answer to it: NUL-terminated. */
void h2_tunnel_key(
    char key[WEBSOCKET_KEY_LEN + 1], char accept[H2_ACCEPT_LEN + 1]);

/* Does a 101 have it?  (RFC 6455 section 4.1) */
bool h2_tunnel_accepted(const struct h2_stream *st, const struct http_msg *msg);

void h2_tunnel_begin(struct h2_stream *st);

/* As tunnel_leave(). */
void h2_tunnel_leave(struct h2_stream *st);

/* As tunnel_run(), for this stream and the backend of its exchange. */
enum tunnel_next h2_tunnel_run(struct h2_stream *st);

#endif
