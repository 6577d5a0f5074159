/* The request's head as the backend gets it: written anew, never copied. */
#ifndef WORKER_FORWARD_H
#define WORKER_FORWARD_H

#include <stdbool.h>
#include <stdint.h>

#include "conf/conf.h"
#include "http/framing.h"
#include "http/target.h"
#include "lib/addr.h"
#include "lib/buf.h"
#include "worker/asked.h"

struct forward {
	const struct http_msg *msg;
	const struct http_target *target;
	const struct asked *asked; /* id and trace go on, the host is said */
	const struct ip *client; /* told the backend; NULL: not told */
	struct span proto; /* the client's: "http" */
	struct span forwarded_host; /* from a trusted proxy; empty: the host */
	uint16_t port;     /* where the client came in */
	struct span upgrade; /* the protocol that it asks for; empty: none */
	enum body_end end; /* of the request's body */
	uint64_t length;   /* BODY_LENGTH only */
};

/* False: out is too small. */
bool forward_head(struct buf *out, const struct forward *f);

/* How often has this request come through a dynproxy? */
unsigned forward_passes(const struct http_msg *msg);

#endif
