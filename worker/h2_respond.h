/* The response's head as an HTTP/2 client gets it: fields written anew. */
#ifndef WORKER_H2_RESPOND_H
#define WORKER_H2_RESPOND_H

#include <nghttp2/nghttp2.h>

#include "http/framing.h"
#include "http/msg.h"
#include "http/serialize.h"

#define H2_FIELDS (HTTP_FIELDS_MAX + HTTP_FIELDS_OURS + 2)

/* A head: its spans point into the message, or here. */
struct h2_fields {
	nghttp2_nv nv[H2_FIELDS];
	size_t n;
	char status[HTTP_DIGITS_MAX], length[HTTP_DIGITS_MAX];
};

/*
 * end, length  as exchange_ops.head() gets them; BODY_CLOSE: neither a length
 *              nor an end is said, as for a 1xx
 */
void h2_respond(struct h2_fields *f, const struct http_msg *msg,
    enum body_end end, uint64_t length);

/* What follows a 101 is no HTTP/1.1: 200, to an extended CONNECT. */
void h2_respond_switch(struct h2_fields *f, const struct http_msg *msg);

/* A trailer section. */
void h2_respond_trailers(struct h2_fields *f, const struct http_msg *msg);

#endif
