/* The response's head as an HTTP/1 client gets it: written anew. */
#ifndef WORKER_RESPOND_H
#define WORKER_RESPOND_H

#include <stdbool.h>
#include <stdint.h>

#include "http/framing.h"
#include "lib/buf.h"

struct respond {
	const struct http_msg *msg; /* status and fields */
	enum body_end end; /* as the client gets it; BODY_NONE for HEAD too */
	uint64_t length;   /* BODY_LENGTH only */
	unsigned minor;    /* of the client's HTTP/1.minor */
	bool keep_alive;   /* the connection stays */
};

/* False: out is too small. */
bool respond_head(struct buf *out, const struct respond *r);

/* A 1xx, as it is. */
bool respond_interim(struct buf *out, const struct http_msg *msg);

/* A 101, which has passed http_upgrade_given(). */
bool respond_switch(struct buf *out, const struct http_msg *msg);

#endif
