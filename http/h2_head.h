/*
 * The fields of an HTTP/2 header block to a message as HTTP/1.1 has it (RFC
 * 9113 sections 8.2 and 8.3, RFC 8441).  Nothing gets through that the parser
 * of HTTP/1 would refuse.  No socket, no clock, no frames.
 */
#ifndef HTTP_H2_HEAD_H
#define HTTP_H2_HEAD_H

#include <stdint.h>

#include "http/framing.h"
#include "http/parse.h"
#include "lib/buf.h"

/* What is wrong with a header block. */
enum h2_fault {
	H2_FINE,
	H2_MALFORMED,	    /* section 8.1.1: PROTOCOL_ERROR on its stream */
	H2_BAD,		    /* 400: well-formed, and no request for us */
	H2_NO_HOST,	    /* 400 */
	H2_TARGET_TOO_LONG, /* 414 */
	H2_TOO_LARGE,	    /* 431 */
};

/* A header block on its way in. */
struct h2_head {
	struct buf bytes;    /* owned: the fields, and what is made of them */
	size_t size;	     /* of all fields, as section 6.5.2 counts them */
	size_t fields;	     /* with each cookie crumb, without pseudo-fields */
	unsigned pseudo;     /* a bit for each pseudo-field that has come */
	bool regular;	     /* a field has come that is none */
	enum h2_fault fault; /* the first one */
};

/* Zeroed, it is without memory. */
void h2_head_begin(struct h2_head *h, const struct http_limits *limits);
void h2_head_release(struct h2_head *h);

/*
 * Add a field as it was decoded.  It is counted before anything is merged or
 * dropped; what is over a limit is counted and not kept.
 *
 * False    the block is so much over its limit that whoever sends it cannot
 *          mean it: end the connection
 */
bool h2_head_add(struct h2_head *h, const struct http_limits *limits,
    struct span name, struct span value);

#define WEBSOCKET_KEY_LEN 24 /* 16 bytes in base64, RFC 6455 section 4.1 */

/* What a request says that http_msg does not. */
struct h2_request {
	enum body_end end;
	uint64_t length;  /* BODY_LENGTH only */
	bool tunnel;	  /* extended CONNECT: DATA is no body */
	unsigned urgency; /* RFC 9218: 0 to 7, 3 unless it says so */
	bool incremental; /* RFC 9218: true unless it says how urgent it is */
};

/* Does it ask for a tunnel, by an extended CONNECT? */
bool h2_head_is_tunnel(const struct h2_head *h);

/*
 * A block that is complete, as a request's head.
 *
 * ended    its stream sends nothing more
 * key      a tunnel becomes an Upgrade, which needs this
 * msg      filled; its spans point into h.  With a fault it is good for the
 *          log if it has a method_text
 */
enum h2_fault h2_head_request(struct h2_head *h, bool ended,
    const char key[WEBSOCKET_KEY_LEN], struct http_msg *msg,
    struct h2_request *request);

/* As a trailer section: msg's fields are set. */
enum h2_fault h2_head_trailers(struct h2_head *h, struct http_msg *msg);

/*
 * The value of a Priority field or frame (RFC 9218 section 4); what makes no
 * sense is as if it were not there.
 */
void h2_priority(struct span value, struct h2_request *request);

#endif
