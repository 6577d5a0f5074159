/* The response's head as an HTTP/1 client gets it: written anew. */
#ifndef WORKER_RESPOND_H
#define WORKER_RESPOND_H

#include <stdbool.h>
#include <stdint.h>

#include "http/framing.h"
#include "lib/buf.h"
#include "worker/asked.h"

struct respond {
	const struct http_msg *msg; /* status and fields */
	enum body_end end; /* as the client gets it; BODY_NONE for HEAD too */
	uint64_t length;   /* BODY_LENGTH only */
	unsigned minor;    /* of the client's HTTP/1.minor */
	bool keep_alive;   /* the connection stays */
};

/*
 * A backend that does not know of TLS says http: where it sends the client to
 * our own host, the client's scheme takes the place of that.
 *
 * storage  where the new location is put; empty at first
 */
void respond_location(
    struct http_msg *msg, const struct asked *asked, struct buf *storage);

/* False: out is too small. */
bool respond_head(struct buf *out, const struct respond *r);

/* A 1xx, as it is. */
bool respond_interim(struct buf *out, const struct http_msg *msg);

/* A 101, which has passed http_upgrade_given(). */
bool respond_switch(struct buf *out, const struct http_msg *msg);

#endif
