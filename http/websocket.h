/*
 * Frames of a WebSocket (RFC 6455 section 5.2), as far as who passes them on
 * has to know them: where one ends, so that another can be put behind it.
 */
#ifndef HTTP_WEBSOCKET_H
#define HTTP_WEBSOCKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/span.h"

/* Zeroed, it is before the first frame. */
struct websocket_frames {
	uint64_t left;	      /* bytes of the payload to come */
	uint64_t length;      /* of the payload, as far as it was read */
	unsigned char second; /* byte of the head that is coming in */
	uint8_t have, need;   /* bytes of that head */
};

/* These bytes come next. */
void websocket_pass(struct websocket_frames *f, struct span bytes);

/* Is it between two frames? */
bool websocket_between(const struct websocket_frames *f);

/* A server's Close frame: 1001, going away (sections 5.5.1 and 7.4.1). */
extern const struct span websocket_going_away;

#endif
